"""Helpers that every room may use; none of them knows a home, a model or a run."""
