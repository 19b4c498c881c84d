"""Training a classifier of a recipe: its documents, how they are divided, what was learnt, the card that says so."""
