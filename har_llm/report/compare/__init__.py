"""Compares two finished runs, session by session and event by event."""
