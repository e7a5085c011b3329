"""Run directories, made tables, figures and a page."""
