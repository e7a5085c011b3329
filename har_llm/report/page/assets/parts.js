/* The report's tables and figures. */

function showResults(main) {
  const nothing = !index.tables.length && !index.figures.length;
  fill(main,
    h("h1", null, "Tables and figures"),
    nothing && quiet("This report was made without tables and figures."),
    index.tables.map((table, at) => tableSection(table, at)),
    index.figures.map((figure, at) => figureSection(figure, at)));
}

function tableSection({ title, columns, numeric, rows, notes }, at) {
  const kinds = numeric.map((right) => (right ? "number" : ""));
  return h("section", { "aria-labelledby": `table-${at}` },
    h("h2", { id: `table-${at}` }, title),
    scrollBox({ "aria-labelledby": `table-${at}` }, h("table", null,
      tableHead(columns.map((name, column) => [name, kinds[column]])),
      h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, column) =>
        (column ? h("td", { class: kinds[column] }, cell) : h("th", { scope: "row" }, cell)))))))),
    notes.length > 0 && h("ul", { class: "notes" }, notes.map((note) => h("li", null, note))));
}

function figureSection({ title, caption }, at) {
  const image = h("img", { alt: `${title}. ${caption}` });
  base64Of(`figure-${at}`).then((base64) => { image.src = `data:image/png;base64,${base64}`; });
  return h("section", { "aria-labelledby": `figure-${at}-title` },
    h("h2", { id: `figure-${at}-title` }, title),
    h("figure", null, image, h("figcaption", null, caption)));
}
