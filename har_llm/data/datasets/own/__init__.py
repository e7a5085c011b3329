"""A home of one's own, described in a file beside its data: tables of events, and what Home Assistant records."""
