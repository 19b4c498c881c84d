"""From token shards to batches: the corpus, the order of its rows, the loader."""
