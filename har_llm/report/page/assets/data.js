/* The events of a dataset, numbered across its sessions, and the predictions of each run. */

const FIRST_CODE = 0x30;

class Data {
  constructor(number, info, content) {
    Object.assign(this, { number, info, name: info.name, runs: info.runs });
    this.names = new Map(info.activities.map(([id, name]) => [Number(id), name]));
    this.order = [...this.names.keys()];
    this.codes = content.codes;
    /** For each code the first with the same activity, whoever is said to have done it. */
    this.alike = content.codes.map((said) => content.codes.findIndex((other) =>
      other === said || (said?.activity !== undefined && other?.activity === said.activity)));
    this.columns = content.columns;
    this.event = content.event;
    this.golds = content.gold;
    /** Whether anybody has said what is right. */
    this.labelled = this.golds.values.some((gold) => gold.length);
    this.owners = content.subjects;
    this.ids = content.id;
    this.times = content.time;
    this.dates = content.date;
    /** Whether the clock was set forward or back meanwhile, so that an hour may be there twice. */
    this.clockChanges = new Set(this.dates.values.map(([, offset]) => offset)).size > 1;
    this.content = new Map(info.runs.map((run, at) => [run, content.runs[at]]));
    this.size = this.ids.length;
    this.sessions = [];
    this.sessionOf = new Uint32Array(this.size);
    let start = 0;
    for (const { name, data, events } of content.sessions) {
      const key = data === 1 ? name : `${name}~${data}`;
      const label = data === 1 ? name : `${name} (other data, ${data})`;
      this.sessionOf.fill(this.sessions.length, start, start + events);
      this.sessions.push({ name, key, label, start, end: start + events });
      start += events;
    }
  }

  text(event) { return this.event.values[this.event.at[event]]; }
  /** null where the recording says no dates. */
  date(event) { return this.dates.values[this.dates.at[event]][0]; }
  offset(event) { return this.dates.values[this.dates.at[event]][1]; }
  when(event) {
    const offset = this.clockChanges ? this.offset(event) : null;
    return [this.date(event), this.times[event], offset && `UTC${offset}`].filter(Boolean).join(" ");
  }
  gold(event) { return this.golds.values[this.golds.at[event]]; }
  subjects(event) { return this.owners.values[this.owners.at[event]]; }
  session(event) { return this.sessions[this.sessionOf[event]]; }
  activity(number) { return `${number}. ${this.names.get(number)}`; }
  goldText(event) { return this.gold(event).map((number) => this.activity(number)).join(" or ") || "unlabelled"; }

  code(run, event, parsing) { return this.content.get(run)[parsing].charCodeAt(event) - FIRST_CODE; }
  /** {activity}, {missed} or {excluded}; null if the run does not have the event. */
  said(run, event, parsing) { return this.codes[this.code(run, event, parsing)]; }

  outcome(run, event, parsing) {
    return this.outcomeOf(this.said(run, event, parsing), event);
  }
  outcomeOf(said, event) {
    if (said === null) return "absent";
    if ("excluded" in said) return "excluded";
    if (!this.gold(event).length) return "unlabelled";
    if ("missed" in said) return "missed";
    return this.gold(event).includes(said.activity) ? "right" : "wrong";
  }
  scored(run, event) { return this.columns[this.content.get(run).scored][event] === "1"; }
  window(run, event) { return this.columns[this.content.get(run).windows][event]; }
  shown(run, event) { return this.columns[this.content.get(run).shown][event]; }

  /** All events in the prompt of the window that answers for this event. */
  windowEvents(run, event) {
    const place = this.place(run, event);
    if (!place) return this.answeredWith(run, event);
    const [firstId, length] = place, first = event - (this.shown(run, event) - firstId);
    return Array.from({ length }, (_, inside) => first + inside);
  }

  /** The events that the same window answers for: all in its prompt, unless windows overlap. */
  answeredWith(run, event) {
    const window = this.window(run, event), events = [];
    if (window < 0) return events;
    const { start, end } = this.session(event);
    let first = event;
    while (first > start && this.window(run, first - 1) === window) first--;
    for (let at = first; at < end && this.window(run, at) === window; at++) events.push(at);
    return events;
  }

  /** Of this event's window: [id of its first event in the prompt, events, ...places of prompt and generations]. */
  place(run, event) {
    const content = this.content.get(run);
    content.found ??= new Map(content.places.map(([session, window, ...rest]) => [`${session}/${window}`, rest]));
    return content.found.get(`${this.sessionOf[event]}/${this.window(run, event)}`);
  }

  /** The places of the prompt and generations of this event's window; null if there is no such window. */
  places(run, event) {
    const place = this.place(run, event);
    if (!place) return null;
    const flat = place.slice(2), pairs = [];
    for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at], flat[at + 1]]);
    return { prompt: pairs[0], generations: pairs.slice(1), leftOut: pairs[0][0] < 0 };
  }

  /** The prediction of each generation for the event, if the run has several for each window. */
  votes(run, event, parsing) {
    const votes = this.content.get(run).votes[`${this.sessionOf[event]}/${this.window(run, event)}`];
    if (!votes) return null;
    const inside = this.answeredWith(run, event).indexOf(event);
    return votes.map((vote) => this.codes[vote[parsing].charCodeAt(inside) - FIRST_CODE]);
  }

  find(key, id) {
    const session = this.sessions.find((one) => one.key === key);
    if (!session) return -1;
    for (let at = session.start; at < session.end; at++) if (this.ids[at] === id) return at;
    return -1;
  }
  address(event) { return `${this.session(event).key}/${this.ids[event]}`; }
  where(address) {
    const cut = (address ?? "").lastIndexOf("/");
    return cut < 0 ? -1 : this.find(address.slice(0, cut), Number(address.slice(cut + 1)));
  }
}

async function prompt([chunk, at]) {
  const { begins, prompts } = await block(`prompt-${chunk}`);
  return prompts[at].map(([role, rest], place) => ({ role, content: begins[place] + rest }));
}

async function generation([chunk, at]) {
  return (await block(`generation-${chunk}`))[at];
}
