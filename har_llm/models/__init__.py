"""Models and adapters: which files a name stands for, what they contain; the models of this package, and baselines."""
