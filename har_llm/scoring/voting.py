"""Self-consistency (Wang et al., 2023, arXiv 2203.11171): several answers for one window are combined event by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from har_llm.scoring.prediction import Prediction


def vote(predictions: Sequence[Prediction]) -> Prediction:
    """The activity that most answers name; on a tie, the one that was named first.

    An answer that misses the event has no vote. If all miss it, the vote does too, with the most frequent cause.
    """
    named = [prediction for prediction in predictions if prediction.activity is not None]
    # Counter keeps the order of the values, also in most_common among equals.
    return Counter(named or predictions).most_common(1)[0][0]
