/* The confusion matrix of a run, and its scores by activity; beside those of another run, if asked. */

const DARKEST = 58; // per cent of the colour, so that numbers stay legible
const VARIANT_WORDS = { all: "all activities", without_null_class: "without the null class" };

async function showConfusion(main, settings, isCurrent) {
  const dataset = chosenDataset(settings), runs = index.datasets[dataset].runs;
  const named = (key) => runs.find((run) => runKeys[run] === key);
  const run = named(settings.run) ?? runs[0], other = named(settings.beside);
  const shown = other === undefined || other === run ? [run] : [run, other];
  const parsing = chosenParsing(settings);
  const details = await Promise.all(shown.map(async (one) => (await block(`run-${one}`))[parsing]));
  if (!isCurrent()) return;
  const variants = Object.keys(details[0]).filter((name) => details.every((one) => name in one));
  const variant = variants.includes(settings.variant) ? settings.variant : "all";
  const names = new Map(index.datasets[dataset].activities.map(([number, name]) => [Number(number), name]));
  const others = runs.filter((one) => one !== run).map((one) => [runKeys[one], index.runs[one].label]);
  fill(main,
    h("h1", null, "Confusion"),
    h("div", { class: "tools" },
      datasetChoice(settings),
      choice("Run", runs.map((one) => [runKeys[one], index.runs[one].label]), runKeys[run], (key) => change({ run: key })),
      others.length > 0 && choice("Beside it", [["", "no other run"], ...others], shown.length > 1 ? runKeys[other] : "",
        (key) => change({ beside: key })),
      variants.length > 1 && choice("Activities",
        variants.map((name) => [name, VARIANT_WORDS[name]]), variant, (name) => change({ variant: name })),
      parsingSwitch(settings)),
    h("div", { class: "pair" }, shown.map((one, at) => h("div", null,
      statusTag(one),
      matrixSection(details[at][variant].confusion, names, one),
      perClassSection(details[at][variant].per_class, one)))));
}

function matrixSection({ activities, matrix }, names, run) {
  const missed = activities.length;
  const total = (column) => matrix.reduce((sum, row) => sum + row[column], 0);
  const rows = activities.map((_, at) => at).filter((at) => matrix[at].some(Boolean));
  const columns = activities.map((_, at) => at).filter((at) => matrix[at].some(Boolean) || total(at));
  const never = activities.length - columns.length;
  const title = `matrix-${run}`;
  const heading = h("h2", { id: title }, `Gold activities (rows) as ${index.runs[run].label} predicts them (columns)`);
  if (!rows.length) return [heading, quiet("No event is scored.")];
  return h("section", { "aria-labelledby": title }, heading,
    quiet("Numbers of events; the stronger a cell, the larger its share of its row; outlined cells are right. ",
      "A number leads to its events. ",
      never > 0 && `${count(never, "activity is", "activities are")} not shown: neither gold nor predicted. `,
      "An event of several activities counts once here (for the predicted one, if that is right), and is listed under ",
      "each."),
    scrollBox({ class: "matrix", "aria-labelledby": title }, h("table", null,
      h("thead", null, h("tr", null,
        h("th", { scope: "col" }, "gold ↓ predicted →"),
        columns.map((at) => h("th", { scope: "col", title: names.get(activities[at]) },
          h("span", { class: "upright" }, `${activities[at]}. ${names.get(activities[at])}`))),
        h("th", { scope: "col" }, h("span", { class: "upright" }, "missed")),
        h("th", { scope: "col" }, h("span", { class: "upright" }, "events")))),
      h("tbody", null, rows.map((row) => matrixRow(row, columns, missed, activities, matrix[row], names, run))))));
}

function matrixRow(row, columns, missed, activities, counts, names, run) {
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

function perClassSection(activities, run) {
  const occur = activities.filter(({ support, predicted }) => support || predicted);
  const title = `per-class-${run}`;
  return h("section", { "aria-labelledby": title },
    h("h2", { id: title }, `Activity by activity: ${index.runs[run].label}`),
    quiet("Over all events of the run, in %."),
    scrollBox({ "aria-labelledby": title }, sortable(h("table", null,
      tableHead(["Activity", ...numberColumns("Precision", "Recall", "F1", "Gold events", "Predicted events")]),
      h("tbody", null, occur.map(({ activity, name, precision, recall, f1, support, predicted }) => h("tr", null,
        h("th", { scope: "row" }, `${activity}. ${name}`),
        [precision, recall, f1, counted.format(support), counted.format(predicted)].map((cell) =>
          h("td", { class: "number" }, cell)))))))));
}
