"""Makes many runs together: plans them, loads each model once to generate, trains adapters, scores."""
