"""The recipe, typed. Every field's description is printed into docs/recipe.md and docs/recipe.schema.json.

Defaults are the recommended values; a run directory keeps the recipe with all of them filled in.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from gristmill.filters.contamination.index import EvaluationFile
from gristmill.filters.labels.signals import ORIGIN as LABELS
from gristmill.filters.labels.signals import declare as declare_labels
from gristmill.filters.labels.table import LabelFile
from gristmill.filters.language_models.model import LanguageModel as ReadLanguageModel
from gristmill.filters.language_models.signals import ORIGIN as LANGUAGE_MODELS
from gristmill.filters.language_models.signals import declare as declare_language_models
from gristmill.filters.lists.signals import ORIGIN as LISTS
from gristmill.filters.lists.signals import declare as declare_lists
from gristmill.filters.lists.table import ListFile
from gristmill.filters.pii.models.named import NamedModel
from gristmill.filters.quality.classifier import Classifier as ReadClassifier
from gristmill.filters.quality.signals import ORIGIN as CLASSIFIERS
from gristmill.filters.quality.signals import Draw
from gristmill.filters.quality.signals import declare as declare_classifiers
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.recipe.base import (
    Bytes,
    Expected,
    Model,
    Share,
    as_list,
)
from gristmill.pipelines.recipe.decisions import Decision
from gristmill.pipelines.recipe.decontaminate import Decontaminate
from gristmill.pipelines.recipe.deduplication import Deduplicate as Deduplicate
from gristmill.pipelines.recipe.deduplication import MinHash as MinHash
from gristmill.pipelines.recipe.deduplication import Passages as Passages
from gristmill.pipelines.recipe.deduplication import Substrings as Substrings
from gristmill.pipelines.recipe.files.index_files import TakenIndex
from gristmill.pipelines.recipe.files.language_model_options import LanguageModel
from gristmill.pipelines.recipe.files.plugins import Plugin, declare_plugins
from gristmill.pipelines.recipe.files.tokenizer_files import TakenTokenizer
from gristmill.pipelines.recipe.glance import NAME
from gristmill.pipelines.recipe.scores import Classifier as Classifier
from gristmill.pipelines.recipe.scores import EntryList as EntryList
from gristmill.pipelines.recipe.scores import Labels as Labels
from gristmill.pipelines.recipe.scrubbing import Scrub as Scrub
from gristmill.pipelines.recipe.sources import Extract, Kind, Language, Plan, Read, Source
from gristmill.tokenizer.mixing.recipe import parse as parse_mix


class Text(Model):
    """The clean text dataset."""

    format: Literal["arrow", "parquet"] = "arrow"


class Tokenizer(Model):
    """A SentencePiece tokenizer, trained on a deterministic sample of `text/`."""

    model_config = ConfigDict(validate_by_alias=True, serialize_by_alias=True)

    path: str | None = None
    """A `tokenizer.json` (Llama, Qwen, GPT-2 and others) or a SentencePiece model of somebody else's, which is taken
    instead of training one (docs/tokenizers.md); the other keys but `bos` and `eos` then mean nothing."""
    bos: str | None = None
    """Of `path`: the token that stands before a document; null: as its files say, else `eos`."""
    eos: str | None = None
    """Of `path`: the token that ends a document; null: as its files say."""
    from_: str | None = Field(None, alias="from")
    """A run, or a folder with `tokenizer.model` and `info.json`: its tokenizer is taken instead of training one, as a
    model that was pretrained with it needs; the other keys then mean nothing."""
    model: Literal["bpe", "unigram"] = "bpe"
    vocabulary: int = Field(8192, ge=512, le=2**20)
    """Size including special ids and byte fallback."""
    sample_bytes: Bytes | None = None
    """UTF-8 bytes of text to train on, chosen by hash of doc_id; null: 25 to 50 MB, 3,000 for each id."""
    character_coverage: Share = 0.9995

    @model_validator(mode="after")
    def _one_origin(self) -> "Tokenizer":
        if self.path is not None and self.from_ is not None:
            raise ValueError("give `path` or `from`, not both")
        if self.path is None and (self.bos or self.eos) is not None:
            raise ValueError("`bos` and `eos` are of a tokenizer that `path` names; remove them, or name one")
        return self


class Tokens(Model):
    """Token shards and the pack plan."""

    sequence_length: int = Field(512, ge=16, le=2**30)
    """Tokens per training row."""
    validation: Share = 0.01
    """Share of duplicate clusters held out, by hash of the cluster: what a training measures itself by."""
    test: Share = 0.0
    """Share of duplicate clusters that no training reads, beside those of `validation`."""
    packing: Literal["best_fit", "chunks", "document"] = "best_fit"
    """How documents become rows: `best_fit` cuts only what is longer than a row and fills rows with what fits; `chunks`
    puts documents one after the other and cuts wherever a row is full; `document`: a row holds one document."""
    learn: Literal["assistant", "last"] = "assistant"
    """Of conversations (`chat`): every turn of the assistant is learnt, or only the last one."""
    ghost: bool = False
    """Ghost Attention, of conversations (`chat`): the instruction stands in the system turn only, not before users'
    turns as answers were sampled, and only the last answer is learnt."""

    @model_validator(mode="after")
    def _something_to_train_on(self) -> "Tokens":
        if self.validation + self.test > 1:
            raise ValueError(f"validation ({self.validation:g}) and test ({self.test:g}) together are more than all")
        return self


class Train(Model):
    """Defaults of `gristmill train RUN`; passed to `python -m gristmill.trainer`, which validates them."""

    preset: str = "nano"
    """Model size."""
    steps: int = Field(300, ge=1, le=2**40)
    options: dict[str, str | int | float | bool] = {}
    """Any other option of the trainer, by its name."""


class Alarms(Model):
    """What the report warns about on top: steps and rules that did nothing or everything, drift (docs/gates.md)."""

    documents: int = Field(300, ge=1, le=2**40)
    """A source or language with fewer documents raises no alarm."""
    reference: str | None = None
    """An earlier run to compare with, its folder or address: what has drifted from it is an alarm."""
    drift: float = Field(0.25, gt=0, le=1000)
    """The population stability index from which on a distribution has drifted."""


class Recipe(Model):
    """One YAML file that says everything about a run."""

    gristmill: Annotated[Literal[1], Expected("the version of the recipe format, `1`")]
    """Version of the recipe format."""
    name: Annotated[str, Expected("a name of letters, digits, '.', '_' and '-'")] = Field(pattern=NAME)
    seed: int = Field(0, ge=0, lt=2**63)
    """Of every sample: `--sample`, tokenizer training, validation, pack plan."""
    plugins: Annotated[list[Plugin], Expected("a list of file names, such as [my_filters.py]")] = []
    """Your own signals, presets, readers, recognizers: Python files beside the recipe, or entry points
    (docs/plugins.md)."""
    sources: Annotated[dict[str, Source], Expected("a mapping from names to sources, with at least one")] = Field(
        min_length=1
    )
    plan: Plan = Plan()
    read: Read = Read()
    extract: Extract = Extract()
    language: Language = Language()
    classifiers: dict[str, Classifier] = {}
    """Name -> a model that scores every document in its languages (docs/classifiers.md)."""
    language_models: dict[str, LanguageModel] = {}
    """Name -> an n-gram model that measures every document in its languages (docs/language-models.md)."""
    lists: dict[str, EntryList] = {}
    """Name -> entries that are looked for in addresses or texts, as signals for `decide` (docs/lists.md)."""
    labels: dict[str, Labels] = {}
    """Name -> numbers from outside that are joined to documents, as signals for `decide` (docs/labels.md)."""
    decide: Annotated[
        list[Decision], Expected("a list of entries, such as `- {when: {language: en}, presets: [gopher@paper]}`")
    ] = []
    otherwise: Literal["keep", "drop"] = "keep"
    """What becomes of documents that no entry of `decide` admits; with `drop` their rule is `unjudged`."""
    deduplicate: Deduplicate | None = Deduplicate()
    decontaminate: Decontaminate | None = None
    """Evaluation sets that are looked for, after duplicates are gone; absent: none (docs/decontamination.md)."""
    scrub: Scrub | None = Scrub()
    text: Text = Text()
    tokenizer: Tokenizer | None = Tokenizer()
    tokens: Tokens = Tokens()
    train: Train = Train()
    mix: Annotated[dict[str, Any], Expected("a mapping, such as `{weights: {web: 3, books: 1}}`")] | None = None
    """What `gristmill train` reads how often: weights, budgets, caps, stages (docs/mixing.md)."""
    alarms: Alarms = Alarms()
    gates: Annotated[
        list[str], BeforeValidator(as_list), Expected("a list of gates, such as `- dead_share <= 1%`")
    ] = []
    """Bounds on figures of the report: where one does not hold, the run is whole and `run` ends with exit code 5
    (docs/gates.md)."""
    _read_classifiers: tuple[ReadClassifier, ...] = PrivateAttr(())
    _read_language_models: tuple[ReadLanguageModel, ...] = PrivateAttr(())
    _read_lists: tuple[ListFile, ...] = PrivateAttr(())
    _read_labels: tuple[LabelFile, ...] = PrivateAttr(())
    _taken_tokenizer: TakenTokenizer | None = PrivateAttr(None)
    _taken_indexes: tuple[TakenIndex, ...] = PrivateAttr(())
    _key: bytes | None = PrivateAttr(None)
    _read_evaluations: EvaluationFile | None = PrivateAttr(None)
    _scrub_models: tuple[NamedModel, ...] = PrivateAttr(())

    @field_validator("mix")
    @classmethod
    def _mixture(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            parse_mix(value)
        return value

    @property
    def read_classifiers(self) -> tuple[ReadClassifier, ...]:
        """The classifiers with what their model files say, as `load` has read them."""
        return self._read_classifiers

    @property
    def read_language_models(self) -> tuple[ReadLanguageModel, ...]:
        """The language models as `load` has read them."""
        return self._read_language_models

    @property
    def read_lists(self) -> tuple[ListFile, ...]:
        """The lists as `load` has read them."""
        return self._read_lists

    @property
    def read_labels(self) -> tuple[LabelFile, ...]:
        """The labels as `load` has read them."""
        return self._read_labels

    @property
    def taken_tokenizer(self) -> TakenTokenizer | None:
        """The tokenizer that `tokenizer.from` names, as `load` has read it."""
        return self._taken_tokenizer

    @property
    def key(self) -> bytes | None:
        """The secret that `scrub.key` names, where it has been read (`files.keys`)."""
        return self._key

    def take_key(self, key: bytes) -> None:
        """Take the secret that was read."""
        self._key = key

    @property
    def scrub_models(self) -> tuple[NamedModel, ...]:
        """The models that `scrub.models` names, as `load` has found them."""
        return self._scrub_models

    def take_scrub_models(self, found: tuple[NamedModel, ...]) -> None:
        """Take the models that were found."""
        self._scrub_models = found

    @property
    def read_evaluations(self) -> EvaluationFile | None:
        """The evaluation sets as `load` has read them."""
        return self._read_evaluations

    def take_evaluations(self, found: EvaluationFile | None) -> None:
        """Take the evaluation sets whose files were read."""
        self._read_evaluations = found

    def take_tokenizer(self, taken: TakenTokenizer | None) -> None:
        """Take the tokenizer whose files were read."""
        self._taken_tokenizer = taken

    @property
    def taken_indexes(self) -> tuple[TakenIndex, ...]:
        """The indexes that `deduplicate.against` names, as `load` has read them."""
        return self._taken_indexes

    @property
    def index_keys(self) -> list[list[str]]:
        """What step keys hold of these indexes: names and content, no paths."""
        return [index.key for index in self._taken_indexes]

    def take_indexes(self, taken: tuple[TakenIndex, ...]) -> None:
        """Take the indexes whose manifests were read."""
        self._taken_indexes = taken

    @property
    def kind(self) -> Kind:
        """What a row of the tokens is: the one kind of its sources, beside which texts may stand."""
        return next((source.kind for source in self.sources.values() if source.kind != "text"), "text")

    def file_keys(self) -> list[list[Any]]:
        """What step keys hold of the files that the recipe's models, lists and labels name: their content, no paths."""
        return [
            *(one.key for one in self._read_classifiers),
            *(one.key for one in self._read_language_models),
            *(one.key for one in self._read_lists),
            *(one.key for one in self._read_labels),
        ]

    def declare(
        self,
        classifiers: tuple[ReadClassifier, ...],
        language_models: tuple[ReadLanguageModel, ...],
        lists: tuple[ListFile, ...],
        labels: tuple[LabelFile, ...],
    ) -> None:
        """Take classifiers, language models, lists and labels whose files were read, and declare their signals. Raises
        ValueError for a name that is taken."""
        self._read_classifiers, self._read_language_models = classifiers, language_models
        self._read_lists, self._read_labels = lists, labels
        for origin in (LISTS, LABELS, LANGUAGE_MODELS, CLASSIFIERS):  # what an earlier recipe has declared
            SIGNALS.withdraw(origin)
        declare_language_models(language_models)
        declare_lists(lists)
        declare_labels(labels)
        asked = [entry.pareto for entry in self.decide if entry.pareto is not None]
        declare_classifiers(classifiers, [Draw(one.signal, one.alpha, self.seed) for one in asked])

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """A recipe that arrives in another process brings what its rules and readers are made of."""
        super().__setstate__(state)
        declare_plugins(self.plugins)
        self.declare(self._read_classifiers, self._read_language_models, self._read_lists, self._read_labels)
