"""What every room may use and what knows no home, model or run: errors, config schema, digests, files, processes, hardware, locks, tables."""
