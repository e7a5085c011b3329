"""From a teacher's reasoning to a student's adapter: reasoning examples, and LoRA training on them (section 3.2)."""
