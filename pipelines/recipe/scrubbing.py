"""What a recipe says of personal data."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gristmill.pipelines.recipe.base import Model, Names, as_list
from gristmill.pipelines.recipe.languages.codes import known_language

if TYPE_CHECKING:
    from gristmill.filters.pii.engine import Scrubber
    from gristmill.filters.pii.models.named import NamedModel

OperatorName = Literal["tag", "mask", "hash", "surrogate", "drop_line"]
Findings = Annotated[int, Field(ge=0, strict=True)]


def known_languages(labels: list[str]) -> list[str]:
    """The codes of languages as a recipe may write them."""
    return list(dict.fromkeys(map(known_language, labels)))


class ScrubModel(Model):
    """A model of your own that finds names, run by one of presidio's engines on texts in its languages."""

    engine: Literal["spacy", "stanza", "transformers", "gliner"]
    """What runs it; it has to be installed."""
    model: str
    """Its folder, or the name of an installed spaCy package; nothing is downloaded. It stays where it is, and workers
    read it there. Its content is part of the step key."""
    lang: Annotated[Names, AfterValidator(known_languages)]
    """Languages of the texts that it reads (ISO 639-1), as they were identified."""
    entities: Annotated[dict[str, str], Field(min_length=1)]
    """What its labels are called here: {PER: PERSON, GPE: LOCATION}. These types are looked for, no other labels."""


class ScrubSource(Model):
    """What is different about one source. A key that is absent: as for the others."""

    entities: Names | None = None
    """Types and sets to look for."""
    without: Names | None = None
    """Types and sets that are left out: `secrets`, for code."""
    operator: OperatorName | None = None
    """What is done with a finding."""
    operators: dict[str, OperatorName] | None = None
    """The same by type or set."""
    drop_above: dict[str, Findings] | None = None
    """Documents with more findings than this go, by type or set."""
    allow: Names | None = None
    """Values that stay."""


class Scrub(Model):
    """Personal data, found by presidio-analyzer recognizers and ours."""

    entities: Names | None = None
    """Types to look for, and sets of them: `patterns`, `web` (with names and addresses of private persons), `strict`,
    `all`; absent: `patterns` (docs/personal-data.md)."""
    without: Annotated[list[str], BeforeValidator(as_list)] = []
    """Types and sets that are left out of them: `secrets`."""
    models: list[ScrubModel] = []
    """Models of your own that find names, places, organisations, beside our recognizers (docs/personal-data.md)."""
    operator: OperatorName = "tag"
    """`tag`: <EMAIL_ADDRESS>; `mask`: asterisks; `hash`: <EMAIL_ADDRESS:5f0c...>, keyed; `surrogate`: a made-up value,
    the same for the same value and key; `drop_line`: the whole line goes. `hash` and `surrogate` need `key`."""
    operators: dict[str, OperatorName] = {}
    """The same by type or set: {PERSON: surrogate, secrets: drop_line}."""
    drop_above: dict[str, Findings] = {}
    """Documents with more findings in their text than this go, by type or set; `all`: any. {all: 50, US_SSN: 0}.
    In the ledger the rule is `personal_data/US_SSN`. Duplicates that such a document won over stay out, too."""
    allow: Annotated[list[str], BeforeValidator(as_list)] = []
    """Values that stay: `examples` (example.com, RFC 5737, test cards), `roles` (info@), `organisations` (1-800),
    `@host`, and values as they are (docs/personal-data.md)."""
    sources: dict[str, ScrubSource] = {}
    """By source: what is different there, `{code: {without: [secrets]}}`."""
    fields: Annotated[list[str], BeforeValidator(as_list)] | None = None
    """What is scrubbed beside the text: `id`, `url`, `meta`, typed columns of strings, in `dead/` `file` and `error`;
    absent: all of them. `doc_id` stays, and is the key for joins: two ids may read alike when scrubbed."""
    key: str | None = None
    """A file with a secret of 16 bytes or more, such as `openssl rand -hex 32` prints: the ledger then has a hash of
    every value that was found, keyed by it (docs/personal-data.md). It is read when a run begins, and never copied."""

    def of_source(self, source: str | None) -> dict[str, Any]:
        """The options of a Scrubber for a source, None: for those without a policy."""
        names = ("entities", "without", "operator", "operators", "allow")
        common = {name: getattr(self, name) for name in names}
        own = self.sources.get(source or "")
        return common | {name: getattr(own, name) for name in names if own and getattr(own, name) is not None}

    @property
    def drops(self) -> bool:
        """Whether documents go for personal data, of any source."""
        return bool(self.drop_above or any(source.drop_above for source in self.sources.values()))

    def bounds(self, source: str | None) -> dict[str, int]:
        """`drop_above` of a source."""
        own = self.sources.get(source or "")
        return self.drop_above if own is None or own.drop_above is None else own.drop_above

    @property
    def found_by_models(self) -> list[str]:
        """Types that models of the recipe find."""
        return [name for model in self.models for name in model.entities.values()]

    def scrubber(self, source: str | None, key: bytes | None, models: tuple["NamedModel", ...] = ()) -> "Scrubber":
        """The scrubber of a source, None: of those without a policy. Raises ValueError for what `check` refuses."""
        from gristmill.filters.pii.engine import Scrubber  # kernels: only where something is scrubbed

        return Scrubber(**self.of_source(source), key=key, models=models)
