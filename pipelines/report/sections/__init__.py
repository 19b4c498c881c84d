"""One file a section of the report: from what a run holds to blocks."""
