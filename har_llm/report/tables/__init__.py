"""The tables of a report, ours beside the paper's."""
