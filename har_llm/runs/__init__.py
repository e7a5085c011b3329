"""One run: preparing it without a model, storing its generations, writing and reading its directory."""
