"""YAML: as far as a command needs it before a recipe is checked, and what is wrong with a text that is none."""
