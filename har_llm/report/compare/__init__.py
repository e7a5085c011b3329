"""Two finished runs, session by session and event by event."""
