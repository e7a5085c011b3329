"""tests/ROOM/test_MODULE.py tests har_llm/ROOM/MODULE.py; a module with several test files has a folder of them.

Files that test a whole room, or several, are named by what they show; the room's `__init__` says which they are.
"""
