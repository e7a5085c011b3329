"""Many runs made together: planned, generated with each model loaded once, trained, scored."""
