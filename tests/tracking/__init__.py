"""`test_offline` and `test_online` are about the whole room: commands with the real client, and what reached W&B."""
