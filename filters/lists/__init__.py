"""Lists of a recipe: addresses that documents may not come from, phrases that are counted in them, as signals."""
