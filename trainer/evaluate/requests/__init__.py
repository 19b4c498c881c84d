"""What a model is asked: how likely a continuation or a whole text is, what it writes. Ids in, numbers out."""
