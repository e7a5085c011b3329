/* Shows the view that the address names. */

const VIEW_NAMES = {
  overview: "Overview", results: "Tables and figures", days: "Days", timeline: "Timeline", confusion: "Confusion",
  explorer: "Explorer",
};
const SHOW = {
  overview: showOverview, results: showResults, days: showDays, timeline: showTimeline, confusion: showConfusion,
  explorer: showExplorer,
};
const main = document.getElementById("main");
let turn = 0;
let viewShown = null;

async function show() {
  const { view, settings } = here(), mine = ++turn;
  showLinks(view);
  try {
    await SHOW[view](main, settings, () => mine === turn);
  } catch (error) {
    if (mine === turn) fill(main, h("h1", null, "This view cannot be shown"), h("p", null, error.message));
    throw error;
  }
  if (mine !== turn) return;
  if (viewShown !== null && viewShown !== view) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
    say(VIEW_NAMES[view]);
  }
  viewShown = view;
}

function showLinks(view) {
  fill(document.getElementById("views"), VIEWS.map((name) =>
    h("a", { href: to(name), "aria-current": name === view ? "page" : null }, VIEW_NAMES[name])));
}

function showBanner() {
  if (!index.status.length) return;
  const banner = document.getElementById("banner"), all = index.runs.length;
  const kinds = index.status.map(([kind, runs]) => `${kind} (${runs < all ? `${runs} of ${all} runs` : "all"})`);
  banner.hidden = false;
  fill(banner, h("b", null, "Results in this report: "), kinds.join("; "), ".");
}

function showFoot() {
  fill(document.getElementById("foot"),
    h("details", null, h("summary", null, "Keyboard, and how to share a view"),
      h("ul", null,
        h("li", null, h("kbd", null, "j"), " and ", h("kbd", null, "k"), ": next and previous event in the explorer; ",
          h("kbd", null, "/"), ": search its events"),
        h("li", null, "Arrows, Page, Home and End move in the list of events and in the timeline; ",
          h("kbd", null, "Enter"), " opens an event of the timeline"),
        h("li", null, "The address of the page holds the view, its filters and the event: copy it to share what you see. ",
          "Going back goes back a view."))),
    h("p", { class: "quiet small" },
      `Made by har_llm ${index.version}. This file holds everything it shows and uses no network. What `
      + "models and data say is shown as text; characters that would hide or reorder it are written as escapes."));
}

/** The keys j, k and "/" everywhere in the explorer, except while text is entered. */
function shortcuts(key) {
  if (key.defaultPrevented || key.ctrlKey || key.metaKey || key.altKey || here().view !== "explorer" || !explorer) return;
  if (key.target.closest?.("input, select, textarea")) return;
  if (key.key === "j" || key.key === "k") explorer.step(key.key === "j" ? 1 : -1);
  else if (key.key === "/") {
    main.querySelector(".filters").open = true;
    main.querySelector("input[type=search]").focus();
  } else return;
  key.preventDefault();
}

document.getElementById("skip").addEventListener("click", () => main.focus());
document.addEventListener("keydown", shortcuts);
window.addEventListener("hashchange", show);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show); // canvases must be drawn again
showBanner();
showFoot();
show();
