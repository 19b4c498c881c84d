"""The cutoffs that CCNet published for its own models, by language."""

from functools import cache

from gristmill.filters.data import lines_of


@cache
def ccnet_cutoffs() -> dict[str, tuple[float, float]]:
    """ISO 639-1 -> (perplexity below which a document is head, and below which it is middle)."""
    rows = (line.split("\t") for line in lines_of("ccnet_cutoffs.tsv"))
    return {language: (float(head), float(tail)) for language, head, tail in rows}
