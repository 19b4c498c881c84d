"""Pages: bytes as characters, characters as text."""
