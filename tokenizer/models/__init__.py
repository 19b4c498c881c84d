"""The compiled encoders: byte-pair merges and unigram lattices over one vocabulary."""
