/* One session: gold and predicted activities of its events, as bands. */

const LEAST_WIDTH = 2, USUAL_WIDTH = 9, MOST_WIDTH = 60; // pixels of an event
const MOST_BY_CLOCK = 20 * MOST_WIDTH; // on average: some are close together
const LARGEST = 8_000_000; // pixels that a browser lets one scroll
const AXES = [["events", "one by one"], ["clock", "by the clock"]];
const TABLE_ROWS = 200;

async function showTimeline(main, settings, isCurrent) {
  const data = await dataOf(settings);
  if (!isCurrent()) return;
  const runs = chosenRuns(settings, data.number), parsing = chosenParsing(settings);
  const session = data.sessions.find(({ key }) => key === settings.session) ?? data.sessions[0];
  if (!session) return fill(main, h("h1", null, "Timeline"), quiet("There is no event."));
  const times = data.times.slice(session.start, session.end), dates = times.map((_, at) => data.date(session.start + at));
  const clock = settings.axis === "clock" ? clockAxis(times, dates) : null;
  const bands = makeBands({ data, session, runs, parsing, settings, axis: clock ?? eventAxis(times), byClock: clock !== null });
  fill(main,
    h("h1", null, "Timeline"),
    h("div", { class: "tools" },
      datasetChoice(settings),
      choice("Session",
        data.sessions.map(({ key, label, start, end }) => [key, `${label} (${count(end - start, "event")})`]),
        session.key, (value) => change({ session: value, event: "" })),
      h("div", { class: "field" }, h("span", null, "Events"), switcher("Events", AXES, clock ? "clock" : "events",
        (axis) => change({ axis: axis === "events" ? "" : axis }))),
      parsingSwitch(settings), runChips(settings)),
    settings.axis === "clock" && !clock && hint("The times of these events cannot be read, so that there is no clock."),
    quiet(clock ? "Each event lasts until the next one. " : "Each column is an event, in order. ",
      "Hatched: missed; a thin line: not in that run",
      data.labelled ? ", or unlabelled; a red line below a band: not the gold. " : ". ",
      "Arrow keys move along the events, Enter opens one."),
    statusLine(runs), bands.element,
    legend(data, [session], runs, parsing, bands.light),
    tableOf(data, session, runs, parsing));
  bands.start();
}

function makeBands({ data, session, runs, parsing, settings, axis, byClock }) {
  const rows = data.labelled ? [null, ...runs] : runs, size = session.end - session.start;
  const most = byClock ? Math.min(MOST_BY_CLOCK, LARGEST / size) : MOST_WIDTH;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const space = h("div", { class: "space" }, canvas);
  const readout = h("div", { class: "readout" });
  const asked = data.where(settings.event);
  let width = USUAL_WIDTH, lit = null, drawn = 0;
  let cursor = asked >= session.start && asked < session.end ? asked : session.start;

  const draw = () => {
    drawn ||= requestAnimationFrame(() => {
      drawn = 0;
      drawBands(canvas, { data, session, rows, parsing, axis, width, left: scroller.scrollLeft, cursor, lit });
    });
  };
  const zoom = (wanted) => {
    const fit = Math.max(LEAST_WIDTH / 4, (scroller.clientWidth - 4) / size);
    width = wanted === null ? Math.min(fit, most) : Math.min(most, Math.max(Math.min(LEAST_WIDTH, fit), wanted));
    space.style.setProperty("width", `${Math.max(scroller.clientWidth, Math.ceil(size * width))}px`);
    reveal();
  };
  const reveal = () => {
    const [x, end] = [0, 1].map((more) => axis.edges[cursor - session.start + more] * width);
    if (x < scroller.scrollLeft || Math.min(end, x + MOST_WIDTH) > scroller.scrollLeft + scroller.clientWidth) {
      scroller.scrollLeft = x - scroller.clientWidth / 2;
    }
    draw();
  };
  const move = (event, spoken = false) => {
    cursor = Math.min(session.end - 1, Math.max(session.start, event));
    fill(readout, readoutOf(data, runs, parsing, cursor));
    scroller.setAttribute("aria-label", `Timeline of ${session.label}, ${spokenWords(data, runs, parsing, cursor)}`);
    if (spoken) {
      reveal();
      say(spokenWords(data, runs, parsing, cursor));
    } else draw();
  };
  const under = (mouse) => {
    const x = mouse.clientX - scroller.getBoundingClientRect().left + scroller.scrollLeft;
    return session.start + eventAt(axis, x / width);
  };
  const open = () => go(to("explorer", { event: data.address(cursor) }));
  const keys = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1, PageDown: 10, PageUp: -10, End: size, Home: -size };
  const scroller = h("div", {
    class: "bands", tabindex: "0", role: "application", "aria-roledescription": "timeline",
    scroll: draw, mousemove: (mouse) => move(under(mouse)), click: (mouse) => { move(under(mouse)); open(); },
    keydown: (key) => {
      if (key.ctrlKey || key.metaKey || key.altKey) return;
      if (key.key in keys) move(cursor + keys[key.key], true);
      else if (key.key === "Enter") open();
      else return;
      key.preventDefault();
    },
  }, space);
  canvas.style.setProperty("height", `${HEAD + ROW * rows.length}px`);
  const names = h("div", { class: "names", "aria-hidden": "true" }, rows.map((run) =>
    h("span", { title: run === null ? "gold" : index.runs[run].label }, run === null ? "gold" : index.runs[run].label)));
  const element = h("div", { class: "timeline" },
    h("div", { class: "zoom", role: "group", "aria-label": "Width" },
      h("button", { type: "button", click: () => zoom(null) }, "whole session"),
      h("button", { type: "button", click: () => zoom(width / 1.6), "aria-label": "Narrower" }, "−"),
      h("button", { type: "button", click: () => zoom(width * 1.6), "aria-label": "Wider" }, "+"),
      h("button", { type: "button", click: () => open() }, "open the event in the explorer")),
    h("div", { class: "stage" }, names, scroller), readout);
  return {
    element,
    light: (number) => { lit = number; draw(); },
    start: () => {
      new ResizeObserver(() => {
        canvas.style.setProperty("width", `${scroller.clientWidth}px`);
        draw();
      }).observe(scroller);
      zoom(byClock || size * USUAL_WIDTH < scroller.clientWidth ? null : USUAL_WIDTH);
      move(cursor);
    },
  };
}

function readoutOf(data, runs, parsing, event) {
  return [
    h("p", null, h("b", null, `Event ${data.ids[event]}`), ` · ${data.when(event)} · ${data.text(event)}`),
    h("dl", null,
      data.labelled && h("div", null, h("dt", null, "gold"), h("dd", null, goldTags(data, event))),
      runs.map((run) => {
        const said = data.said(run, event, parsing), outcome = data.outcome(run, event, parsing);
        return h("div", null, h("dt", null, index.runs[run].label), h("dd", null, data.labelled && [mark(outcome), " "],
          predictedTag(data, said)));
      })),
  ];
}

function spokenWords(data, runs, parsing, event) {
  const said = runs.map((run) => `${index.runs[run].label}: ${saidWords(data, data.said(run, event, parsing))}`
    + (data.labelled ? `, ${data.outcome(run, event, parsing)}` : ""));
  return `event ${data.ids[event]}, ${data.times[event]}, ${data.text(event)}. `
    + (data.labelled ? `Gold: ${data.goldText(event)}. ` : "") + said.join(". ");
}

function legend(data, pieces, runs, parsing, light) {
  const occur = new Set();
  for (const { start, end } of pieces) {
    for (let event = start; event < end; event++) {
      for (const number of data.gold(event)) occur.add(number);
      for (const run of runs) occur.add(data.said(run, event, parsing)?.activity);
    }
  }
  const buttons = data.order.filter((number) => occur.has(number)).map((number) => h("button", {
    type: "button", class: "chip", "aria-pressed": "false",
    click: (event) => {
      const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
      for (const button of buttons) button.setAttribute("aria-pressed", String(on && button === event.currentTarget));
      light(on ? number : null);
    },
  }, swatch(data, number), data.activity(number)));
  return h("div", { class: "legend" },
    h("h2", { id: "legend" }, "Activities that are shown ", h("span", { class: "quiet" }, "press one to see it alone")),
    h("div", { class: "chips", role: "group", "aria-labelledby": "legend" }, buttons));
}

/** The same as a table, made when it is opened. */
function tableOf(data, session, runs, parsing) {
  const body = h("div");
  const showRows = (from) => {
    const until = Math.min(session.end, from + TABLE_ROWS);
    const step = (label, start) => h("button", { type: "button", click: () => showRows(start) }, label);
    fill(body,
      h("p", { class: "pager" },
        `Events ${from - session.start + 1} to ${until - session.start} of ${session.end - session.start} `,
        from > session.start && step("earlier", from - TABLE_ROWS), until < session.end && step("later", until)),
      scrollBox({ "aria-label": "Events of the session" }, eventTable(data, from, until, runs, parsing)));
  };
  return h("details", { toggle: (event) => event.target.open && !body.firstChild && showRows(session.start) },
    h("summary", null, "This session as a table"), body);
}

function eventTable(data, from, until, runs, parsing) {
  const events = Array.from({ length: until - from }, (_, at) => from + at);
  return h("table", null,
    tableHead(["Event", "Time", "What happened", ...(data.labelled ? ["Gold"] : []),
      ...runs.map((run) => index.runs[run].label)]),
    h("tbody", null, events.map((event) => h("tr", null,
      h("th", { scope: "row" }, h("a", { href: to("explorer", { event: data.address(event) }) }, data.ids[event])),
      h("td", null, data.times[event]), h("td", null, data.text(event)),
      data.labelled && h("td", null, data.goldText(event)),
      runs.map((run) => h("td", null, outcomeMark(data, data.outcome(run, event, parsing)), saidWords(data, data.said(run, event, parsing))))))));
}
