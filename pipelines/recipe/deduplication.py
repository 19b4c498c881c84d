"""The part of a recipe that says which documents and passages are repeats, and which of them stay."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gristmill.filters.dedup.banding import banding
from gristmill.pipelines.recipe.base import Expected, Fraction, Model, Paths, Share
from gristmill.pipelines.recipe.sizes import parse_share

FINEWEB2 = {"1": 1.0, "2": 2.0, "3": 3.0, "5": 5.0, "100": 8.0, "1000": 1.0}
"""By size of a cluster, from which on: how often FineWeb-2 repeats a document (its `misc/rehydration`)."""


def _named_weights(value: Any) -> Any:
    """YAML reads sizes as numbers; keys of a recipe are texts."""
    if isinstance(value, dict):
        return {str(size): weight for size, weight in value.items()}
    return FINEWEB2 if value == "fineweb2" else value


Weights = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1000)]],
    BeforeValidator(_named_weights),
    Field(min_length=1),
    Expected("`fineweb2`, or a mapping such as {1: 1, 2: 2, 5: 3}"),
]


Recall = Annotated[Fraction, Field(gt=0, lt=1), Expected("a share below 1, such as 0.99")]


class MinHash(Model):
    """Near-duplicates: MinHash signatures, LSH bands, then exact verification."""

    bands: int = Field(16, ge=1, le=128)
    rows: int = Field(7, ge=1, le=64)
    shingle: int = Field(5, ge=1, le=32)
    """Words per shingle (characters where a script has no spaces)."""
    threshold: Share = 0.7
    """A document is dropped only for a kept one with at least this Jaccard similarity, computed exactly."""
    seed: int = Field(1, ge=0, lt=2**32)
    """As in datasketch.MinHash(seed=...)."""
    recall: Recall | None = None
    """Of pairs just at the threshold so many are found: chooses `bands` and `rows`, whose cost `validate` says. Absent:
    16 bands of 7, which find 75 % at 0.7, 97 % at 0.8."""

    @model_validator(mode="before")
    @classmethod
    def _banded(cls, values: Any) -> Any:
        """Bands and rows for a recall. What is no share is told by the fields themselves."""
        if not isinstance(values, dict) or values.get("recall") is None:
            return values
        try:
            threshold = float(parse_share(values.get("threshold", cls.model_fields["threshold"].default)))
            recall = float(parse_share(values["recall"]))
        except (TypeError, ValueError):
            return values
        if not (0 < threshold < 1 and 0 < recall < 1):
            return values
        bands, rows = banding(threshold, recall)
        if (values.get("bands", bands), values.get("rows", rows)) != (bands, rows):
            raise ValueError(f"`recall: {recall:g}` takes {bands} bands of {rows}; leave out `bands` and `rows`")
        return {**values, "bands": bands, "rows": rows}


class Urls(Model):
    """Documents of one address are one page, fetched more than once: one stays, whatever their texts say
    (docs/deduplication.md says which addresses count as one)."""

    keep: Literal["newest", "longest", "first"] = "newest"
    """After "kept by the rules", originals and `priority`: by date, by length of text, or neither; of equal ones the
    better-ranked. Documents without a date come last."""
    date: str | None = None
    """Field that says when a document was fetched or written; absent: `WARC-Date`, else `date`, else `timestamp`."""
    www: bool = True
    """Whether addresses with and without `www.` count as one."""

    @model_validator(mode="after")
    def _date_of_newest(self) -> "Urls":
        if self.date is not None and self.keep != "newest":
            raise ValueError(
                f"`date` says which is the newest, and `keep: {self.keep}` asks for another; leave one out"
            )
        return self


class Passages(Model):
    """Passages that stand in several documents, cut as edits once duplicate documents are gone. Equal ones say the same
    words: case, punctuation and white space do not count."""

    unit: Literal["line", "paragraph", "sentence"] = "line"
    run: int = Field(1, ge=1, le=100)
    """How many of these in a row are a passage: C4 cuts what three sentences in a row repeat."""
    scope: Literal["corpus", "source", "host"] = "corpus"
    """Where they repeat each other: anywhere, in one source, or on the pages of one host, whose boilerplate goes."""
    keep: Literal["first", "none"] = "first"
    """`first`: the best-ranked document keeps it, by priority, quality and length; `none`: it goes everywhere."""
    above: int = Field(1, ge=1, lt=2**31)
    """It goes where more documents than this have it."""
    within: bool = False
    """Repeats inside one document count and go, too; otherwise the document that keeps a passage keeps them all."""
    min_letters: int = Field(20, ge=1, lt=2**31)
    """Shorter ones stay: letters and digits, those of Chinese and other scripts without spaces count twice."""


class Substrings(Model):
    """Passages of any beginning and end that stand twice, byte for byte, in several documents or in one: cut but for
    the first, which the best-ranked document keeps."""

    min_tokens: int | None = Field(None, ge=8, le=2**20)
    """What has as many tokens is found wherever it stands twice, and nothing shorter is cut; absent: 50. A token is a
    word, a character of a script without spaces, or a mark."""
    min_chars: int | None = Field(None, ge=16, le=2**20)
    """The same in characters, instead of `min_tokens`; three times the time in spaced scripts."""
    keep: Literal["first"] = "first"
    """The best-ranked document keeps it, by priority, quality and length; in it, its first place."""
    cut_at: Literal["sentence", "character"] = "sentence"
    """`sentence`: of what repeats go the sentences that are whole; `character`: all of it."""

    @model_validator(mode="after")
    def _one_bound(self) -> "Substrings":
        if self.min_tokens is not None and self.min_chars is not None:
            raise ValueError("give `min_tokens` or `min_chars`, not both")
        return self

    @property
    def length(self) -> int:
        """The bound, in tokens or characters."""
        return self.min_chars or self.min_tokens or 50

    @property
    def by_character(self) -> bool:
        """Whether the bound is in characters."""
        return self.min_chars is not None


class Deduplicate(Model):
    """Documents of one address, exact and near-duplicate documents, of which the best-ranked of a cluster stays; then
    passages inside of them."""

    urls: Urls | None = None
    """Documents of the same address, before any texts are compared; absent: not looked at."""
    exact: bool = True
    """Documents whose normalised text is equal."""
    minhash: MinHash | None = MinHash()
    quality: str | None = None
    """Signal that ranks documents of equal priority, higher first; then the longer wins."""
    max_lost: Share = 1.0
    """A document stays where every better one lacks more than this of its shingles: what it says would be lost."""
    against: Paths = []
    """Indexes of earlier runs (`gristmill index build`), the first one before the others: what repeats a document of an
    index goes (docs/deduplication.md)."""
    weights: Weights = FINEWEB2
    """Size of a cluster from which on -> `weight` of its documents that stay, in the ledger: how often to repeat them
    in training. `fineweb2`: {1: 1, 2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}."""
    repeat: float | None = Field(None, gt=0, le=1000)
    """The most that a `weight` can be."""
    fingerprint: Literal["all", "kept"] = "all"
    """`kept`: documents dropped by rules are not fingerprinted; cheaper, but `whatif` cannot re-decide winners."""
    passages: list[Passages] = []
    """Lines, paragraphs and sentences that are cut where other documents have them, too (docs/deduplication.md)."""
    substrings: Substrings | None = None
    """Exact passages of any beginning and end that are cut where they stand a second time (docs/deduplication.md)."""
    max_cut: Share = 1.0
    """A document that loses more of its text to `passages` and `substrings` is dropped by the rule
    `repeated_passages`; so is, always, one that loses all."""

    @property
    def keys(self) -> int:
        """Of a document, by which those like it are found: of each band, and of its text."""
        return (self.minhash.bands if self.minhash else 0) + (self.exact or self.minhash is not None)

    @field_validator("weights")
    @classmethod
    def _of_every_size(cls, value: dict[str, float]) -> dict[str, float]:
        for size in value:
            if not (size.isascii() and size.isdigit() and 0 < int(size) < 2**31):
                raise ValueError(f"'{size}' is no size of a cluster; write {{1: 1, 2: 2}}")
        if "1" not in value:
            raise ValueError("a document that nothing repeats has no weight; add the size 1, such as {1: 1, 2: 2}")
        return dict(sorted(value.items(), key=lambda one: int(one[0])))
