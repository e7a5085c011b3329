/* One event: its window, the prompt, and the reasoning and answer of each run, side by side. */

const FEW_RUNS = 2; // with more runs, the window's table shows numbers of activities only

let detailShown = 0;

function showDetail(place, { data, event, runs, parsing, listed }) {
  const turn = ++detailShown;
  if (event === null) {
    fill(place, quiet("No event passes the filters. Take one away to see more."));
    return;
  }
  const cards = runs.map((run) => runCard(data, run, event, parsing, () => turn === detailShown));
  fill(place,
    eventHead(data, event, listed),
    h("h3", null, "What each run says of it"),
    h("div", { class: "cards" }, cards),
    windowTable(data, event, runs, parsing),
    prompts(data, event, runs));
}

function eventHead(data, event, listed) {
  const session = data.session(event), subjects = data.subjects(event);
  return h("header", { class: "event" },
    h("h2", null, data.text(event)),
    quiet(`Event ${data.ids[event]} · ${data.when(event)} · ${session.label}`,
      subjects.length > 0 && ` · caused by ${subjects.join(" and ")} (no model is told)`),
    h("p", { class: "links" }, data.labelled && h("span", null, "Gold: ", goldTags(data, event)),
      h("a", { href: to("timeline", { session: session.key, event: data.address(event) }) }, "In the timeline")),
    !listed && hint("This event does not pass the filters."));
}

/** The window of the first shown run that has one. Other runs may have other windows. */
function windowTable(data, event, runs, parsing) {
  const run = runs.find((one) => data.window(one, event) >= 0);
  if (run === undefined) return hint("No shown run has a window with this event.");
  const events = data.windowEvents(run, event), session = data.session(event);
  const own = data.answeredWith(run, event);
  const step = (label, near, words) => near >= session.start && near < session.end
    && h("button", { type: "button", "aria-label": words, click: () => change({ event: data.address(near) }) }, label);
  return h("section", { class: "window", "aria-labelledby": "window-title" },
    h("div", { class: "title" }, h("h3", { id: "window-title" }, `Window ${data.window(run, event) + 1} of the session`),
      h("span", { class: "steps" },
        step("←", own[0] - 1, "The window before"), step("→", own.at(-1) + 1, "The next window"))),
    scrollBox({ "aria-labelledby": "window-title" }, h("table", null,
      tableHead(["Event", "Time", "What happened", ...(data.labelled ? ["Gold"] : []), ...runs.map((one) => index.runs[one].label)]),
      h("tbody", null, events.map((one) => windowLine(data, one, one === event, runs, parsing,
        own.includes(one) ? null : data.window(run, one)))))));
}

/** `elsewhere`: the window that answers for the event, if it is not this one. */
function windowLine(data, event, isChosen, runs, parsing, elsewhere) {
  const open = h("button", { type: "button", class: "plain", "aria-label": `Event ${data.ids[event]}: ${data.text(event)}`,
    click: () => change({ event: data.address(event) }) }, data.ids[event]);
  return h("tr", { class: isChosen ? "chosen" : "", "aria-current": isChosen ? "true" : null },
    h("th", { scope: "row" }, open),
    h("td", { class: "time" }, data.times[event]),
    h("td", { class: "happened" }, data.text(event),
      elsewhere !== null && h("span", { class: "elsewhere quiet small" }, `answered in window ${elsewhere + 1}`)),
    data.labelled && h("td", null, goldTags(data, event)),
    runs.map((run) => {
      const said = data.said(run, event, parsing), words = saidWords(data, said);
      const outcome = data.outcomeOf(said, event);
      const brief = runs.length > FEW_RUNS && said?.activity !== undefined;
      return h("td", { class: "short", title: words }, outcomeMark(data, outcome),
        brief ? [h("span", { "aria-hidden": "true" }, said.activity), unseen(words)] : words);
    }));
}

/** The different prompts of the shown runs. */
function prompts(data, event, runs) {
  const sent = new Map();
  for (const run of runs) {
    const places = data.places(run, event);
    if (!places || places.leftOut) continue;
    const key = places.prompt.join(":");
    sent.set(key, { place: places.prompt, runs: [...(sent.get(key)?.runs ?? []), run] });
  }
  return [...sent.values()].map(({ place, runs: readers }) => {
    const body = h("div");
    const show = async () => {
      const messages = await prompt(place);
      fill(body, messages.map(({ role, content }) => {
        const box = textBox(role, content, findInPrompt(content, data.shown(readers[0], event), data.text(event)), "");
        requestAnimationFrame(box.ready);
        return box.element;
      }));
    };
    const whose = sent.size > 1 ? ` of ${readers.map((run) => index.runs[run].label).join(", ")}` : "";
    const toggle = (opened) => opened.target.open && !body.firstChild && orSay(show(), body);
    return h("details", { class: "prompt", toggle },
      h("summary", null, `Prompt${whose}: what the model was sent`), body);
  });
}

function runCard(data, run, event, parsing, isCurrent) {
  const about = index.runs[run], said = data.said(run, event, parsing), outcome = data.outcome(run, event, parsing);
  const body = h("div", { class: "words-of" }, quiet("…"));
  orSay(fillWords(body, data, run, event, parsing, isCurrent), body);
  return h("section", { class: `card ${outcome}`, "aria-labelledby": `card-${run}` },
    h("div", { class: "card-head" },
      h("h3", { id: `card-${run}` }, about.label),
      h("span", { class: "quiet small" }, aboutRun(about)), statusTag(run)),
    h("p", { class: "verdict" }, data.labelled && [mark(outcome), " "], verdict(data, said, outcome)),
    data.labelled && OUTCOMES.includes(outcome) && !data.scored(run, event) && hint(outcome === "unlabelled"
      ? "Not scored: the event has no gold activity." : "Not scored: its gold is the null class."),
    body);
}

function verdict(data, said, outcome) {
  if (outcome === "absent") return "This run does not have the event.";
  if (outcome === "excluded") return `Excluded: ${said.excluded}.`;
  if ("missed" in said) {
    return [h("b", null, `missed: ${causeName(said.missed)}`), ` – ${CAUSE_WORDS[said.missed] ?? ""}`];
  }
  return [h("b", null, predictedTag(data, said)), data.labelled && ` – ${outcome}`];
}

async function fillWords(body, data, run, event, parsing, isCurrent) {
  const places = data.places(run, event);
  if (!places) {
    const lacks = index.runs[run].no_files.length > 0;
    return fill(body, lacks && hint("Its run directory had no windows.jsonl with its generations."));
  }
  if (places.leftOut) {
    return fill(body, hint("This window's prompt and generations are not in the page, which would have become too heavy. "
      + `They are in windows.jsonl of its run directory, ${index.runs[run].name}.`));
  }
  const generations = await Promise.all(places.generations.map(generation));
  if (!isCurrent()) return;
  const votes = data.votes(run, event, parsing);
  const agreed = votes ? votes.findIndex((vote) => sameSaid(vote, data.said(run, event, parsing))) : 0;
  const holder = h("div");
  const put = (at) => {
    const { element, ready } = oneGeneration(data, run, event, generations[at]);
    fill(holder, element);
    ready();
  };
  fill(body, votes && voteChoice(data, votes, Math.max(0, agreed), put), holder);
  put(Math.max(0, agreed));
}

function sameSaid(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function voteChoice(data, votes, chosen, put) {
  return choice(`Of ${votes.length} generations, each event went to the majority`,
    votes.map((vote, at) => [String(at), `generation ${at + 1}: ${saidWords(data, vote)}`]), String(chosen),
    (at) => put(Number(at)));
}

function oneGeneration(data, run, event, written) {
  const window = data.windowEvents(run, event), shown = data.shown(run, event);
  // With the ids of this prompt: if windows overlap, an event has another id in another prompt.
  const events = window.map((one) => ({ id: shown + one - event, time: data.times[one], text: data.text(one) }));
  const { passages, certain } = findPassages(written.reasoning, events, window.indexOf(event));
  const entries = findInAnswer(written.answer ?? "", shown);
  const reasoning = written.reasoning === "" ? nothing("The model wrote no reasoning.")
    : textBox("Reasoning", written.reasoning, passages, passageNote(passages, certain, shown));
  const answer = written.answer === null ? nothing("There is no answer: the reasoning was never closed.")
    : written.answer === "" ? nothing("The answer is empty.")
      : textBox("Answer", written.answer, entries, entries.length ? "" : `no entry for id ${shown}`, "code");
  const facts = [
    `window of events ${events[0].id} to ${events.at(-1).id}`, `ended by ${written.finish_reason}`,
    `${count(written.prompt_tokens, "token")} read, ${counted.format(written.completion_tokens)} written`,
    `${written.seconds.toFixed(1)} s`, `generation ${written.key.slice(0, 10)}`,
  ];
  const element = h("div", null,
    reasoning.element, answer.element, h("p", { class: "quiet small facts" }, facts.join(" · ")));
  return { element, ready: () => { reasoning.ready(); answer.ready(); } };
}

function nothing(words) {
  return { element: hint(words), ready: () => {} };
}

function passageNote(passages, certain, shown) {
  if (!passages.length) return `no passage names event ${shown} by its id, time or words`;
  if (!certain) return `marked: words that another event of the window shares; none names event ${shown} alone`;
  return `${passages.length === 1 ? "one passage speaks" : `${passages.length} passages speak`} of event ${shown}`;
}
