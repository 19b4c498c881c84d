"""Fingerprints of documents: what is equal, and what is nearly so."""
