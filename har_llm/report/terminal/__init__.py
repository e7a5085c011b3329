"""Shows results and progress on a terminal."""
