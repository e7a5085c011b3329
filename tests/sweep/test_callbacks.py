"""Several callbacks as one."""

from __future__ import annotations

import inspect
from unittest.mock import create_autospec

from har_llm.sweep.callbacks import Callback, Callbacks


def test_every_call_reaches_every_callback() -> None:
    both = [create_autospec(Callback, instance=True) for _ in range(2)]
    for name, method in inspect.getmembers(Callback, inspect.isfunction):
        values = [object() for _ in list(inspect.signature(method).parameters)[1:]]
        getattr(Callbacks(*both), name)(*values)
        for one in both:
            getattr(one, name).assert_called_once_with(*values)
