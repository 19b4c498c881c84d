"""What a run tells others: its manifest, the rates in it, what is exported of it, OpenLineage events."""
