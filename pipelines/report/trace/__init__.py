"""Which documents of a run hold a passage: an index of winnowed fingerprints, verified on the texts."""
