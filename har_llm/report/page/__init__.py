"""report.html: every run, event and generation in one file that needs nothing else."""
