/* What is asked first, and all runs, by dataset. */

const METRIC_WORDS = {
  f1_macro_gold: "F1, macro over the activities in the gold of a session",
  f1_macro_union: "F1, macro over the gold and the predicted activities of a session",
  f1_macro_plain: "F1, macro over these and a class of missed events",
  f1_macro_catalogue: "F1, macro over all activities of the home",
  f1_weighted: "F1, weighted by how often an activity is gold",
  f1_micro_gold: "F1, micro over the activities in the gold of a session",
  f1_micro_catalogue: "F1, micro over all activities of the home",
  accuracy: "accuracy",
  missed: "share of missed events",
};

const SCORE_COLUMNS = ["Score", "95 % interval", "Missed"];

function showOverview(main, settings) {
  const metric = index.metrics.includes(settings.metric) ? settings.metric : index.headline;
  const parsing = chosenParsing(settings);
  fill(main,
    h("h1", null, "Overview"),
    index.standing.length > 0 && h("div", { class: "standings" }, index.standing.map(standingSection)),
    SCORED && h("div", { class: "tools" },
      choice("Score", index.metrics.map((name) => [name, `${name}${name === index.headline ? " (headline)" : ""}`]), metric,
        (value) => change({ metric: value === index.headline ? "" : value })),
      parsingSwitch(settings)),
    SCORED && quiet(`${METRIC_WORDS[metric] ?? metric}; ${parsing} parsing. In %: mean and standard deviation over `
      + "sessions, and the 95 % interval of the mean (Student's t for its log odds, over sessions). Every event is predicted, "
      + "missed or excluded, for a reason that the page names."),
    index.datasets.map((dataset, number) => datasetSection(dataset, number, metric, parsing)));
}

function standingSection({ title, label, answers, best }, at) {
  const dataset = index.datasets.findIndex(({ runs }) => runs.includes(best));
  const data = dataKeys[dataset], model = runKeys[best], name = index.runs[best].label;
  return h("section", { class: "standing", "aria-labelledby": `standing-${at}` },
    h("h2", { id: `standing-${at}` }, title, " ", label && h("span", { class: "status" }, label)),
    h("dl", null, answers.map(([question, answer]) => h("div", null, h("dt", null, question), h("dd", null, answer)))),
    h("p", { class: "links" },
      h("a", { href: to("confusion", { data, run: model, runs: "" }), "aria-label": `All confusions of ${name}` }, "all confusions"),
      h("a", { href: to("explorer", { data, runs: "", model, outcome: "wrong" }), "aria-label": `Wrong events of ${name}` },
        "wrong events")));
}

function datasetSection(dataset, number, metric, parsing) {
  const facts = [count(dataset.runs.length, "run"), count(dataset.sessions, "session"), count(dataset.events, "event"),
    count(dataset.activities.length, "activity", "activities")];
  const most = (name) => Math.max(...dataset.runs.map((run) => index.runs[run][name]));
  if (most("events") < dataset.events) {
    facts.push(`at most ${count(most("sessions"), "session")} and ${count(most("events"), "event")} are shown to a model`);
  }
  const data = dataKeys[number];
  return h("section", { class: "dataset", "aria-labelledby": `dataset-${number}` },
    h("div", { class: "title" },
      h("h2", { id: `dataset-${number}` }, dataset.name),
      quiet(facts.join(" · "))),
    scrollBox({ "aria-label": `Runs on ${dataset.name}` }, sortable(h("table", { class: "runs" },
      tableHead(["Run", ...numberColumns(...(SCORED ? SCORE_COLUMNS : []), "Windows", "Events"), ["Look into", "unsorted"]]),
      h("tbody", null, dataset.runs.map((run) => runLine(run, data, metric, parsing)))))),
    h("p", { class: "links" },
      h("a", { href: to("timeline", { data, runs: "" }) }, "Timelines"),
      h("a", { href: to("explorer", { data, runs: "" }) }, "All events"),
      dataset.runs.length > 1
        && h("a", { href: to("explorer", { data, runs: "", differ: "yes" }) }, "Events on which runs disagree"),
      SCORED ? h("a", { href: to("explorer", { data, runs: "", outcome: "missed" }) }, "Missed events")
        : h("a", { href: to("days", { data, runs: "" }) }, "Days")),
    notesOf(dataset));
}

function runLine(run, data, metric, parsing) {
  const about = index.runs[run], scores = about.scores[parsing], score = scores[metric], key = runKeys[run];
  return h("tr", null,
    h("th", { scope: "row" },
      h("span", { class: "run own" }, about.label), h("span", { class: "quiet small" }, aboutRun(about)), statusTag(run)),
    SCORED && [
      h("td", { class: "number score" },
        h("span", null, h("b", null, orDash(score.mean)), score.std && ` ± ${score.std}`),
        h("span", { class: "bar", "aria-hidden": "true" }, h("span", { style: { width: `${score.mean || 0}%` } }))),
      h("td", { class: "number" }, orDash(score.interval)),
      h("td", { class: "number" }, orDash(scores.missed.mean))],
    h("td", { class: "number" }, counted.format(about.windows)),
    h("td", { class: "number" }, counted.format(about.events)),
    h("td", { class: "look" }, score.mean === "" ? daysLink(data, key, about) : [
      h("a", { href: to("confusion", { data, run: key, runs: "" }), "aria-label": `Confusion matrix of ${about.label}` },
        "confusion"),
      h("a", {
        href: to("explorer", { data, runs: "", model: key, outcome: "wrong" }),
        "aria-label": `Wrong events of ${about.label}`,
      }, "wrong events")]));
}

/* For a run without scores, of which nothing can be called wrong. */
function daysLink(data, key, about) {
  return h("a", { href: to("days", { data, runs: key }), "aria-label": `Days of ${about.label}` }, "days");
}

function aboutRun(about) {
  const parts = [about.model_id, `${about.part} part`];
  if (about.decoding !== "plain") parts.push(about.decoding);
  if (about.samples > 1) parts.push(`${about.samples} generations a window`);
  parts.push(`${about.written} UTC`);
  return parts.join(" · ");
}

function notesOf(dataset) {
  const whose = new Map(); // the runs of each note, so that equal notes are shown once
  const note = (run, text) => whose.set(text, [...(whose.get(text) ?? []), index.runs[run].label]);
  for (const run of dataset.runs) {
    const { name, sessions, windows } = index.runs[run];
    const { excluded_events: excluded, windows_left_out: leftOut, no_files: lacks } = index.runs[run];
    if (SCORED && sessions < 5) note(run, `only ${count(sessions, "session")}; too few for a reliable standard deviation or interval.`);
    for (const [reason, number] of Object.entries(excluded)) note(run, `${count(number, "event")} excluded: ${reason}.`);
    for (const repair of index.runs[run].repairs) note(run, `repaired or noticed in the whole dataset: ${repair}.`);
    if (lacks.length) {
      note(run, `its run directory has no ${lacks.join(" and no ")}, so the page has `
        + (lacks.includes("predictions.jsonl") ? "only its scores." : "its predictions, but none of its generations."));
    }
    if (leftOut) {
      note(run, `the prompts and generations of ${counted.format(leftOut)} of ${count(windows, "window")} are not in this `
        + `page, which would have become heavier than ${index.most_bytes / 1e6} MB; they are in windows.jsonl of its run `
        + `directory, ${name}.`);
    }
  }
  const all = dataset.runs.length;
  return whose.size > 0 && h("ul", { class: "notes" }, [...whose].map(([text, labels]) =>
    h("li", null, `${all > 1 && labels.length === all ? "All runs" : labels.join("; ")}: ${text}`)));
}
