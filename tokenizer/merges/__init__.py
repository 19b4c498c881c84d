"""Byte-pair merges learnt from words and their counts: SentencePiece's rules, compiled loops."""
