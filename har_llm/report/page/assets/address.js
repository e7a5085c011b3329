/* What is seen stands in the page's address, behind the "#": a view and its settings. So it can be sent and gone back to. */

const index = plainBlock("index");
const VIEWS = ["overview", "results", "timeline", "confusion", "explorer"];
const SHARED = ["data", "runs", "parsing"]; // settings that go along from view to view
const MANY_RUNS = 6;

function parseAddress(hash) {
  const [view, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { view: VIEWS.includes(view) ? view : "overview", settings: Object.fromEntries(new URLSearchParams(query)) };
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

/** The address of another view; of the settings, those that hold everywhere go along. */
function to(view, changes = {}) {
  const shared = Object.fromEntries(Object.entries(here().settings).filter(([name]) => SHARED.includes(name)));
  return writeAddress({ view, settings: { ...shared, ...changes } });
}

/** The same view, changed. `quietly`: without a step to go back to. */
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

/* Runs and datasets bear their names in an address, so that it also holds for a later report with more of them. */

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

/** The runs of a dataset that are shown: those of the address, or else the first few; and one that is filtered by. */
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

/** The dataset of the address, unpacked once. */
function dataOf(settings) {
  const number = chosenDataset(settings);
  if (!loaded.has(number)) {
    loaded.set(number, block(`data-${number}`).then((content) => new Data(number, index.datasets[number], content)));
  }
  return loaded.get(number);
}
