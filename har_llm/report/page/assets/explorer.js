/* The explorer: a list of the events that pass the filters, and one event with the generations of every run. */

let explorer = null; // kept on the page while only filters or the event change

async function showExplorer(main, settings, isCurrent) {
  const data = await dataOf(settings);
  if (!isCurrent()) return;
  const runs = chosenRuns(settings, data.number), parsing = chosenParsing(settings);
  const key = JSON.stringify([data.number, runs, parsing]);
  if (explorer?.key !== key || !main.contains(explorer.element)) {
    explorer = makeExplorer(data, runs, parsing);
    explorer.key = key;
    const controls = h("div", { class: "tools" }, datasetChoice(settings), parsingSwitch(settings), runChips(settings));
    fill(main, h("h1", null, "Explorer"), controls, explorer.element);
  }
  explorer.show(settings);
}

function makeExplorer(data, runs, parsing) {
  let found = [], filtered = null;
  const choose = (event, byKey) => change({ event: data.address(event) }, byKey);
  const list = makeList("Events", (event) => eventLine(data, event, runs, parsing), choose);
  const total = h("p", { class: "quiet total", role: "status" });
  const active = h("div", { class: "chips active" });
  const bar = filterBar(data, runs);
  const detail = h("article", { class: "detail", id: "detail", "aria-label": "The chosen event", tabindex: "-1" });
  const element = h("div", null, bar.element, h("div", { class: "explorer" },
    h("section", { class: "events", "aria-label": "Events" }, active, total, list.element),
    detail));
  return {
    element, step: list.step,
    show(settings) {
      const filters = JSON.stringify(FILTERS.map((name) => settings[name]));
      if (filters !== filtered) {
        found = matching(data, readFilters(settings, data, runs), runs, parsing);
        filtered = filters;
        bar.show(settings);
        fill(active, activeFilters(settings, data));
        fill(total, found.length === data.size ? count(found.length, "event")
          : `${counted.format(found.length)} of ${count(data.size, "event")}`);
      }
      const asked = data.where(settings.event);
      const event = asked >= 0 ? asked : found[0] ?? null;
      list.show(found, event);
      if (settings.event && asked < 0) total.append(" · the event of this address is not in this report");
      showDetail(detail, { data, event, runs, parsing, listed: event !== null && found.includes(event) });
    },
  };
}

function eventLine(data, event, runs, parsing) {
  return [
    h("span", { class: "what", title: data.text(event) }, data.text(event)),
    h("span", { class: "under" }, h("span", { class: "time" }, data.times[event]),
      h("span", { class: "words" }, data.labelled ? goldTags(data, event) : saidTags(data, event, runs, parsing)),
      data.labelled && h("span", { class: "marks" }, runs.map((run) => {
        const said = data.said(run, event, parsing), outcome = data.outcomeOf(said, event);
        const words = `${index.runs[run].label}: ${saidWords(data, said)}`;
        return h("span", { class: `mark ${outcome}`, title: words }, MARKS[outcome], unseen(` ${words}. `));
      }))),
  ];
}

function saidTags(data, event, runs, parsing) {
  return runs.map((run, at) => {
    return [at ? " or " : "", predictedTag(data, data.said(run, event, parsing))];
  });
}

function filterChoices(data, runs) {
  const activities = data.order.map((number) => [String(number), data.activity(number)]);
  return {
    differ: ["Agreement", [["", "any"], ["yes", "runs disagree"], ["no", "runs agree"]]],
    ...(data.labelled && { outcome: ["Outcome", [["", "any"], ...OUTCOMES.map((one) => [one, one])]] }),
    cause: ["Cause of missing", [["", "any"], ...Object.keys(CAUSE_WORDS).map((cause) => [cause, causeName(cause)])]],
    model: ["… of which run", [["", "any shown run"], ...runs.map((run) => [runKeys[run], index.runs[run].label])]],
    ...(data.labelled && { gold: ["Gold activity", [["", "any"], ...activities]] }),
    pred: ["Predicted activity", [["", "any"], ...activities]],
    in: ["Session", [["", "all"], ...data.sessions.map(({ key, label }) => [key, label])]],
  };
}

function filterBar(data, runs) {
  const choices = filterChoices(data, runs), controls = {};
  const fields = Object.entries(choices).map(([name, [label, options]]) => {
    const field = choice(label, options, "", (value) => change({ [name]: value }));
    controls[name] = field.querySelector("select");
    return field;
  });
  controls.q = h("input", { type: "search", placeholder: "kitchen stove, 19:53 …",
    input: (event) => change({ q: event.target.value }, true) });
  const search = h("label", { class: "field" }, h("span", null, "Words or time"), controls.q);
  const element = h("details", { class: "filters" },
    h("summary", null, "Filters"), h("div", { class: "grid" }, search, fields));
  element.open = window.matchMedia("(min-width: 60rem)").matches;
  return {
    element,
    show(settings) {
      for (const [name, control] of Object.entries(controls)) {
        if (control !== document.activeElement || name !== "q") control.value = settings[name] ?? "";
        if (control.selectedIndex < 0) control.value = "";
      }
    },
  };
}

/** The active filters, as buttons that remove them. */
function activeFilters(settings, data) {
  const choices = filterChoices(data, chosenRuns(settings, data.number));
  const names = FILTERS.filter((name) => settings[name]);
  const chips = names.map((name) => {
    const label = choices[name]?.[0] ?? "Words";
    const value = choices[name]?.[1].find(([key]) => key === settings[name])?.[1] ?? settings[name];
    return h("button", { type: "button", class: "chip", click: () => change({ [name]: "" }) },
      `${label}: ${value} `, h("span", { "aria-hidden": "true" }, "×"), unseen("(remove this filter)"));
  });
  const all = Object.fromEntries(names.map((name) => [name, ""]));
  const clear = h("button", { type: "button", class: "chip plain", click: () => change(all) }, "clear all");
  return [chips, names.length > 1 && clear];
}
