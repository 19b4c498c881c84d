"""Compiled loops of deduplication: words and shingles, signatures, buckets, similarity, components."""
