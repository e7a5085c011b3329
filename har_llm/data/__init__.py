"""From a home's raw files to sessions, splits, windows and prompts."""
