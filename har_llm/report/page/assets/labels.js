/* How activities, predictions and runs are shown: with a colour, and always with words. */

const CAUSE_WORDS = {
  omitted: "the answer leaves it out",
  forgotten: "the reasoning mentions other events only, and the answer leaves it out",
  unreported: "the reasoning mentions it, but the answer leaves it out",
  unknown_label: "the answer names no activity of the list",
  malformed: "the answer cannot be read",
  no_answer: "there is no answer: the reasoning never ends, or nothing follows it",
  truncated: "the generation was cut at its greatest length",
  ran_on: "the answer goes on with events that the window does not have, and never ends",
  repetition: "the generation was stopped because it repeated itself",
};
const MARKS = { right: "✓", wrong: "✗", missed: "∅", unlabelled: "–", excluded: "·", absent: "·" };
const HUES = 10;
const TIERS = [[0.85, 0.09, 0], [0.73, 0.13, 18], [0.63, 0.12, 8]]; // lightness, chroma, turn: dark text is legible on all

/** An activity's colour, by its place in the catalogue: neighbours differ in hue, and every ten in lightness. */
function colour(place) {
  const [lightness, chroma, turn] = TIERS[Math.floor(place / HUES) % TIERS.length];
  return `oklch(${lightness} ${chroma} ${((place * 7) % HUES) * (360 / HUES) + turn + 20})`;
}

function swatch(data, number) {
  return h("span", { class: "swatch", "aria-hidden": "true", style: { background: colour(data.order.indexOf(number)) } });
}

function activityTag(data, number) {
  return h("span", { class: "activity" }, swatch(data, number), data.activity(number));
}

function goldTags(data, event) {
  const gold = data.gold(event);
  return gold.length ? gold.map((number, at) => [at ? " or " : "", activityTag(data, number)]) : "unlabelled";
}

function mark(outcome) {
  return h("span", { class: `mark ${outcome}`, "aria-hidden": "true" }, MARKS[outcome]);
}

/** The mark of an outcome before what is said; nothing where nobody has said what is right. */
function outcomeMark(data, outcome) {
  return data.labelled && [mark(outcome), " ", unseen(`${outcome}: `)];
}

function causeName(cause) {
  return cause.replaceAll("_", " ");
}

/** A prediction in words. */
function saidWords(data, said) {
  if (said === null) return "not in this run";
  if ("excluded" in said) return `excluded: ${said.excluded}`;
  return "missed" in said ? `missed (${causeName(said.missed)})` : data.activity(said.activity) + residentWords(said);
}

/** Who is said to have caused an event: a number that means a person in its window only. */
function residentWords(said) {
  return said.resident == null ? "" : `, person ${said.resident} of the window`;
}

function predictedTag(data, said) {
  return said?.activity === undefined ? saidWords(data, said) : [activityTag(data, said.activity), residentWords(said)];
}

function statusTag(run) {
  return index.runs[run].status && h("span", { class: "status" }, index.runs[run].status);
}

/** What is synthetic or partial about the shown runs, for views that do not say it of each run. */
function statusLine(runs) {
  const kinds = new Map();
  for (const { status, label } of runs.map((run) => index.runs[run])) {
    kinds.set(status, [...(kinds.get(status) ?? []), label]);
  }
  const whose = (labels) => (kinds.size === 1 ? "" : `${labels.join("; ")}: `);
  return h("p", { class: "chips" }, [...kinds].map(([status, labels]) =>
    status && h("span", { class: "status" }, whose(labels), status)));
}

function parsingSwitch(settings) {
  return h("div", { class: "field" }, h("span", null, "Parsing of the answers"),
    switcher("Parsing of the answers", [["strict", "strict"], ["lenient", "lenient"]], chosenParsing(settings),
      (parsing) => change({ parsing: parsing === index.parsing ? "" : parsing })));
}

function datasetChoice(settings) {
  const all = index.datasets.map(({ name }, at) =>
    [dataKeys[at], dataKeys[at] === name ? name : `${name} (other catalogue)`]);
  return all.length > 1 &&
    choice("Dataset", all, dataKeys[chosenDataset(settings)], (data) => go(to(here().view, { data, runs: "" })));
}

let chipsAreOpen = false; // they stay as they are while runs are chosen

/** Buttons to choose the runs that are shown; many are folded, to leave room for what they say. */
function runChips(settings) {
  const dataset = chosenDataset(settings), shown = chosenRuns(settings, dataset), all = index.datasets[dataset].runs;
  const toggle = (run) => {
    const chosen = all.filter((one) => shown.includes(one) !== (one === run));
    const current = here().settings.model; // the chips stay while filters change
    const model = current === runKeys[run] ? "" : current;
    if (chosen.length) change({ model, runs: chosen.map((one) => runKeys[one]).join(",") });
  };
  const note = shown.length < all.length && h("span", { class: "quiet" }, `(${shown.length} of ${all.length} shown)`);
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Runs shown" }, all.map((run) => h("button", {
    type: "button", class: "chip", "aria-pressed": String(shown.includes(run)), title: index.runs[run].name,
    click: () => toggle(run),
  }, index.runs[run].label)));
  return all.length <= MANY_RUNS ? h("div", { class: "field wide" }, h("span", null, "Runs ", note), chips)
    : h("details", { class: "field wide", open: chipsAreOpen, toggle: (event) => { chipsAreOpen = event.target.open; } },
      h("summary", null, "Runs ", note), chips);
}
