"""How well engines extract the main content of pages: against what people marked, or against each other."""
