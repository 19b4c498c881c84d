"""Passages that several documents have: found by one shuffle of their hashes, cut as edits when the text is written."""
