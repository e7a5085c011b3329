"""What sensors report while they report it: sources of readings, and the events and windows that they become."""
