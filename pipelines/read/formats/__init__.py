"""One file a format: rows, lines and whole files as batches of records."""
