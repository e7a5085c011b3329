/* Finds the events that pass filters; does not touch the page. */

const OUTCOMES = ["right", "wrong", "missed", "unlabelled"];
const FILTERS = ["in", "differ", "model", "outcome", "cause", "gold", "pred", "q"];

/** The filters of an address's settings; `runs` are those that are shown. */
function readFilters(settings, data, runs) {
  const session = data.sessions.findIndex(({ key }) => key === settings.in);
  const only = runKeys.indexOf(settings.model);
  return {
    session: session < 0 ? null : data.sessions[session],
    differ: ["yes", "no"].includes(settings.differ) ? settings.differ : null,
    runs: runs.includes(only) ? [only] : runs,
    outcome: OUTCOMES.includes(settings.outcome) ? settings.outcome : null,
    cause: settings.cause || null,
    gold: settings.gold ? Number(settings.gold) : null,
    pred: settings.pred ? Number(settings.pred) : null,
    words: (settings.q ?? "").toLowerCase().split(/\s+/).filter(Boolean),
  };
}

/** Numbers of the events that pass, in order. `shown` are the runs whose predictions may differ. */
function matching(data, filters, shown, parsing) {
  const { start, end } = filters.session ?? { start: 0, end: data.size };
  const texts = filters.words.length ? data.event.values.map((text) => text.toLowerCase()) : null;
  const found = [];
  for (let event = start; event < end; event++) {
    if (filters.gold !== null && !data.gold(event).includes(filters.gold)) continue;
    if (texts && !hasWords(`${data.times[event]} ${texts[data.event.at[event]]}`, filters.words)) continue;
    if (filters.differ && disagree(data, event, shown, parsing) !== filters.differ) continue;
    if (!said(data, filters, event, parsing)) continue;
    found.push(event);
  }
  return found;
}

function hasWords(text, words) {
  return words.every((word) => text.includes(word));
}

/** "yes" or "no"; null if fewer than two runs have the event. */
function disagree(data, event, runs, parsing) {
  let first = null, compared = 0, differs = false;
  for (const run of runs) {
    const what = data.said(run, event, parsing);
    if (what === null || "excluded" in what) continue;
    const named = what.activity ?? "missed"; // whatever the cause
    if (compared++ === 0) first = named;
    else differs ||= named !== first;
  }
  return compared < 2 ? null : differs ? "yes" : "no";
}

/** Whether one of the runs has the outcome, cause and predicted activity that are asked for. */
function said(data, { runs, outcome, cause, pred }, event, parsing) {
  if (outcome === null && cause === null && pred === null) return true;
  return runs.some((run) => {
    const what = data.said(run, event, parsing);
    if (what === null || "excluded" in what) return false;
    return (outcome === null || data.outcomeOf(what, event) === outcome)
      && (cause === null || what.missed === cause)
      && (pred === null || what.activity === pred);
  });
}
