"""What every room may use, and what itself knows no home, model or run."""
