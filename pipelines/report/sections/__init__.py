"""One file a section of the report: its numbers as frozen dataclasses, and how they follow from what a run holds.

Every text from a document or a message has been through the scrubber (excerpts.py).
"""
