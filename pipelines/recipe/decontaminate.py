"""`decontaminate` of a recipe: which evaluation sets are looked for, and what becomes of documents with an item."""

from typing import Literal

from pydantic import Field

from gristmill.pipelines.recipe.base import Fraction, Model, Paths, Share


class EvaluationSet(Model):
    """Files of one evaluation set: JSON lines, JSON, CSV or Parquet, as GSM8K, MMLU, C-Eval, CMMLU, HumanEval, ARC,
    HellaSwag and the like are published. Fields that are called otherwise are named; a dot goes into a field."""

    paths: Paths = []
    question: str | None = None
    """Field of the question, prompt or context: what is looked for."""
    answer: str | None = None
    """Field of the answer: its text, or the letter or number of a choice."""
    choices: str | None = None
    """Field of the list of choices."""
    passage: str | None = None
    """Field of a text that the question is about: it may well stand in a corpus, and is only support."""
    id: str | None = None
    """Field of the item's own name; absent: its number."""


class Decontaminate(Model):
    """Items of evaluation sets that stand in documents (docs/decontamination.md)."""

    sets: dict[str, EvaluationSet] = {}
    """Name -> files of a set."""
    action: Literal["drop", "cut", "report"] = "drop"
    """`drop`: documents with an item are dropped by the rule `contaminated`; `cut`: the item is cut out of a text
    (a conversation is dropped); `report`: they stay, and the evidence says so."""
    threshold: Fraction = Field(0.8, ge=0.6, le=1)
    """Score from which on an item stands in a document: the share of its question, by rarity of words, more where its
    answer is near by."""
    ngram: int = Field(13, ge=8, le=64)
    """Words (characters where a script has no spaces) of the n-grams by which items are found; one edit in each may be
    there."""
    short: int = Field(8, ge=6, le=64)
    """The same, for questions of fewer than twice `ngram` words."""
    max_cut: Share = 0.5
    """With `cut`, a document that loses more of its text is dropped."""
    kept: str | None = None
    """The sets as a run keeps them; written into a run's recipe."""
