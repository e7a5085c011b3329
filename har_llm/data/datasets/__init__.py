"""Datasets: a user's files, or a simulator, turned into a home and its sessions."""
