"""Homes recorded as a log: a row for each thing that a sensor reported, with the activities marked in it."""
