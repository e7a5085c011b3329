/* Finds the passages of a text that are about an event; does not touch the page. Every search takes linear time. What is
   certain to be about an event follows the rules of har_llm/scoring/mentions.py. */

const MOST_MENTIONS = 5000;
const LONGEST_PASSAGE = 1500;
const LONGEST_SENTENCE = 400;
// "Event 21", "events 3, 4 and 7", "event with id 21", "id: 21", "#21"; but not "activity #3", "activity id 3". Bounded, so that
// no text makes it slow.
const MARK = String.raw`(?<!activity )(?<!activities )(?:\bids?|#)`;
const NAME = String.raw`(?:\bevents?(?:[ \t]+with)?(?:[ \t]+the)?(?:[ \t]+id)?s?|${MARK})["']?(?:[ \t]|[:=#]){0,4}["']?`;
const BETWEEN = String.raw`(?:[ \t,&–-]|\band\b|\bor\b|\bto\b|\bthrough\b){1,9}`;
const NUMBERED = new RegExp(String.raw`${NAME}(\d{1,9}(?:${BETWEEN}#?\d{1,9}){0,20})(?!\d|:\d)`, "gi");
const SPANS = /(\d+)(?:\s*(?:-|–|to|through)\s*(\d+))?/g;

/**
 * The passages about one of a window's events, as [start, end] in order, and whether they are certain: if they have its
 * id, its time, or words that no other event of the window has. `events` are {id, time, text}.
 */
function findPassages(text, events, chosen) {
  const mentions = mentionsOf(text, events);
  let own = mentions.filter(({ event, certain }) => event === chosen && certain);
  const certain = own.length > 0;
  if (!certain) own = mentions.filter(({ event }) => event === chosen);
  const others = mentions.filter((mention) => mention.certain && mention.event !== chosen).map(({ start }) => start);
  return { passages: merged(own.map((mention) => passageAround(text, mention, others))), certain };
}

function mentionsOf(text, events) {
  const found = [...numbered(text, events)];
  const lower = text.toLowerCase().length === text.length ? text.toLowerCase() : text;
  for (const name of ["time", "text"]) {
    const byWords = new Map();
    events.forEach((event, at) => {
      const words = event[name].toLowerCase();
      byWords.set(words, [...(byWords.get(words) ?? []), at]);
    });
    for (const [words, places] of byWords) {
      const certain = places.length === 1 && ![...byWords.keys()].some((other) => other !== words && other.includes(words));
      for (const start of occurrences(lower, words)) {
        for (const event of places) {
          found.push({ event, start, end: start + words.length, certain });
        }
      }
    }
  }
  return found.sort((one, other) => one.start - other.start || one.event - other.event).slice(0, MOST_MENTIONS);
}

function* numbered(text, events) {
  const places = new Map(events.map(({ id }, at) => [id, at]));
  let left = MOST_MENTIONS;
  for (const match of text.matchAll(NUMBERED)) {
    if (!left--) return;
    for (const [, from, until] of match[1].matchAll(SPANS)) {
      const last = until === undefined ? Number(from) : Number(until);
      for (const [id, event] of places) {
        if (Number(from) <= id && id <= last) {
          yield { event, start: match.index, end: match.index + match[0].length, certain: true };
        }
      }
    }
  }
}

function* occurrences(text, words) {
  if (!words) return;
  let left = MOST_MENTIONS;
  for (let at = text.indexOf(words); at >= 0 && left--; at = text.indexOf(words, at + words.length)) yield at;
}

/** From the beginning of the sentence up to an empty line, or to a sentence about another event. */
function passageAround(text, { start, end }, others) {
  const begin = sentenceStart(text, start);
  const limit = Math.min(text.length, begin + LONGEST_PASSAGE);
  let stop = text.indexOf("\n\n", end);
  // After a heading, the passage goes on.
  if (stop >= 0 && stop - end < 4) stop = text.indexOf("\n\n", stop + 2);
  if (stop < 0 || stop > limit) stop = Math.max(limit, end);
  const next = others[firstAtLeast(others, end)];
  if (next !== undefined && next < stop) stop = Math.max(end, sentenceStart(text, next));
  while (stop > end && /\s/.test(text[stop - 1])) stop--;
  return [unsplit(text, begin), unsplit(text, stop)];
}

/** A place that does not split a surrogate pair. */
function unsplit(text, at) {
  return at > 0 && at < text.length && text.codePointAt(at - 1) > 0xffff ? at - 1 : at;
}

function sentenceStart(text, at) {
  const from = Math.max(0, at - LONGEST_SENTENCE);
  const before = text.slice(from, at);
  let start = 0;
  for (const { index: place, 0: sign } of before.matchAll(/\n+|[.!?;]["')\]]?[ \t]+/g)) start = place + sign.length;
  return from + start;
}

function firstAtLeast(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merged(passages) {
  const whole = [];
  for (const [start, end] of passages.sort((one, other) => one[0] - other[0])) {
    const last = whole.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else whole.push([start, end]);
  }
  return whole;
}

/** The event in a prompt. An example in the prompt may have its id, but hardly its text as well. */
function findInPrompt(content, id, text) {
  return [...findObjects(content, id), ...findLines(content, id)].filter(([start, end]) => {
    const found = content.slice(start, end);
    return found.includes(JSON.stringify(text)) || found.endsWith(` ${text}`);
  });
}

/** The objects or lines of an answer with this event id. */
function findInAnswer(answer, id) {
  const found = findObjects(answer, id);
  return found.length ? found : findLines(answer, id);
}

function findObjects(answer, id) {
  const named = new RegExp(`(?:id|event)["']?\\s{0,5}[:=]\\s{0,5}["']?(?:event\\s?|id\\s?)?#?${id}(?![\\d])`, "i");
  const found = [];
  for (const { index: start, 0: object } of answer.matchAll(/\{[^{}]*\}?/g)) {
    if (named.test(object.slice(0, 2000))) found.push([start, start + object.length]);
    if (found.length >= MOST_MENTIONS) break;
  }
  return found;
}

/** The lines of an answer that begin with this event id: "0. cooking". */
function findLines(answer, id) {
  const line = new RegExp(`^[ \\t>*_\`•-]{0,9}(?:(?:event|id)[ \\t]{0,3})?#?${id}(?![0-9]).{0,500}$`, "gim");
  return [...answer.matchAll(line)].slice(0, MOST_MENTIONS).map(({ index, 0: text }) => [index, index + text.length]);
}
