"""The composed config, typed: each node of conf/ is checked by the class that it names, and then against the others."""
