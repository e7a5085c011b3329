/* Where the events of a session lie in a timeline: one beside the other, or by the clock. Does not touch the page. */

const DAY = 86_400;
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY]; // seconds
const ROOM = 84; // pixels between two times

/**
 * Event number i of the session lies from edges[i] to edges[i + 1]; together they are as wide as there are events.
 * `ticks(from, until, width)`: what stands between two of these places, as [place, text], if 1 is `width` pixels.
 */
function eventAxis(times) {
  const edges = Float64Array.from({ length: times.length + 1 }, (_, at) => at);
  const ticks = (from, until, width) => {
    const step = Math.ceil(ROOM / width), found = [];
    for (let at = Math.max(0, Math.floor(from / step) - 1) * step; at < Math.min(until, times.length); at += step) {
      found.push([at, times[at]]);
    }
    return found;
  };
  return { edges, ticks };
}

/** Each event lasts until the next one; the last as long as the others on average. null if a time or a date is none. */
function clockAxis(times, dates) {
  const seconds = secondsOf(times, dates);
  if (seconds === null) return null;
  const size = times.length, start = seconds[0], span = seconds.at(-1) - start;
  const scale = size / (span + Math.max(1, span / (size - 1 || 1))); // of a second
  const edges = Float64Array.from([...seconds.map((second) => (second - start) * scale), size]);
  const ticks = (from, until, width) => {
    const step = CLOCK_STEPS.find((one) => one * scale * width >= ROOM) ?? DAY * Math.ceil(ROOM / (DAY * scale * width));
    const found = [];
    for (let at = Math.ceil((start + from / scale) / step) * step; at < start + until / scale; at += step) {
      found.push([(at - start) * scale, at % DAY || !dates[0] ? clockText(at) : dateText(dayOf(dates[0]) + at / DAY)]);
    }
    return found;
  };
  return { edges, ticks };
}

/** Seconds since the first midnight. Without dates, a time earlier than the one before it is of the next day. */
function secondsOf(times, dates) {
  const clocks = times.map(clockOf), days = dates.map(dayOf);
  if (clocks.includes(NaN) || days.includes(NaN)) return null;
  const seconds = [clocks[0]];
  for (let at = 1, now = clocks[0]; at < clocks.length; at++) {
    const later = clocks[at] - clocks[at - 1], dated = days[at - 1] !== null && days[at] !== null;
    now += dated ? later + (days[at] - days[at - 1]) * DAY : (later + DAY) % DAY;
    seconds.push(Math.max(seconds[at - 1], now)); // dated events need not be in order
  }
  return seconds;
}

/** The second of the day; NaN if the time is none. */
function clockOf(time) {
  const [, hours, minutes, seconds] = time.match(/^(\d{2}):(\d{2}):(\d{2})$/) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** The number of a day; null without a date, NaN if the date is none. */
function dayOf(date) {
  if (date === null) return null;
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(date) / (DAY * 1000) : NaN;
}

function dateText(day) {
  return new Date(day * DAY * 1000).toISOString().slice(0, 10);
}

function clockText(second) {
  const digits = (number) => String(Math.floor(number) % 60).padStart(2, "0");
  const hours = String(Math.floor((second % DAY) / 3600)).padStart(2, "0");
  return `${hours}:${digits(second / 60)}:${digits(second)}`;
}

/** The number of the event that lies at a place. */
function eventAt({ edges }, place) {
  const at = firstAtLeast(edges, place);
  return Math.min(edges.length - 2, Math.max(0, edges[at] === place ? at : at - 1));
}
