"""Token shards: their format, their index, and the plan by which rows are packed from them."""
