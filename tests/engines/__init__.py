"""`test_trained_adapter` is about all engines: each says the same with an adapter that was trained here."""
