"""The training mixture: which documents are read how often, and in which order, as an index plan over token shards."""
