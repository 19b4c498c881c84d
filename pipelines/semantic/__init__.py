"""Semantic near-duplicates: embeddings in, groups out, as labels that a recipe joins. No embedding is made here."""
