"""Token shards as the files that other trainers open: one file a format, and what writes them."""
