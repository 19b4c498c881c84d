"""From answers to scores: of each item, then of all, with a standard error each. No torch here."""
