/* The report's figures and tables, with an index of them. */

async function showResults(main, { at }) {
  if (!main.querySelector(".contents")) fillResults(main);
  if (!at) return;
  await Promise.all([...main.querySelectorAll("img")].map(({ ready }) => ready)); // what is above then stays where it is
  reveal(at);
}

function fillResults(main) {
  const figures = index.figures.map((figure, at) => [`figure-${at}`, figure.title, figureSection(figure, at)]);
  const tables = index.tables.map((table, at) => [`table-${at}`, table.title, tableSection(table, at)]);
  const parts = [...figures, ...tables];
  fill(main,
    h("h1", null, "Tables and figures"),
    parts.length ? contents(parts) : quiet("This report was made without tables and figures."),
    figures.length > 0 && h("div", { class: "figures" }, figures.map(([, , section]) => section)),
    tables.map(([, , section]) => section));
}

function contents(parts) {
  return h("nav", { class: "contents", "aria-label": "Figures and tables of this report" },
    h("ol", null, parts.map(([name, title]) => {
      const address = to("results", { at: name });
      const again = () => address === location.hash && reveal(name); // the address does not change then
      return h("li", null, h("a", { href: address, click: again }, title));
    })));
}

/** Scroll to a figure or table, and unfold it. */
function reveal(name) {
  const section = document.getElementById(`part-${name}`);
  if (!section) return;
  const folded = section.querySelector("details");
  if (folded) folded.open = true;
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

function tableSection({ title, columns, numeric, rows, notes, folded }, at) {
  const name = `table-${at}`;
  const content = [
    scrollBox({ "aria-labelledby": `${name}-title` }, reportTable(columns, numeric, rows)),
    notes.length > 0 && h("ul", { class: "notes" }, notes.map((note) => h("li", null, note))),
  ];
  return h("section", { id: `part-${name}`, tabindex: "-1", "aria-labelledby": `${name}-title` },
    h("h2", { id: `${name}-title` }, title),
    folded ? h("details", null, h("summary", null, `Show the table: ${count(rows.length, "row")}`), content) : content);
}

/** On a narrow screen, words that stand before the first number are below the row's name, so that the number is in sight. */
function reportTable(columns, numeric, rows) {
  const kinds = numeric.map((right, at) => (right ? "number" : at && at < numeric.indexOf(true) ? "only-wide" : ""));
  const line = (row) => h("tr", null,
    h("th", { scope: "row" }, h("span", { class: "own" }, row[0]),
      row.map((cell, at) => kinds[at] === "only-wide" && cell
        && h("span", { class: "only-narrow quiet small" }, `${columns[at]}: ${cell}`))),
    row.slice(1).map((cell, at) => h("td", { class: kinds[at + 1] }, cell)));
  return sortable(h("table", null,
    tableHead(columns.map((name, at) => [name, kinds[at]])), h("tbody", null, rows.map(line))));
}

function figureSection({ title, caption }, at) {
  const name = `figure-${at}`, image = h("img", { alt: `${title}. ${caption}` });
  image.ready = base64Of(`figure-${at}`).then((base64) => {
    image.src = `data:image/png;base64,${base64}`;
    return image.decode().catch(() => {}); // a picture that is broken is shown as such
  });
  return h("section", { id: `part-${name}`, tabindex: "-1", "aria-labelledby": `${name}-title` },
    h("h2", { id: `${name}-title` }, title),
    h("figure", null, image, h("figcaption", null, caption)));
}
