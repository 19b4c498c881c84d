"""Exact substrings that documents repeat: found by two shuffles of hashes, cut as edits when the text is written."""
