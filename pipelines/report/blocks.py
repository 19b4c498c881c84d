"""The sections of a report as data. Every text from a document or a message has been through the scrubber."""

from dataclasses import dataclass

from pipelines.report.figures import Count, Figure, Histogram, LineChart, Named


@dataclass(frozen=True)
class Check:
    """One equation that has to hold for the totals to reconcile."""

    what: str
    left: int
    right: int
    holds: bool


@dataclass(frozen=True)
class Reason:
    """Why documents left at a step. `first`: it was the first rule to fire; `fired`: it fired, alone or with others."""

    name: str
    first: int
    bytes: int
    fired: int
    share: float | None


@dataclass(frozen=True)
class StepFlow:
    """What went into a step and how it came out. Shares are of the records that the run read."""

    name: str
    entered: Count
    kept: Count
    dropped: Count
    dead: Count
    share_kept: float
    share_dropped: float
    share_dead: float
    share_gone_before: float
    reasons: list[Reason]


@dataclass(frozen=True)
class Funnel:
    """The whole way from record to kept document."""

    steps: list[StepFlow]
    checks: list[Check]
    aside: list[Named]
    unjudged: list[Named]
    """By language: documents that no entry of `decide` admits. `otherwise`: what became of them, keep or drop."""
    otherwise: str
    query: str


@dataclass(frozen=True)
class Group:
    """A source, a language or a site: what came in and what is left."""

    name: str
    documents: int
    bytes: int
    kept: int
    kept_bytes: int
    dropped: int
    dead: int
    unjudged: int
    tokens: int | None
    share_kept: float | None
    share_dropped: float | None
    share_dead: float | None


@dataclass(frozen=True)
class Groups:
    """A table of groups, largest first; `others` says how many more there are."""

    rows: list[Group]
    others: int
    query: str


@dataclass(frozen=True)
class RuleRow:
    """How often one rule fired among the documents that its entry judged. `flag`: '', 'never' or 'often'."""

    name: str
    sentence: str
    fired: int
    first: int
    alone: int
    share_fired: float | None
    flag: str


@dataclass(frozen=True)
class Entry:
    """One entry of `decide`: the documents that it judged, its rules and the distributions of their signals."""

    number: int
    admits: str
    presets: list[str]
    judged: int
    dropped: int
    share_dropped: float | None
    rules: list[RuleRow]
    histograms: list[Histogram]
    query: str


@dataclass(frozen=True)
class Why:
    """A rule that fired for a sample, with the number that it judged (None: not a rule about a number)."""

    rule: str
    signal: str | None
    value: float | None
    comparison: str
    threshold: float | None


@dataclass(frozen=True)
class Sample:
    """A dropped document: scrubbed excerpt, scrubbed names, every rule that fired."""

    doc_id: str
    id: str | None
    url: str | None
    source: str
    lang: str | None
    bytes: int
    excerpt: str
    cut: bool
    why: list[Why]
    duplicate_of: str | None


@dataclass(frozen=True)
class SampleGroup:
    """Some of the documents that one rule dropped first."""

    step: str
    reason: str
    sentence: str
    documents: int
    samples: list[Sample]


@dataclass(frozen=True)
class Samples:
    """Dropped documents, by step and by the first rule that fired."""

    groups: list[SampleGroup]
    query: str


@dataclass(frozen=True)
class Member:
    """A document of a duplicate cluster; `similarity` is to the better one that it repeats.

    `fate`: kept, duplicate (dropped for the better one), or ruled (dropped by rules, whatever it repeats).
    """

    doc_id: str
    id: str | None
    url: str | None
    source: str
    fate: str
    similarity: float | None
    duplicate_of: str | None


@dataclass(frozen=True)
class Span:
    """A piece of a text; `differs` when the text beside it does not have it."""

    text: str
    differs: bool


@dataclass(frozen=True)
class Pair:
    """A removed document beside the one that it was removed for."""

    similarity: float
    loser: str
    winner: str
    loser_source: str
    winner_source: str
    lang: str | None
    loser_text: list[Span]
    winner_text: list[Span]


@dataclass(frozen=True)
class Cluster:
    """A duplicate cluster; `others` says how many members are not listed. `pair`: its least similar removal."""

    cluster: str
    size: int
    kept: int
    members: list[Member]
    others: int
    pair: Pair | None


@dataclass(frozen=True)
class Duplicates:
    """Clusters of documents that say the same, those included that rules dropped.

    `repeated` of the documents repeat a better one; `exact` and `near` were dropped for that, `ruled` by rules before.
    """

    clusters: int
    documents: int
    repeated: int
    exact: int
    near: int
    ruled: int
    sizes: list[Named]
    similarities: Histogram | None
    largest: list[Cluster]
    closest: list[Pair]
    query: str
    members_query: str
    closest_query: str


@dataclass(frozen=True)
class EditKind:
    """One kind of recorded edit in the kept documents; `examples` show the place, never the value."""

    kind: str
    spans: int
    documents: int
    bytes: int
    examples: list[str]


@dataclass(frozen=True)
class Edits:
    """Changes of text: personal data that was masked, and lines or spans that rules cut."""

    personal: list[EditKind]
    text: list[EditKind]
    query: str


@dataclass(frozen=True)
class DeadGroup:
    """Records of a file that failed with the same error; `offset` is the first one's place in the file."""

    step: str
    error: str
    source: str
    file: str
    documents: int
    bytes: int
    offset: int


@dataclass(frozen=True)
class DeadLetters:
    """Records that could not be processed; `others` says how many groups are not listed."""

    documents: int
    bytes: int
    groups: list[DeadGroup]
    others: int
    query: str


@dataclass(frozen=True)
class TokenGroup:
    """Tokens of a language or source in the shards of all splits; `held_out` of them are for validation."""

    name: str
    documents: int
    bytes: int
    tokens: int
    held_out: int
    bytes_per_token: float | None


@dataclass(frozen=True)
class Split:
    """A split of the token dataset and its pack plan. Padding is a share of all positions, and counts as no token."""

    name: str
    shards: int
    documents: int
    tokens: int
    rows: int
    padding: float


@dataclass(frozen=True)
class Evaluation:
    """How a tokenizer does on text of a language; the values are in the order of Tokenizer.measures."""

    language: str
    values: list[float]


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer's figures."""

    kind: str
    vocabulary: int
    sha256: str
    special: list[Figure]
    measures: list[str]
    evaluation: list[Evaluation]
    figures: list[Figure]


@dataclass(frozen=True)
class Tokens:
    """The token shards. `tokens` of all splits, `held_out` of them for validation: so do the groups add up."""

    sequence_length: int
    documents: int
    tokens: int
    held_out: int
    splits: list[Split]
    languages: list[TokenGroup]
    sources: list[TokenGroup]
    query: str


@dataclass(frozen=True)
class SourceLoss:
    """How well a trained model knows a source, at its last evaluation."""

    name: str
    loss: float
    bits_per_byte: float | None


@dataclass(frozen=True)
class Training:
    """One training of a model on the shards."""

    name: str
    steps: int
    first_loss: float | None
    last_loss: float | None
    best_bits_per_byte: float | None
    tokens_per_second: float | None
    unigram_entropy: float | None
    skipped: int
    """Steps whose loss or gradient was a spike: the weights stayed as they were."""
    rolled_back: int
    """Times that the training went back to a checkpoint."""
    charts: list[LineChart]
    sources: list[SourceLoss]
    query: str


@dataclass(frozen=True)
class Stage:
    """Time of one stage, summed over its units. Rates: megabytes (10**6) per second of work and of CPU time."""

    name: str
    units: int
    documents: int
    bytes: int
    seconds: float
    cpu_seconds: float | None
    rate: float | None
    cpu_rate: float | None
    share: float | None


@dataclass(frozen=True)
class Timing:
    """Where the time went."""

    stages: list[Stage]
    seconds: float
    facts: list[Figure]
    query: str


@dataclass(frozen=True)
class Dataset:
    """A published dataset. `content`: hash that does not depend on how the input was cut; `files`: over its shards."""

    name: str
    rows: int
    bytes: int
    shards: int
    content: str
    files: str


@dataclass(frozen=True)
class Provenance:
    """What this run stands on: the chain of hashes, and the recipe with all defaults filled in."""

    manifest_sha256: str
    chain: list[Figure]
    datasets: list[Dataset]
    recipe: str
