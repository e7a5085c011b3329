/* A box with a prompt, reasoning or answer. Passages about the event are marked, and the first one is visible. */

const SHOWN_AT_ONCE = 200_000; // characters; longer texts are shown whole only on request

/** `note`, above the box, says what is marked. Buttons go from passage to passage. */
function textBox(name, text, passages, note, kind = "") {
  const box = h("div", { class: `text ${kind}`, tabindex: "0", role: "region", "aria-label": name });
  const head = h("div", { class: "text-head" }, h("h4", null, name), h("span", { class: "quiet small" }, note));
  const put = (whole) => {
    const cut = whole ? { start: 0, end: text.length } : partOf(text, passages);
    fill(box,
      cut.start > 0 && more(text, () => put(true), "before"),
      marked(text, passages, cut.start, cut.end),
      cut.end < text.length && more(text, () => put(true), "after"));
    jump(0);
  };
  let current = 0;
  const jump = (to) => {
    const marks = box.querySelectorAll("mark");
    if (!marks.length) return;
    current = (to + marks.length) % marks.length;
    marks.forEach((one, at) => one.classList.toggle("current", at === current && marks.length > 1));
    box.scrollTop += marks[current].getBoundingClientRect().top - box.getBoundingClientRect().top - 28;
  };
  if (passages.length > 1) {
    head.append(h("span", { class: "steps" },
      h("button", { type: "button", "aria-label": "The passage before", click: () => jump(current - 1) }, "↑"),
      h("button", { type: "button", "aria-label": "The next passage", click: () => jump(current + 1) }, "↓")));
  }
  put(text.length <= SHOWN_AT_ONCE);
  const element = h("div", { class: "text-box" }, head, box);
  return { element, ready: () => jump(0) };
}

function more(text, click, where) {
  return h("p", { class: "more" }, h("button", { type: "button", click },
    `There is more ${where} this: show all ${counted.format(text.length)} characters`));
}

/** The part of a very long text around the first passage, or its beginning. */
function partOf(text, passages) {
  const middle = passages.length ? passages[0][0] : 0;
  const start = unsplit(text, Math.max(0, middle - SHOWN_AT_ONCE / 2));
  return { start, end: unsplit(text, Math.min(text.length, start + SHOWN_AT_ONCE)) };
}

function marked(text, passages, from, until) {
  const pieces = [];
  let at = from;
  for (const [start, end] of passages) {
    if (end <= from || start >= until) continue;
    pieces.push(text.slice(at, Math.max(at, start)));
    pieces.push(h("mark", null, text.slice(Math.max(from, start), Math.min(until, end))));
    at = Math.min(until, end);
  }
  return [...pieces, text.slice(at, until)];
}
