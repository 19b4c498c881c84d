"""Training the language models of a recipe: its documents, their n-grams counted in a pipeline, the card."""
