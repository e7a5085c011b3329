"""Models and adapters: which files a name stands for, what they contain, and the models that come with this package."""
