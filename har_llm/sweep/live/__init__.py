"""Watches a home: what was accepted is kept on disk, each closed window is asked about, each event is written once."""
