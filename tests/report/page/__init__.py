"""`test_data` is about what is packed into a page. The others are about the page as a whole, in a browser.

They show it in use, its looks, that hostile content does nothing, and which passages its script finds.
"""
