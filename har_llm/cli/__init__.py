"""The command line: what was typed, and Hydra, which composes the config of each job from it."""
