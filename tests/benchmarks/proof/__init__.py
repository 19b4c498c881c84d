"""The proof that the stages of alignment do what they are for: `make proof`."""
