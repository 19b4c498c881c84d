"""How many LSH bands of how many rows find near-duplicates: the curve of Leskovec, Rajaraman, Ullman, Mining of
Massive Datasets, 3.4.2. Each of `bands * rows` permutations agrees with probability J for documents of similarity J.
"""

from math import ceil, log, log1p

MOST_BANDS, MOST_ROWS = 128, 64
FALSE_CANDIDATES = 0.1
"""Of pairs that are half as similar as the threshold, at most so many are compared for nothing."""


def found(similarity: float, bands: int, rows: int) -> float:
    """The probability that two documents of this Jaccard similarity agree in a whole band, and so are compared."""
    return 1 - (1 - similarity**rows) ** bands


def banding(threshold: float, recall: float) -> tuple[int, int]:
    """(bands, rows) that find pairs of similarity `threshold` with probability `recall` or more, both between 0 and 1.

    The fewest permutations that compare at most FALSE_CANDIDATES of pairs at half the threshold; where none do, those
    that compare fewest. Raises ValueError where MOST_BANDS are not enough for any number of rows.
    """
    choices = []
    for rows in range(1, MOST_ROWS + 1):
        share = threshold**rows
        bands = max(1, ceil(log(1 - recall) / log1p(-share) - 1e-9))
        if bands > MOST_BANDS:
            break
        choices.append((bands, rows))
    if not choices:
        raise ValueError(f"{MOST_BANDS} bands find fewer than {recall:.4%} at {threshold:g}")
    few = [choice for choice in choices if found(threshold / 2, *choice) <= FALSE_CANDIDATES]
    if few:
        return min(few, key=lambda choice: choice[0] * choice[1])
    return min(choices, key=lambda choice: found(threshold / 2, *choice))
