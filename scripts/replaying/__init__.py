"""Parts of scripts/replays.py: the windows, what is measured beside them, and the page."""
