"""Engines: chat messages turned into generations. They know models and tokens, and nothing of homes."""
