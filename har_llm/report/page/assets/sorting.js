/* Tables whose rows are put in order by the titles of their columns. */

const LEADING_NUMBER = /^<?[+-]?\d[\d,]*(?:\.\d+)?/;
const NO_VALUE = ["", "-", "–"];
const WORDS_IN_ORDER = new Intl.Collator("en", { numeric: true });

/** Makes buttons of a table's titles: the first press puts the largest numbers or the first words on top, the second turns
    that round, the third brings back the rows as they were made. Equal rows keep that order, those without a value are last. */
function sortable(table) {
  const [body] = table.tBodies, made = [...body.rows], titles = [...table.tHead.rows[0].cells];
  const sort = (column, order) => {
    titles.forEach((title, at) => {
      if (at === column && order) title.setAttribute("aria-sort", order);
      else title.removeAttribute("aria-sort");
    });
    body.append(...(order ? inOrder(made, column, isNumeric(titles[column]), order) : made));
  };
  titles.forEach((title, column) => {
    if (title.classList.contains("unsorted")) return;
    const orders = isNumeric(title) ? ["descending", "ascending"] : ["ascending", "descending"];
    const press = () => {
      const order = orders[orders.indexOf(title.getAttribute("aria-sort")) + 1];
      sort(column, order);
      say(order ? `sorted by ${title.textContent}, ${order}` : "in the order as made");
    };
    const button = h("button", { type: "button", class: "sort", click: press });
    button.append(...title.childNodes);
    title.append(button);
  });
  return table;
}

function isNumeric(title) {
  return title.classList.contains("number");
}

function inOrder(rows, column, numeric, order) {
  const sign = order === "ascending" ? 1 : -1;
  const compare = numeric ? (one, other) => one - other : WORDS_IN_ORDER.compare;
  const keyed = rows.map((row) => [row, sortKey(row.cells[column], numeric)]);
  keyed.sort(([, one], [, other]) =>
    (one === null || other === null ? (one === null) - (other === null) : sign * compare(one, other)));
  return keyed.map(([row]) => row);
}

/** Of a cell with more than its value, the value is in an element of the class "own". "<0.001" is less than "0.001". */
function sortKey(cell, numeric) {
  const text = (cell.querySelector(".own") ?? cell).textContent.trim();
  if (NO_VALUE.includes(text)) return null;
  if (!numeric) return text;
  const [found] = text.match(LEADING_NUMBER) ?? [];
  return found === undefined ? null : Number(found.replace(/[<,]/g, "")) * (found.startsWith("<") ? 1 - 1e-9 : 1);
}
