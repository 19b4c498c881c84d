"""Values that somebody knows, found wherever they stand: what `gristmill forget` takes out."""
