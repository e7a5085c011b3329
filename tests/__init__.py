"""tests/ROOM/test_MODULE.py tests har_llm/ROOM/MODULE.py; a module with several test files has a folder of them.

Files that test a whole room, or several, are named by what they show; the room's `__init__` says which they are.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.pop("HYDRA_FULL_ERROR", None)
os.environ.pop("COLUMNS", None)  # workers of pytest-xdist have it, and output would be narrower in them
# Tests run side by side, and processes with a thread for every core each would starve each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
