"""Which documents are duplicates and who stays, from their fingerprints: pure functions, without Beam."""
