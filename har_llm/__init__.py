"""Recognise human activities in homes with language models, and distil large ones into small ones."""

__version__ = "0.1.0"
