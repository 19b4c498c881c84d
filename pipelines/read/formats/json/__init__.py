"""JSON, by line and by value."""
