"""Baselines: what a score of a language model is held against. They are models of a sweep that read no prompt."""
