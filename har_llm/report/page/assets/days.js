/* The days of a home, each on a clock from midnight to midnight, and the usual week. */

const LONGEST_HOLD = 12 * 3600; // seconds that an event lasts at most, as in scoring/segments.py
const DAYS_SHOWN = 7;
const WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOUR = 3600, HOURS = 24;
const WEEK_ROW = 40, WEEK_NAMES = 92; // pixels

async function showDays(main, settings, isCurrent) {
  const data = await dataOf(settings);
  if (!isCurrent()) return;
  const runs = chosenRuns(settings, data.number), parsing = chosenParsing(settings);
  const days = data.days ??= daysOf(data);
  const at = Math.max(0, days.findIndex(({ key }) => key === settings.from)), shown = days.slice(at, at + DAYS_SHOWN);
  const step = (label, day) => day && h("button", { type: "button", click: () => change({ from: day.key }) }, label);
  const rows = data.labelled ? [null, ...runs] : runs;
  const drawn = shown.map((day) =>
    dayBands({ data, day, rows: rows.filter((run) => hasDay(data, day, run, parsing)), parsing }));
  const light = (number) => drawn.forEach((day) => day.light(number));
  fill(main,
    h("h1", null, "Days"),
    h("div", { class: "tools" }, datasetChoice(settings), parsingSwitch(settings), runChips(settings)),
    quiet(data.labelled ? "An activity, gold too, lasts until the next event, at most 12 hours, whatever a label says; events of several "
      : "An activity lasts until the next event, at most 12 hours; events of several ",
      "activities have several bands. ",
      `Hatched: missed; a thin line: not in that run${data.labelled ? ", or unlabelled" : ""}. A band leads to its event.`),
    statusLine(runs),
    !days.length && hint("There is no event whose time can be read."),
    h("p", { class: "pager" }, `Days ${at + 1} to ${at + shown.length} of ${days.length} `,
      step("earlier", days[at - DAYS_SHOWN] ?? (at > 0 && days[0])), step("later", days[at + DAYS_SHOWN])),
    drawn.map(({ element }) => element),
    shown.length > 0 && legend(data, shown.map(({ first, last }) => ({ start: first, end: last + 1 })), runs, parsing, light),
    shown.length > 0 && weekSection({ data, rows, parsing, settings }));
  for (const { start } of [...drawn, ...main.querySelectorAll(".week")]) start?.();
}

/** Every day: {key, label, session, number, base: its midnight, first and last: its events}. Sessions with dates share them, as
    a recording may be cut into sessions anywhere; those without have days of their own. */
function daysOf(data) {
  data.starts = new Float64Array(data.size);
  data.ends = new Float64Array(data.size);
  const readable = data.sessions.map((session) => placeEvents(data, session)).filter(Boolean);
  readable.forEach(({ session, dated }, at) => {
    for (let event = session.start; event < session.end; event++) {
      const later = data.starts[event + 1] - data.starts[event], following = readable[at + 1];
      // The last event of a session holds until the next session, if that begins soon.
      const ends = event + 1 < session.end || (dated && following?.dated && following.session.start === event + 1
        && later >= 0 && later <= LONGEST_HOLD);
      data.ends[event] = data.starts[event] + (ends ? Math.min(later, LONGEST_HOLD) : 0);
    }
  });
  const days = [];
  for (const one of readable) {
    for (let event = one.session.start; event < one.session.end; event++) {
      const begins = Math.floor(data.starts[event] / DAY);
      for (let number = begins; number === begins || number * DAY < data.ends[event]; number++) {
        addToDay(data, days, one, event, number, number === begins);
      }
    }
  }
  // The sessions of folds come fold by fold.
  const begins = ({ number, first }) => Math.max(number * DAY, data.starts[first]);
  return days.every(({ dated }) => dated) ? days.sort((one, other) => begins(one) - begins(other)) : days;
}

/** When a session's events begin, from the first day of all where there are dates, else from its own first midnight. */
function placeEvents(data, session) {
  const events = Array.from({ length: session.end - session.start }, (_, at) => session.start + at);
  const dates = events.map((event) => data.date(event));
  const seconds = events.length ? secondsOf(events.map((event) => data.times[event]), dates) : null;
  if (seconds === null) return null;
  const dated = dates[0] !== null, midnight = dated ? dayOf(dates[0]) * DAY : 0;
  events.forEach((event, at) => { data.starts[event] = midnight + seconds[at]; });
  return { session, dated };
}

/** Adds an event to the last day if it is of this number, and else to a new one. `begins`: whether the event begins on it. */
function addToDay(data, days, { session, dated }, event, number, begins) {
  const last = days.at(-1);
  const same = last && last.number === number && last.last >= event - 1
    && (last.session === session || (dated && last.dated && data.starts[event] >= data.starts[event - 1]));
  if (!same) days.push({ session, dated, number, base: number * DAY, first: event, own: begins, ...nameOf(session, dated, number) });
  else if (begins && !last.own) Object.assign(last, { session, own: true, ...nameOf(session, dated, number) });
  days.at(-1).last = event;
}

function nameOf(session, dated, number) {
  const key = `${session.key}+${number}`;
  if (!dated) return { key, label: number ? `${session.label}, day ${number + 1}` : session.label };
  const weekday = (number + 3) % 7, own = dateText(number); // day 0 of the clock was a Thursday
  return { key, weekday, label: `${WEEK[weekday]} ${own}${session.label === own ? "" : `, ${session.label}`}` };
}

/** Whether gold (null), a run or one of several folds has an event of the day. */
function hasDay(data, { first, last }, run, parsing) {
  const runs = [run].flat();
  for (let event = first; event <= last; event++) {
    if (runs.some((one) => one === null || data.said(one, event, parsing) !== null)) return true;
  }
  return false;
}

function dayBands({ data, day, rows, parsing }) {
  const canvas = h("canvas", { "aria-hidden": "true" }), stage = h("div", { class: "day" }, canvas);
  const high = HEAD + ROW * rows.length;
  let lit = null;
  const place = (event) => ((data.starts[event] - day.base) / DAY) * canvas.clientWidth;
  const end = (event) => Math.max(((data.ends[event] - day.base) / DAY) * canvas.clientWidth, place(event) + 1);
  const lasts = (event) => data.ends[event] === data.starts[event + 1];
  const draw = () => {
    const { pen, wide, ink } = penOf(canvas, high);
    drawTimes(pen, hourTicks(wide), ink);
    rows.forEach((run, at) => drawRow(pen, {
      data, run, parsing, first: day.first, last: day.last + 1, place, end, lasts, top: HEAD + at * ROW, ink, lit, view: { wide },
    }));
  };
  const at = (mouse) => {
    const second = day.base + ((mouse.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth) * DAY;
    const event = day.first + Math.max(0, firstAtLeast(data.starts.subarray(day.first, day.last + 1), second + 1e-6) - 1);
    go(to("explorer", { event: data.address(event) }));
  };
  canvas.style.setProperty("height", `${high}px`);
  canvas.addEventListener("click", at);
  const names = h("div", { class: "names", "aria-hidden": "true" }, rows.map((run) =>
    h("span", { title: rowName(run) }, rowName(run))));
  const body = h("div");
  const element = h("section", { class: "timeline" },
    h("h2", null, day.label, " ",
      h("a", { class: "small", href: to("timeline", { session: day.session.key, axis: "clock", event: data.address(day.first) }) },
        "event by event")),
    h("div", { class: "stage" }, names, stage),
    h("details", { toggle: (event) => event.target.open && !body.firstChild && fill(body, dayTable(data, day, rows, parsing)) },
      h("summary", null, "This day as a table"), body));
  return {
    element,
    light: (number) => { lit = number; draw(); },
    start: () => new ResizeObserver(draw).observe(stage),
  };
}

function rowName(run) {
  return run === null ? "gold" : index.runs[run].label;
}

/** The numbers of the activities that gold (null) or a run has for an event, or the one of several folds that has it. */
function activitiesOf(data, run, event, parsing) {
  if (run === null) return data.gold(event);
  return [run].flat().flatMap((one) => data.said(one, event, parsing)?.activity ?? []);
}

/** The segments of a day, as scoring/segments.py makes them: an event without an activity ends none. */
function daySegments(data, day, run, parsing) {
  const found = [], running = new Map();
  for (let event = day.first; event <= day.last; event++) {
    const mine = activitiesOf(data, run, event, parsing), cut = data.ends[event - 1] !== data.starts[event];
    for (const number of [...running.keys()]) if (cut || (mine.length && !mine.includes(number))) running.delete(number);
    for (const number of mine) {
      if (!running.has(number)) {
        running.set(number, { number, start: Math.max(data.starts[event], day.base) });
        found.push(running.get(number));
      }
      running.get(number).end = Math.min(data.ends[event], day.base + DAY);
    }
  }
  return found;
}

function dayTable(data, day, rows, parsing) {
  const clock = (second) => (second - day.base === DAY ? "24:00:00" : clockText(second - day.base));
  return scrollBox({ "aria-label": `Activities of ${day.label}` }, h("table", null,
    tableHead(["Who says it", "From", "To", "Activity"]),
    h("tbody", null, rows.flatMap((run) => daySegments(data, day, run, parsing).map(({ number, start, end }) =>
      h("tr", null, h("th", { scope: "row" }, rowName(run)), h("td", null, clock(start)), h("td", null, clock(end)),
        h("td", null, activityTag(data, number))))))));
}

/* The usual week: which share of an hour of a weekday each activity takes, over all days that a run has. */

function weekSection({ data, rows, parsing, settings }) {
  const together = data.info.together.filter(({ runs }) => runs.some((run) => rows.includes(run)));
  const named = [...together.map(({ label, runs }) => [runs.map((run) => runKeys[run]).join("+"), runs, label]),
    ...rows.map((run) => [run === null ? "gold" : runKeys[run], run, rowName(run)])];
  const [key, run] = named.find(([name]) => name === settings.of) ?? named.find(([, one]) => one !== null) ?? named[0];
  const week = weekOf(data, run, parsing);
  const canvas = h("canvas", { "aria-hidden": "true" });
  const high = HEAD + WEEK_ROW * week.length;
  canvas.style.setProperty("height", `${high}px`);
  const section = h("section", { class: "timeline week", "aria-labelledby": "week" },
    h("h2", { id: "week" }, "The usual week"),
    h("div", { class: "tools" }, choice("Of", named.map(([name, , label]) => [name, label]), key, (of) => change({ of }))),
    quiet("The share of each hour that an activity takes, over all days that are in it; what is empty is not known."),
    canvas,
    scrollBox({ "aria-labelledby": "week" }, weekTable(data, week)));
  section.start = () => new ResizeObserver(() => drawWeek(canvas, high, data, week)).observe(section);
  return section;
}

/** For each weekday (or once, without dates) {name, days: how many the run has, hours: 24 times a Map of seconds by activity}. */
function weekOf(data, run, parsing) {
  const dated = data.days.some(({ weekday }) => weekday !== undefined);
  const week = (dated ? WEEK : ["all days"]).map((name) => ({ name, days: 0, hours: Array.from({ length: HOURS }, () => new Map()) }));
  for (const day of data.days.filter((one) => hasDay(data, one, run, parsing))) {
    const weekday = week[dated ? day.weekday ?? 0 : 0], { hours } = weekday;
    weekday.days++;
    for (const { number, start, end } of daySegments(data, day, run, parsing)) {
      for (let hour = Math.floor((start - day.base) / HOUR); hour < HOURS && day.base + hour * HOUR < end; hour++) {
        const from = day.base + hour * HOUR, seconds = Math.min(end, from + HOUR) - Math.max(start, from);
        hours[hour].set(number, (hours[hour].get(number) ?? 0) + seconds);
      }
    }
  }
  return week;
}

function drawWeek(canvas, high, data, week) {
  const { pen, wide, ink } = penOf(canvas, high), hour = (wide - WEEK_NAMES) / HOURS;
  drawTimes(pen, hourTicks(wide - WEEK_NAMES).map(([x, text]) => [x + WEEK_NAMES, text]), ink);
  week.forEach(({ name, days, hours }, row) => {
    const top = HEAD + row * WEEK_ROW, most = WEEK_ROW - 4;
    pen.fillStyle = ink("--ink");
    pen.font = "12px system-ui, sans-serif";
    pen.fillText(name, 0, top + most / 2);
    hours.forEach((seconds, at) => {
      const sum = [...seconds.values()].reduce((one, other) => one + other, 0); // more than an hour where activities overlap
      let y = top;
      for (const number of data.order.filter((one) => seconds.has(one))) {
        const share = (seconds.get(number) / Math.max(sum, days * HOUR)) * most;
        pen.fillStyle = colour(data.order.indexOf(number));
        pen.fillRect(WEEK_NAMES + at * hour, y, Math.max(1, hour - 1), share);
        y += share;
      }
    });
  });
}

/** Hours of each activity by weekday. */
function weekTable(data, week) {
  const hours = week.map(({ hours }) => {
    const total = new Map();
    for (const one of hours) for (const [number, seconds] of one) total.set(number, (total.get(number) ?? 0) + seconds);
    return total;
  });
  const found = data.order.filter((number) => hours.some((total) => total.has(number)));
  return h("table", null,
    tableHead(["Hours in all", ...numberColumns(...week.map(({ name }) => name))]),
    h("tbody", null, found.map((number) => h("tr", null,
      h("th", { scope: "row" }, activityTag(data, number)),
      hours.map((total) => h("td", { class: "number" }, orDash(total.has(number) && (total.get(number) / HOUR).toFixed(1))))))));
}

function hourTicks(wide) {
  const step = [1, 2, 3, 4, 6, 12].find((hours) => (hours / HOURS) * wide >= ROOM) ?? HOURS;
  return Array.from({ length: HOURS / step }, (_, at) => [((at * step) / HOURS) * wide, clockText(at * step * HOUR).slice(0, 5)]);
}
