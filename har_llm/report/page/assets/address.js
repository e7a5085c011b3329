/* The page's address, behind the "#", names the view and its settings, so that views can be shared and gone back to. */

const index = plainBlock("index");
/** Whether any run has scores. Without, nobody has said what is right, and what is done from when to when comes first. */
const SCORED = index.runs.some(({ scores }) => scores[index.parsing][index.headline].mean !== "");
const VIEWS = SCORED ? ["overview", "results", "days", "timeline", "confusion", "explorer"]
  : ["days", "results", "timeline", "explorer", "overview"];
const SHARED = ["data", "runs", "parsing"]; // settings that are kept when the view changes
const MANY_RUNS = 6;

function parseAddress(hash) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: VIEWS.includes(view) ? view : VIEWS[0], settings: Object.fromEntries(new URLSearchParams(query)) };
}

function writeAddress({ view, settings }) {
  const kept = Object.entries(settings).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString()
    .replaceAll("%2F", "/").replaceAll("%2C", ",");
  return `#${view}${query && "?" + query}`;
}

function here() {
  return parseAddress(location.hash);
}

/** The address of another view, with the SHARED settings of this one. */
function to(view, changes = {}) {
  const shared = Object.fromEntries(Object.entries(here().settings).filter(([name]) => SHARED.includes(name)));
  return writeAddress({ view, settings: { ...shared, ...changes } });
}

/** Change settings of this view. `quietly`: without a new entry in the history. */
function change(changes, quietly = false) {
  const { view, settings } = here();
  go(writeAddress({ view, settings: { ...settings, ...changes } }), quietly);
}

function go(address, quietly = false) {
  if (address === location.hash) return;
  if (quietly) {
    history.replaceState(null, "", address);
    show();
  } else {
    location.hash = address;
  }
}

/* Addresses name runs and datasets, so that an address is valid for a later report with more runs, too. */

const runKeys = (() => {
  const short = index.runs.map(({ name }) => name.match(/-([0-9a-f]{10})$/)?.[1] ?? name);
  return short.map((key, at) => (short.indexOf(key) === short.lastIndexOf(key) ? key : `${key}~${at + 1}`));
})();

const dataKeys = index.datasets.map(({ name }, at) => {
  const before = index.datasets.slice(0, at).filter((other) => other.name === name).length;
  return before ? `${name}~${before + 1}` : name;
});

function chosenDataset(settings) {
  return Math.max(0, dataKeys.indexOf(settings.data));
}

/** The runs of a dataset to show: those in the address, else the first few, and the run that events are filtered by. */
function chosenRuns(settings, dataset) {
  const all = index.datasets[dataset].runs;
  const named = (settings.runs ?? "").split(",").map((key) => runKeys.indexOf(key)).filter((run) => all.includes(run));
  const shown = named.length ? named : all.slice(0, MANY_RUNS);
  return all.filter((run) => shown.includes(run) || runKeys[run] === settings.model);
}

function chosenParsing(settings) {
  return ["strict", "lenient"].includes(settings.parsing) ? settings.parsing : index.parsing;
}

const loaded = new Map();

/** The data of the dataset in the address; it is unpacked once. */
function dataOf(settings) {
  const number = chosenDataset(settings);
  if (!loaded.has(number)) {
    loaded.set(number, block(`data-${number}`).then((content) => new Data(number, index.datasets[number], content)));
  }
  return loaded.get(number);
}
