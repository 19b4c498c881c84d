"""Codes of languages, and the scripts that make their tables."""
