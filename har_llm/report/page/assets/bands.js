/* Draws a timeline: a row of events for gold and for each run. The canvas shows the visible part. */

const ROW = 34, BAND = 22, HEAD = 20;
const WORDY = 56, NUMBERED_FROM = 20; // least widths of a segment with a name, and with a number

/** Consecutive events with the same code, as {from, until, code}; they end where an event does not last until the next. */
function segments(from, until, codeAt, lasts) {
  const found = [];
  for (let event = from; event < until; event++) {
    const last = found.at(-1), code = codeAt(event);
    if (last && last.code === code && lasts(event - 1)) last.until = event + 1;
    else found.push({ from: event, until: event + 1, code });
  }
  return found;
}

function drawBands(canvas, { data, session, rows, parsing, axis, width, left, cursor, lit }) {
  const view = { wide: canvas.clientWidth, high: HEAD + ROW * rows.length };
  const { pen, ink } = penOf(canvas, view.high);
  const from = left / width, until = (left + view.wide) / width;
  const first = session.start + Math.max(0, eventAt(axis, from) - 1);
  const last = Math.min(session.end, session.start + eventAt(axis, until) + 2);
  const place = (event) => axis.edges[event - session.start] * width - left;
  const end = (event) => place(event + 1), lasts = () => true;
  drawTimes(pen, axis.ticks(from, until, width).map(([at, text]) => [at * width - left, text]), ink);
  rows.forEach((run, at) =>
    drawRow(pen, { data, run, parsing, first, last, place, end, lasts, top: HEAD + at * ROW, ink, lit, view }));
  if (cursor !== null) {
    pen.strokeStyle = ink("--ink");
    pen.lineWidth = 2;
    pen.strokeRect(place(cursor) - 0.5, HEAD - 3, Math.max(place(cursor + 1) - place(cursor), 3) + 1, view.high - HEAD + 1);
  }
}

/** An empty canvas as sharp as the screen: {pen, wide: its width, ink: the colour of a name}. */
function penOf(canvas, high) {
  const scale = window.devicePixelRatio || 1, wide = canvas.clientWidth;
  if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(high * scale)) {
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, wide, high);
  const inks = getComputedStyle(canvas);
  return { pen, wide, ink: (name) => inks.getPropertyValue(name).trim() };
}

function drawTimes(pen, ticks, ink) {
  pen.fillStyle = ink("--muted");
  pen.font = `11px ${ink("--mono")}`;
  pen.textBaseline = "middle";
  for (const [x, text] of ticks) {
    pen.fillRect(Math.round(x), 2, 1, HEAD - 6);
    pen.fillText(visible(text), x + 4, HEAD / 2 - 1);
  }
}

/** `place`, `end`: where an event begins and ends, in pixels; `lasts`: whether it does so until the next one. */
function drawRow(pen, { data, run, parsing, first, last, place, end, lasts, top, ink, lit, view }) {
  const codeAt = run === null ? (event) => data.golds.at[event] : (event) => data.alike[data.code(run, event, parsing)];
  for (const { from, until, code } of segments(first, last, codeAt, lasts)) {
    const x = Math.max(-2, place(from)), wide = Math.min(view.wide + 2, end(until - 1)) - x;
    const numbers = run === null ? data.golds.values[code] : [data.codes[code]?.activity ?? []].flat();
    pen.globalAlpha = lit === null || numbers.includes(lit) ? 1 : 0.18;
    if (numbers.length) {
      numbers.forEach((number, at) => {
        pen.fillStyle = colour(data.order.indexOf(number));
        pen.fillRect(x, top + (at * BAND) / numbers.length, wide, BAND / numbers.length);
      });
      const words = numbers.map((number) => (wide < WORDY ? String(number) : data.activity(number))).join(" or ");
      drawWords(pen, words, x, wide, top);
    } else if (run !== null && data.codes[code] && "missed" in data.codes[code]) {
      drawHatch(pen, x, wide, top, ink("--muted"));
    } else {
      pen.fillStyle = ink("--line");
      pen.fillRect(x, top + BAND / 2, wide, 1);
    }
    pen.fillStyle = ink("--surface"); // a thin gap between segments
    pen.fillRect(x + wide - (wide > 4 ? 1 : 0.3), top, wide > 4 ? 1 : 0.3, BAND);
  }
  pen.globalAlpha = 1;
  if (run !== null) drawWrong(pen, { data, run, parsing, first, last, place, end, lasts, top, ink });
}

/** A line below a run's band where it is wrong. */
function drawWrong(pen, { data, run, parsing, first, last, place, end, lasts, top, ink }) {
  pen.fillStyle = ink("--wrong");
  for (const { from, until, code } of segments(first, last, (event) => data.outcome(run, event, parsing), lasts)) {
    if (code !== "wrong" && code !== "missed") continue;
    pen.fillRect(place(from), top + BAND + 2, Math.max(1, end(until - 1) - place(from)), 3);
  }
}

function drawWords(pen, words, x, wide, top) {
  if (wide < NUMBERED_FROM) return;
  pen.save();
  pen.beginPath();
  pen.rect(x, top, wide - 3, BAND);
  pen.clip();
  pen.fillStyle = "#15181b";
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillText(visible(words), x + 5, top + BAND / 2 + 0.5);
  pen.restore();
}

function drawHatch(pen, x, wide, top, ink) {
  pen.save();
  pen.beginPath();
  pen.rect(x, top, wide, BAND);
  pen.clip();
  pen.strokeStyle = ink;
  pen.lineWidth = 1;
  pen.strokeRect(x + 0.5, top + 0.5, wide - 1, BAND - 1);
  for (let at = Math.floor((x - BAND) / 6) * 6; at < x + wide; at += 6) {
    pen.beginPath();
    pen.moveTo(at, top + BAND);
    pen.lineTo(at + BAND, top);
    pen.stroke();
  }
  pen.restore();
}
