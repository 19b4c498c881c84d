"""Items of evaluation sets in documents: the items as an index, what a document shares with them, how much that is."""
