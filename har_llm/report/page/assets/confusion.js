/* The confusion matrix of a run, and its scores by activity. */

const DARKEST = 58; // per cent of the colour, so that numbers stay legible
const VARIANT_WORDS = { all: "all activities", without_null_class: "without the null class" };

async function showConfusion(main, settings, isCurrent) {
  const dataset = chosenDataset(settings), runs = index.datasets[dataset].runs;
  const named = runKeys.indexOf(settings.run);
  const run = runs.includes(named) ? named : runs[0];
  const parsing = chosenParsing(settings);
  const details = (await block(`run-${run}`))[parsing];
  if (!isCurrent()) return;
  const variant = settings.variant in details ? settings.variant : "all";
  const { confusion, per_class: activities } = details[variant];
  const names = new Map(index.datasets[dataset].activities.map(([number, name]) => [Number(number), name]));
  fill(main,
    h("h1", null, "Confusion"),
    h("div", { class: "tools" },
      datasetChoice(settings),
      choice("Run", runs.map((one) => [runKeys[one], index.runs[one].label]), runKeys[run], (key) => change({ run: key })),
      Object.keys(details).length > 1 && choice("Activities",
        Object.keys(details).map((name) => [name, VARIANT_WORDS[name]]), variant, (name) => change({ variant: name })),
      parsingSwitch(settings)),
    statusTag(run),
    matrixSection(confusion, names, run, variant),
    perClassSection(activities));
}

function matrixSection({ activities, matrix }, names, run, variant) {
  const missed = activities.length;
  const total = (column) => matrix.reduce((sum, row) => sum + row[column], 0);
  const rows = activities.map((_, at) => at).filter((at) => matrix[at].some(Boolean));
  const columns = activities.map((_, at) => at).filter((at) => matrix[at].some(Boolean) || total(at));
  const never = activities.length - columns.length;
  const heading = h("h2", { id: "matrix" }, `Gold activities (rows) as ${index.runs[run].label} predicts them (columns)`);
  if (!rows.length) return [heading, quiet("No event is scored.")];
  return h("section", { "aria-labelledby": "matrix" }, heading,
    quiet("Numbers of events; the stronger a cell, the larger its share of its row; outlined cells are right. ",
      "A number leads to its events. ",
      never > 0 && `${count(never, "activity is", "activities are")} not shown: neither gold nor predicted. `,
      "An event of several activities counts once here (for the predicted one, if that is right), and is listed under ",
      "each."),
    scrollBox({ class: "matrix", "aria-labelledby": "matrix" }, h("table", null,
      h("thead", null, h("tr", null,
        h("th", { scope: "col" }, "gold ↓ predicted →"),
        columns.map((at) => h("th", { scope: "col", title: names.get(activities[at]) },
          h("span", { class: "upright" }, `${activities[at]}. ${names.get(activities[at])}`))),
        h("th", { scope: "col" }, h("span", { class: "upright" }, "missed")),
        h("th", { scope: "col" }, h("span", { class: "upright" }, "events")))),
      h("tbody", null, rows.map((row) => matrixRow(row, columns, missed, activities, matrix[row], names, run, variant))))));
}

function matrixRow(row, columns, missed, activities, counts, names, run, variant) {
  const sum = counts.reduce((one, other) => one + other, 0), gold = activities[row], key = runKeys[run];
  const address = (extra) => to("explorer", { runs: "", model: key, gold, ...extra });
  const cell = (at, extra, what) => {
    const words = `${count(counts[at], "event")} of ${names.get(gold)}, ${what}`;
    return h("td", { class: `cell ${at === row ? "right" : ""}`, style: { "--share": `${(DARKEST * counts[at]) / sum}%` } },
      counts[at] > 0 && h("a", { href: address(extra), "aria-label": words }, counts[at]));
  };
  return h("tr", null,
    h("th", { scope: "row" }, `${gold}. ${names.get(gold)}`),
    columns.map((at) => cell(at, { pred: activities[at] }, `predicted as ${names.get(activities[at])}`)),
    cell(missed, { outcome: "missed" }, "missed"),
    h("td", { class: "number" }, sum));
}

function perClassSection(activities) {
  const occur = activities.filter(({ support, predicted }) => support || predicted);
  return h("section", { "aria-labelledby": "per-class" },
    h("h2", { id: "per-class" }, "Activity by activity"),
    quiet("Over all events of the run, in %."),
    scrollBox({ "aria-labelledby": "per-class" }, h("table", null,
      tableHead(["Activity", ...numberColumns("Precision", "Recall", "F1", "Gold events", "Predicted events")]),
      h("tbody", null, occur.map(({ activity, name, precision, recall, f1, support, predicted }) => h("tr", null,
        h("th", { scope: "row" }, `${activity}. ${name}`),
        [precision, recall, f1, counted.format(support), counted.format(predicted)].map((cell) =>
          h("td", { class: "number" }, cell))))))));
}
