"""Makes report.html: all runs, events and generations in one file that needs no other."""
