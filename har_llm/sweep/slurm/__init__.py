"""Sweeps as a few Slurm jobs."""
