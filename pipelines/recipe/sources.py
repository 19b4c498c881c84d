"""The part of a recipe that says what is read and how: sources, records, pages, languages."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from gristmill.filters.names import nearest
from gristmill.filters.registry import Registry
from gristmill.pipelines.recipe.base import Bytes, Expected, Model, Paths, Share
from gristmill.pipelines.recipe.languages.codes import known_language

ColumnType = Literal["string", "int64", "float64", "bool"]
PARTITION_DOCUMENTS = 16_384
"""Band records of so many are 8 MB, at 16 bands; grouping and sorting them takes some times that."""
OUR_FORMATS = (
    "jsonl",
    "json",
    "csv",
    "parquet",
    "arrow",
    "text",
    "html",
    "warc",
    "wet",
    "wikipedia",
    "code",
    "epub",
    "pdf",
    "machine",
    "bundled",
)
FORMATS: Registry[str] = Registry("format")
"""Names that `format` can take; plugins add theirs."""
for _name in OUR_FORMATS:
    FORMATS.declare(_name, _name)
FORMATS.complete()


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise ValueError(f"unknown format '{name}'; {nearest(name, FORMATS)}")
    return name


Format = Annotated[
    str,
    AfterValidator(_known_format),
    WithJsonSchema({"type": "string", "enum": list(OUR_FORMATS)}),
    Expected("the name of a format, such as jsonl"),
]


class LanguageColumn(Model):
    """The language of a document stands in a field of its record."""

    column: str
    """Name of the field: ISO 639-1, -2 or -3 codes, BCP 47 tags (`zh-Hant`, `arb_Arab`) or English names."""


class Csv(Model):
    """How rows of CSV are told apart. What is quoted may hold delimiters, line ends, and quotation marks twice."""

    delimiter: Annotated[str | None, Expected("a single character, such as ',' or \"\\t\"")] = Field(
        None, min_length=1, max_length=1
    )
    """Between fields; absent: of comma, tab, semicolon and bar the one that the first line has most of."""
    quotes: bool = True
    """Whether quotation marks (") have a meaning. Without, every line is a row."""
    header: Annotated[list[str] | None, Expected("a list of names")] = Field(None, min_length=1)
    """Names of the columns of files that have no row of names; absent: the first row names them."""

    @field_validator("delimiter")
    @classmethod
    def _no_quote_or_line_end(cls, value: str | None) -> str | None:
        if value is not None and value in '"\r\n':
            raise ValueError("a quotation mark or a line end is no delimiter")
        return value

    @field_validator("header")
    @classmethod
    def _each_name_once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) < len(value):
            raise ValueError("a name stands twice")
        return value


Judge = Literal["all", "assistant"]


class Chat(Model):
    """Records are conversations: OpenAI's messages, ShareGPT's conversations, Alpaca's instruction and output."""

    field: str | None = None
    """Field that holds the turns; absent: `messages`, `conversations` ..., else Alpaca's `instruction`, `output`."""
    judge: Judge = "all"
    """What rules judge: the whole conversation, or only what the assistant says."""


class Pairs(Model):
    """Records are pairs of answers, the better one chosen: of one prompt, or whole conversations that begin alike."""

    prompt: str | None = None
    """Field of the prompt, a text or turns; absent: `prompt`, `question`, `instruction`, `messages`; not needed where
    the answers are conversations that begin with it."""
    chosen: str = "chosen"
    """Field of the better answer: a text, turns, or the whole conversation."""
    rejected: str = "rejected"
    """Field of the worse answer."""
    margin: str | None = None
    """Field that says by how much the chosen one is better; absent: `margin`, else `score_chosen` less
    `score_rejected`, where there are such."""
    judge: Judge = "all"
    """What rules judge: prompt and answers, or only what the assistant says in the answers."""


class Prompts(Model):
    """Records are prompts with an answer that can be checked."""

    prompt: str | None = None
    """Field of the prompt, a text or turns; absent: `messages` ..., else `prompt`, `question`, `problem`,
    `instruction`."""
    answer: str = "answer"
    """Field of what an answer is compared with: a text, a number, or any JSON value."""
    task: str | None = None
    """Name of what checks the answers of this source; absent: each record's field `task`."""


Kind = Literal["text", "chat", "pairs", "prompts"]
CONVERSATIONS: dict[Kind, dict[str, ColumnType]] = {
    "chat": {"messages": "string"},
    "pairs": {"messages": "string", "chosen": "string", "rejected": "string", "margin": "float64"},
    "prompts": {"messages": "string", "answer": "string", "task": "string"},
}
"""Kind of a source -> the columns that its records have in `text/` beside the text. `messages`, `chosen` and `rejected`
are turns as JSON: the conversation, or the prompt, and the answers to it."""


class Source(Model):
    """A named input. The name stays attached to a document down to the training batch."""

    format: Format
    """How files are read. `machine`: the documentation of every Python machine; `bundled`: the shipped example set."""
    paths: Paths = []
    """Files, folders or glob patterns, relative to the recipe; any fsspec URL. Not used by `machine` and `bundled`."""
    text: str = "text"
    """Field that holds the text (jsonl, json, csv, parquet, arrow). `data.body` is within another, `parts.0` an item of
    a list, `parts.*.text` the texts of all items as paragraphs."""
    chat: Chat | None = None
    """The text is a conversation, `role: content` turn by turn; the turns become the column `messages` (JSON)."""
    pairs: Pairs | None = None
    """The text is a prompt with two answers: preferences to learn from (docs/conversations.md)."""
    prompts: Prompts | None = None
    """The text is a prompt whose answer can be checked: for reinforcement learning (docs/conversations.md)."""
    csv: Csv = Csv()
    """`csv` only: delimiter, quotation marks, names."""
    id: str | None = None
    """Field that holds the record's own id: the column `id`, and together with the record's bytes its doc_id."""
    url: str | None = "url"
    """Field that holds the page's address, where there is one."""
    language: str | LanguageColumn | None = None
    """`en`: declared for every document; `{column: lang}`: read from the record; absent: identified."""
    columns: Annotated[dict[str, ColumnType], Expected("a mapping from fields to string, int64, float64 or bool")] = {}
    """Fields that become typed columns of `text/`; all others travel in `meta` as JSON."""
    priority: int = Field(0, ge=0, le=31)
    """In a duplicate cluster the higher priority wins, after "kept by the rules"."""
    derived: bool | Literal["translated", "synthetic"] = False
    """Its texts were made from others, by translation, by a model, or otherwise (`true`): among duplicates an original
    stays, then what is `true`, translated, synthetic, whatever the priorities."""
    derived_from: str | None = None
    """A column of this source (`columns`): a document that has a value there was made from the one that it names. White
    space is no value, and of a `bool` column false is none."""
    max_bytes: Bytes | None = None
    """`machine` only: stop after this much text."""

    @model_validator(mode="before")
    @classmethod
    def _columns_of_turns(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(values.get("columns", {}), dict):
            mine = [columns for kind, columns in CONVERSATIONS.items() if values.get(kind) is not None]
            if len(mine) == 1:
                return {**values, "columns": {**values.get("columns", {}), **mine[0]}}
        return values

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(given := [kind for kind in CONVERSATIONS if getattr(self, kind) is not None]) > 1:
            raise ValueError(f"a source is either of {' or '.join(given)}; keep one of these keys")
        return self

    @property
    def kind(self) -> Kind:
        """What a record is."""
        return next((kind for kind in CONVERSATIONS if getattr(self, kind) is not None), "text")

    @property
    def derivation(self) -> int:
        """How texts of this source were made, as `filters.dedup.fingerprints.rank` numbers it."""
        return {False: 0, True: 1, "translated": 2, "synthetic": 3}[self.derived]

    @property
    def judges_assistant(self) -> bool:
        """Whether rules judge only what the assistant says."""
        asked = self.chat or self.pairs
        return asked is not None and asked.judge == "assistant"

    @field_validator("language")
    @classmethod
    def _language_code(cls, value: Any) -> Any:
        return known_language(value) if isinstance(value, str) else value


class Plan(Model):
    """How inputs are cut into units: from the input and the recipe only, never from the number of workers."""

    unit_bytes: Bytes = 16_000_000
    """Input bytes per unit; 128-256 MB on a cluster."""
    partition_documents: Annotated[int, Field(ge=1)] = PARTITION_DOCUMENTS
    """Documents to a partition of deduplication's shuffles, of which there are 4 to 4,096; fewer take less memory in a
    worker (docs/scale.md)."""


class Read(Model):
    """Bounds on single records: properties of the record, never of time."""

    max_record_bytes: Bytes = 16 * 2**20
    """A longer record becomes a dead letter, read in bounded memory."""


class Extract(Model):
    """HTML to text."""

    engine: Literal["gristmill", "resiliparse", "trafilatura"] = "gristmill"
    """`gristmill`: a model fitted on labelled pages in English, Chinese and others; `resiliparse`: rules;
    `trafilatura`: rules, slow, in the extra `gristmill[trafilatura]`."""
    main_content: bool = True
    """Leave out navigation, cookie banners, related links, share bars, counters, footers; false: all the text."""
    output: Literal["text", "markdown"] = "text"
    """`text`: lines, with bullets, numbers and cells between tabs; `markdown`: headings, quotations, tables and code
    are marked, too (not by resiliparse)."""
    comments: bool = False
    """Keep what readers wrote below an article; the posts of a forum are its main content, and always kept."""
    max_depth: int = Field(512, ge=8, le=2**20)
    """Deeper nesting becomes a dead letter: extraction is quadratic in nested elements."""


class Language(Model):
    """Language identification with fastText's lid.176.ftz, and by the script where that decides, of documents whose
    source declares none. Beside languages it gives `und` (no letter), `noise` (hardly words) and `mixed`."""

    characters: Annotated[int, Field(ge=1, le=2**40)] | Literal["whole"] = 1000
    """How much of a document is looked at."""
    threshold: Share | None = None
    """Documents whose language is less sure than this are dropped by the rule `language/threshold` (FineWeb: 0.65); an
    entry of `decide` may `change` it for its languages. Declared languages are sure."""


class Documents(Model):
    """Documents to learn from: files, or those of a run."""

    files: Source | None = None
    """As a source of the recipe: format, paths, fields."""
    run: str | None = None
    """A run directory; its `text/`, or with `where` also what it dropped."""
    where: str | None = None
    """A condition on the run's ledger, in DuckDB's SQL: `lang = 'en' AND verdict = 'kept'`."""
