"""Several answers for one window, made one: self-consistency (Wang et al., 2023, arXiv 2203.11171), event by event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from har_llm.scoring.parsing import Prediction


def vote(predictions: Sequence[Prediction]) -> Prediction:
    """The activity that most of them name; on a tie, the one that was named first.

    An answer that misses the event has no vote. Where all miss it, so does the vote, for the commonest cause.
    """
    named = [prediction for prediction in predictions if prediction.activity is not None]
    # Counter keeps the order in which values came, and most_common does among equals.
    return Counter(named or predictions).most_common(1)[0][0]
