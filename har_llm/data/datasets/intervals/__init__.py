"""Homes recorded as intervals: when each sensor was active, and when each activity lasted."""
