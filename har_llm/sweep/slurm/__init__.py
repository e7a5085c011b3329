"""Runs sweeps as a few Slurm jobs."""
