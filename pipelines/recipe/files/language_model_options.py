"""`language_models` of a recipe, typed."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from gristmill.filters.language_models.estimate import SMOOTHINGS
from gristmill.filters.language_models.table import HIGHEST_ORDER
from gristmill.pipelines.recipe.base import Expected, Fraction, Model, ModelPath, ModelPaths, Names, Share
from gristmill.pipelines.recipe.languages.codes import known_language, wrong_language
from gristmill.pipelines.recipe.sources import Documents

SmoothingName = Literal["kneser-ney", "katz", "jelinek-mercer", "add-k"]
assert get_args(SmoothingName) == SMOOTHINGS


class LanguageModelTraining(Model):
    """How `gristmill lm train` learns."""

    order: int = Field(5, ge=1, le=HIGHEST_ORDER)
    """The longest n-grams."""
    smoothing: SmoothingName = "kneser-ney"
    """`kneser-ney`: interpolated modified Kneser-Ney, as KenLM's lmplz; the others are for comparison."""
    k: float = Field(1.0, gt=0, le=1000)
    """Of `add-k`: how much every word has beside its count."""
    weight: Fraction = Field(0.7, gt=0, lt=1)
    """Of `jelinek-mercer`: of the longer context."""
    prune: Annotated[list[int], Expected("a list of counts, such as [0, 0, 1]")] = []
    """N-grams that occur at most so often are left out, for the orders 1, 2, ...; the last number is for the rest."""
    units: Literal["pieces", "characters"] = "pieces"
    """What n-grams are of: SentencePiece pieces, or characters without white space. Models of words are read, not
    trained."""
    tokenizer: str | None = None
    """The folder of a tokenizer (such as a run's `tokenizer/`) or a SentencePiece model; absent: one is trained on the
    same text."""
    vocabulary: int = Field(32_768, ge=512, le=2**20)
    """Of the tokenizer that is trained; fewer where the text does not support so many."""
    held_out: Share = 0.02
    """Share of documents that the model is measured on and never learns, by hash."""

    @field_validator("units", mode="before")
    @classmethod
    def _no_words(cls, value: Any) -> Any:
        if value == "words":
            raise ValueError(
                "models of words are read (KenLM's lmplz trains them) and not trained here: Chinese has no spaces, and "
                "a word that training never met is lost; write `pieces` or `characters`"
            )
        return value

    @field_validator("prune")
    @classmethod
    def _never_falls(cls, value: list[int]) -> list[int]:
        if value and (value[0] != 0 or value != sorted(value)):
            raise ValueError("the first number of `prune` is 0, and no number is smaller than the one before it")
        return value


Pair = Annotated[list[float], Field(min_length=2, max_length=2), Expected("two numbers, such as [340, 520]")]
CutoffPairs = Annotated[dict[str, Pair], Expected("a mapping such as {en: [340, 520]}")]


class LanguageModel(Model):
    """An n-gram model whose perplexity is a signal: `<name>.perplexity`, `<name>.bucket` and others.

    docs/language-models.md says more.
    """

    model: ModelPath | ModelPaths | None = None
    """The folder that `gristmill lm train` writes, an ARPA file (also .gz), or a KenLM binary (probing, trie); or `{en:
    ..., zh: ...}`: one for each language. Absent: `language_models/<name>` beside the recipe."""
    tokenizer: ModelPath | ModelPaths | None = None
    """Of an ARPA file or KenLM binary of pieces: the SentencePiece model that made them; or one for each language."""
    units: Literal["pieces", "words", "characters"] | None = None
    """Of an ARPA file or KenLM binary: what its words are. Absent: pieces where it has a `tokenizer`, else words."""
    normalise: Literal["ccnet"] | None = None
    """Of an ARPA file or KenLM binary: give it the text as CCNet does (small letters, digits as 0, no accents, ASCII
    marks, a document one sentence). The document itself stays as it is."""
    cutoffs: CutoffPairs | Literal["ccnet"] | None = None
    """Language -> perplexity below which a document is head, and below which it is middle; `ccnet`: what CCNet
    published for its models. Absent: as the model's training has measured."""
    languages: Names | None = None
    """What a model means something for: ISO 639-1 codes; of several models, the ones that are used."""
    train: dict[str, Documents] = {}
    """Language -> documents, for `gristmill lm train`: a model for each language."""
    training: LanguageModelTraining = LanguageModelTraining()

    @field_validator("train")
    @classmethod
    def _one_language_each(cls, value: dict[str, Documents]) -> dict[str, Documents]:
        for language in value:
            if wrong := wrong_language(known_language(language)):
                raise ValueError(wrong)
        return {known_language(language): documents for language, documents in value.items()}

    @field_validator("languages")
    @classmethod
    def _language_codes(cls, value: list[str] | None) -> list[str] | None:
        return value and list(dict.fromkeys(map(known_language, value)))
