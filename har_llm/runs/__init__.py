"""One run: prepared without a model, its generations kept, its results written to a directory and read back."""
