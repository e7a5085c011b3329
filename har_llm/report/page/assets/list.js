/* A long list of which only the visible lines exist. It has one tab stop, and arrow keys move in it. */

const LINE = 54, MARGIN = 8;

/** `draw(item)` makes the content of a line; `onchoose(item, byKey)` is called when a line is chosen. */
function makeList(label, draw, onchoose) {
  let items = [], chosen = null, drawn = 0;
  const space = h("div", { class: "space", role: "presentation" });
  const box = h("div", {
    class: "list", role: "listbox", tabindex: "0", "aria-label": label,
    scroll: () => { drawn ||= requestAnimationFrame(render); },
    keydown: (key) => {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };
      if (!(key.key in steps) || key.ctrlKey || key.metaKey || key.altKey) return;
      key.preventDefault();
      step(steps[key.key]);
    },
  }, space);

  function render() {
    drawn = 0;
    const first = Math.max(0, Math.floor(box.scrollTop / LINE) - MARGIN);
    const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / LINE) + MARGIN);
    fill(space, items.slice(first, last).map((item, at) => h("div", {
      class: "line", role: "option", id: `option-${item}`, "aria-selected": String(item === chosen),
      "aria-posinset": first + at + 1, "aria-setsize": items.length,
      style: { top: `${(first + at) * LINE}px`, height: `${LINE}px` }, click: () => onchoose(item, false),
    }, draw(item))));
    if (items.includes(chosen)) box.setAttribute("aria-activedescendant", `option-${chosen}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function step(by) {
    if (!items.length) return;
    const at = items.indexOf(chosen);
    const next = at < 0 ? firstAtLeast(items, chosen ?? 0) - (by < 0 ? 1 : 0) : at + by;
    onchoose(items[Math.min(items.length - 1, Math.max(0, next))], true);
  }

  function reveal() {
    const at = items.indexOf(chosen);
    if (at < 0) return;
    const top = at * LINE;
    if (top < box.scrollTop || top + LINE > box.scrollTop + box.clientHeight) {
      box.scrollTop = top - box.clientHeight / 2 + LINE / 2;
    }
  }

  return {
    element: box, step,
    show(newItems, newChosen) {
      items = newItems;
      chosen = newChosen;
      space.style.setProperty("height", `${items.length * LINE}px`);
      reveal();
      render();
    },
  };
}
