"""Raw files of a home, made sessions, splits, windows and prompts."""
