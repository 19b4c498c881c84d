"""Items of evaluation sets in documents: what each unit shares with them, stored; decided once all units are known."""
