"""What gives documents numbers beside the built-in signals: classifiers, lists of entries, labels of others."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from gristmill.filters.labels.keys import Key
from gristmill.filters.quality.train import LEAST_BUCKETS
from gristmill.pipelines.recipe.base import Expected, Model, ModelPath, ModelPaths, Names, Paths, Share, as_keys
from gristmill.pipelines.recipe.languages.codes import known_language
from gristmill.pipelines.recipe.sources import Documents


class Training(Model):
    """How `gristmill classifier train` learns."""

    documents: int = Field(50_000, ge=1, le=2**40)
    """The most documents of each label in each language, chosen by hash."""
    held_out: Share = 0.2
    """Share of duplicate clusters that the model is measured on and never learns."""
    dimensions: int = Field(16, ge=1, le=1024)
    word_ngrams: int = Field(2, ge=2, le=5)
    """Words (characters where a script has no spaces) that are learnt together."""
    buckets: int = Field(2**17, ge=LEAST_BUCKETS, le=2**26)
    """Rows that n-grams share."""
    epochs: int = Field(20, ge=1, le=1000)
    rate: float = Field(0.1, gt=0, le=10)
    """Learning rate."""
    min_count: int = Field(3, ge=1, le=10**6)
    """Rarer words are left out."""
    compressed: bool = False
    """Write a quantized model (.ftz), a tenth of the size."""


class Classifier(Model):
    """A model whose probabilities are signals: `<name>`, or `<name>.<label>` where it has several labels."""

    model: ModelPath | ModelPaths | None = None
    """A fastText model (.bin, .ftz), or the folder that `gristmill classifier train` writes; a folder of Hugging Face
    (config.json, tokenizer.json, model.safetensors) or with a model.onnx; `starter`: the shipped one;
    `{en: ..., zh: ...}`: one for each language. Absent: `classifiers/<name>` beside the recipe."""
    positive: str | None = None
    """The label whose probability is the signal `<name>`; absent: as the model's card says, else each has a signal."""
    languages: Names | None = None
    """What a model without a card means something for: ISO 639-1 codes; of several models, the ones that are used."""
    feeding: Literal["words-1", "plain"] | None = None
    """How a model without a card is given a text: `plain`, as it stands on one line, like most published models; or
    `words-1`, as our own."""
    max_tokens: Annotated[int, Field(ge=1, le=1 << 16)] | None = None
    """How many tokens of a text a network of Hugging Face or ONNX reads, from its beginning; absent: as many as its
    files say, 512 at most."""
    train: dict[str, Documents] = {}
    """Label -> documents, for `gristmill classifier train`: `good` and `raw`, or any others."""
    training: Training = Training()

    @field_validator("languages")
    @classmethod
    def _language_codes(cls, value: list[str] | None) -> list[str] | None:
        return value and list(dict.fromkeys(map(known_language, value)))


class EntryList(Model):
    """Entries, one a line, as signals: of addresses (`url`), or of phrases in the text. UTF-8, plain or .gz.

    `starter/NAME` names a shipped list (docs/lists.md).
    """

    domains: Paths = []
    """Files of domains: a document at one of them or below has the signal 1. Hosts files and `||domain^` too."""
    hosts: Paths = []
    """Files of hosts, without what is below them."""
    urls: Paths = []
    """Files of addresses, host and path: a document whose address begins so has the signal 1."""
    words: Paths = []
    """Files of words: the signal is how many of them stand in the document's address."""
    ut1: str | None = None
    """A folder in UT1's layout, a category a folder with `domains` and `urls`: the signals `<name>.<category>`."""
    phrases: Paths = []
    """Files of phrases: the signals `<name>` (occurrences), `<name>.different` and `<name>.share`."""
    kept: str | None = None
    """The list as a run keeps it; written into a run's recipe."""


NumbersOfTexts = dict[str, float]


class Labels(Model):
    """Numbers that somebody else has given to documents, joined by a key, as signals: `<name>.<column>`; the signal
    `<name>` is 1 where there is a label."""

    paths: Paths = []
    """Files of labels: Parquet, CSV (`.csv`, `.tsv`) or JSON lines (`.jsonl`), the latter also `.gz`."""
    key: Key = "doc_id"
    """By what a label belongs to a document: its `doc_id`, its own `id`, or its address, `url`."""
    field: str | None = None
    """Column of the files that holds the key; absent: it is called as the key is."""
    columns: Annotated[
        dict[str, NumbersOfTexts | None],
        BeforeValidator(as_keys),
        Expected("a list of columns, or a mapping such as `{grade: {high: 2, low: 1}, score: null}`"),
    ] = {}
    """Columns of numbers (true and false are 1 and 0), each a signal. Of a column of texts which number each text
    stands for: `{grade: {high: 2, low: 1}}`."""
    kept: str | None = None
    """The labels as a run keeps them; written into a run's recipe."""
