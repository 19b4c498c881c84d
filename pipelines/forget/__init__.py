"""A version of a run without some documents and values (docs/forget.md)."""
