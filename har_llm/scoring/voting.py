"""Self-consistency (Wang et al., 2023, arXiv 2203.11171): several answers for one window are combined event by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from har_llm.scoring.prediction import Prediction


def vote(predictions: Sequence[Prediction]) -> Prediction:
    """The activity that most answers name; on a tie, the one that was named first.

    An answer that misses the event has no vote. If all miss it, the vote does too, with the most frequent cause. The
    resident is that of the first answer with the chosen activity, as answers number residents each in its own way.
    """
    named = [prediction for prediction in predictions if prediction.activity is not None] or predictions
    # Counter keeps the order of the values, also in most_common among equals.
    activity, missed = Counter((one.activity, one.missed) for one in named).most_common(1)[0][0]
    return next(one for one in named if (one.activity, one.missed) == (activity, missed))
