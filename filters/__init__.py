"""Pure functions on batches of documents: signals, rules, language, fingerprints, personal data. No Beam, no torch."""
