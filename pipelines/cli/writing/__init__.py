"""Commands that help to write a recipe."""
