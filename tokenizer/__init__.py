"""Tokenizer training and encoding, token shards, packing. No Beam."""
