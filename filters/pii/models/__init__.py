"""Models of a user's own that find names: which there can be, and what runs them."""
