"""Items of evaluation sets that stand in documents of a run, for people: tables, excerpts side by side."""
