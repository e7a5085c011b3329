"""Models: which files a name stands for, what is in them, and the models that come with this package."""
