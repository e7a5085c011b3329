"""From generations to predictions and scores, and whether two runs' scores differ significantly. Pure functions."""
