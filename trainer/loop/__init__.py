"""The training itself: its parts, the one loop, what it reports, how it recovers."""
