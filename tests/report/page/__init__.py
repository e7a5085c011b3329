"""`test_browser`, `test_looks`, `test_hostile` and `test_passages` are about the page as a whole, in a browser.

They show it in use, its looks, that hostile content does nothing, and which passages its script finds.
"""
