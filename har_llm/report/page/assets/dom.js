/* The only way to put text into the page: never as markup, and with misleading characters as escapes. */

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
    // Not as an attribute, because the security policy forbids style attributes.
    for (const [property, setting] of Object.entries(value)) element.style.setProperty(property, setting);
    return;
  }
  if (name === "href" && !NAMES_OF_LINKS.test(value)) throw new Error("a link out of the page: " + value);
  // Values and links are not read by people, so they stay as they are.
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

/** Show the error in `place` if the promise fails. */
function orSay(promise, place) {
  promise.catch((error) => fill(place, hint(error.message)));
}

/** Tell users of a screen reader what has changed. */
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

/** Text for screen readers only. */
function unseen(...content) {
  return h("span", { class: "unseen" }, content);
}

/** A table's head. Columns are [name, class] or a name. */
function tableHead(columns) {
  return h("thead", null, h("tr", null, columns.map((column) => {
    const [name, kind] = Array.isArray(column) ? column : [column];
    return h("th", { scope: "col", class: kind }, name);
  })));
}

function numberColumns(...names) {
  return names.map((name) => [name, "number"]);
}

/** A box that scrolls on its own, also by keyboard, for content that may be wider than the screen. */
function scrollBox(attributes, ...content) {
  return h("div", { tabindex: "0", role: "region", ...attributes, class: `scroll ${attributes.class ?? ""}` }, content);
}

/** Buttons for a few values, of which one is chosen. */
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
