/* The only way in which text reaches the page: as text, with what would mislead a reader made visible. */

const NAMES_OF_LINKS = /^#/;
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Control, format and unassigned characters and lone surrogates as escapes, as text.py writes them on a terminal. */
function visible(text) {
  return String(text).replace(HIDDEN, (character) =>
    character === "\n" || character === "\t" ? character : escaped(character.codePointAt(0)));
}

function escaped(code) {
  const digits = (length) => code.toString(16).padStart(length, "0");
  if (code < 0x100) return "\\x" + digits(2);
  return code < 0x10000 ? "\\u" + digits(4) : "\\U" + digits(8);
}

/** An element. Attributes that are functions become listeners; children that are no nodes become visible text. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) setOne(element, name, value);
  add(element, children);
  return element;
}

function setOne(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === "function") return element.addEventListener(name, value);
  if (name === "style") {
    // Through the object model, because the policy allows no style attributes.
    for (const [property, setting] of Object.entries(value)) element.style.setProperty(property, setting);
    return;
  }
  if (name === "href" && !NAMES_OF_LINKS.test(value)) throw new Error("a link out of the page: " + value);
  // Values are compared and links followed, not read.
  element.setAttribute(name, value === true ? "" : ["value", "href"].includes(name) ? value : visible(value));
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

function fill(element, ...children) {
  element.replaceChildren();
  return add(element, children);
}

/** What went wrong with something that is still to come, in its place. */
function orSay(promise, place) {
  promise.catch((error) => fill(place, hint(error.message)));
}

/** Tell those who hear the page what has changed. */
function say(text) {
  document.getElementById("said").textContent = visible(text);
}

function choice(label, options, chosen, onchange, attributes) {
  const select = h("select", { ...attributes, change: (event) => onchange(event.target.value) },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return h("label", { class: "field" }, h("span", null, label), select);
}

function quiet(...content) {
  return h("p", { class: "quiet" }, content);
}

function hint(...content) {
  return h("p", { class: "hint" }, content);
}

/** For those who hear the page. */
function unseen(...content) {
  return h("span", { class: "unseen" }, content);
}

/** A table's head: [name, class] of each column, or the name alone. */
function tableHead(columns) {
  return h("thead", null, h("tr", null, columns.map((column) => {
    const [name, kind] = Array.isArray(column) ? column : [column];
    return h("th", { scope: "col", class: kind }, name);
  })));
}

function numberColumns(...names) {
  return names.map((name) => [name, "number"]);
}

/** A table, or whatever else may be wider than the screen, in a box that scrolls by itself, also by keyboard. */
function scrollBox(attributes, ...content) {
  return h("div", { tabindex: "0", role: "region", ...attributes, class: `scroll ${attributes.class ?? ""}` }, content);
}

/** A few values of which one holds, all of them seen. */
function switcher(label, options, chosen, onchange) {
  return h("div", { class: "switcher", role: "group", "aria-label": label }, options.map(([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === chosen), click: () => onchange(value) }, text)));
}

const counted = new Intl.NumberFormat("en");

function count(number, one, many) {
  return `${counted.format(number)} ${number === 1 ? one : many ?? one + "s"}`;
}

function orDash(text) {
  return text || "–";
}
