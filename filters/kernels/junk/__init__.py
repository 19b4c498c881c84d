"""Lines beside an article."""
