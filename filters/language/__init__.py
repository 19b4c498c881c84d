"""Which language a document is written in."""
