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

/** Each event lasts until the next one; the last as long as the others on average. null if a time is none. */
function clockAxis(times) {
  const seconds = secondsOf(times);
  if (seconds === null) return null;
  const size = times.length, start = seconds[0], span = seconds.at(-1) - start;
  const scale = size / (span + Math.max(1, span / (size - 1 || 1))); // of a second
  const edges = Float64Array.from([...seconds.map((second) => (second - start) * scale), size]);
  const ticks = (from, until, width) => {
    const step = CLOCK_STEPS.find((one) => one * scale * width >= ROOM) ?? DAY, found = [];
    for (let at = Math.ceil((start + from / scale) / step) * step; at < start + until / scale; at += step) {
      found.push([(at - start) * scale, clockText(at)]);
    }
    return found;
  };
  return { edges, ticks };
}

/** Seconds since the first midnight. A time far before the one above it is of the next day. */
function secondsOf(times) {
  const seconds = [];
  let midnight = 0;
  for (const time of times) {
    const [, hours, minutes, rest] = time.match(/^(\d{2}):(\d{2}):(\d{2})$/) ?? [];
    if (hours === undefined) return null;
    const before = seconds.at(-1) ?? 0, clock = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
    if (midnight + clock < before - DAY / 2) midnight += DAY;
    seconds.push(Math.max(before, midnight + clock));
  }
  return seconds;
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
