"""What a recipe names by path: models, lists, labels, plugins; found, looked at and told by their content."""
