"""In how many partitions duplicates are found, and what that shuffles: for the stages, which count documents when all
are known, and for forecasts of them."""

FEWEST, MOST = 4, 4096
"""Partitions: more would make the blocks of a bundle too small; then partitions grow."""

BAND_BYTES = 28
"""Of a record of a band (RECORD, pairs.py)."""

KEY_BITS = 33
"""Of a key that goes first: half of it, and the bit that comes back (stages/duplicates/shared_keys.py)."""


def partitions_for(documents: int, each: int) -> int:
    """How many of so many documents each."""
    return min(MOST, max(FEWEST, -(-documents // each)))


def few(partitions: int) -> bool:
    """Whether so little is shuffled that a stage costs more (36 ms of forking) than fewer bytes save: then all keys
    make records at once."""
    return partitions == FEWEST


def many(partitions: int) -> bool:
    """Whether it is not `few`."""
    return not few(partitions)


def bytes_alone(keys: int, partitions: int) -> float:
    """What a document with so many keys takes in the shuffles though no other one is like it."""
    return keys * (BAND_BYTES if few(partitions) else KEY_BITS / 8)
