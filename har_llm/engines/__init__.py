"""Engines turn chat messages into generations. They know models and tokens, but no homes."""
