"""Main content of a page: its blocks, numbers about them, a model of which to keep, and their text."""
