"""A record of a run, explained: what was decided and by which numbers, its text, its origin, its better twin."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import yaml

from gristmill.pipelines.records.accounts import DEAD, KEPT, is_later
from gristmill.pipelines.records.columns import VERDICTS
from gristmill.pipelines.report.alignment import COMPARED, Span, passages
from gristmill.pipelines.report.contamination.evidence import Evidence, EvidenceReader
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.explain import remedy
from gristmill.pipelines.report.explain.matching import Matches, find, nearest
from gristmill.pipelines.report.explain.origin import Origin, Origins
from gristmill.pipelines.report.explain.remedy import Remedy
from gristmill.pipelines.report.explain.shards import AsTokens, as_tokens
from gristmill.pipelines.report.personal import counted_by
from gristmill.pipelines.report.personal import sentence as personal_sentence
from gristmill.pipelines.report.sections.decisions import entry_of
from gristmill.pipelines.report.sections.samples import SENTENCES
from gristmill.pipelines.report.texts import clean_texts, compared_texts, dropped_texts
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE, STATE
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store

_ROW = "SELECT * FROM 'ledger/*.parquet' WHERE unit = ? AND row = ?"
_WINNER = """
SELECT doc_id, id, url, source, unit, row, verdict FROM 'ledger/*.parquet' WHERE doc_id = ?
ORDER BY verdict = 'dropped', unit, row LIMIT 1"""


@dataclass(frozen=True)
class Check:
    """A rule and the number that it judged: the document is kept while `value comparison threshold` holds.

    A rule that is not about a number has `signal` None.
    """

    rule: str
    fired: bool
    signal: str | None
    value: float | None
    comparison: str
    threshold: float | None
    unit: str
    sentence: str


@dataclass(frozen=True)
class Edits:
    """Changes of one kind that were made in the text: lines that an editing preset removed, personal data masked."""

    kind: str
    count: int
    bytes: int


@dataclass(frozen=True)
class Twin:
    """The document that a duplicate was compared with: which one it is, and the passages in which the two differ.

    `index`: the index of an earlier run that holds it; then nothing more is known of it. `lost`: the share of the
    duplicate's shingles that it lacks.
    """

    index: str | None
    doc_id: str
    id: str | None
    url: str | None
    source: str
    verdict: str
    similarity: float | None
    lost: float | None
    text_here: list[Span]
    text_there: list[Span]


@dataclass(frozen=True)
class Explanation:
    """One row of the ledger with all that the run knows of it. Texts and names are scrubbed.

    `checks`: rules that fired, then the others of the entry that judged it. `text`: of a kept document as delivered, of
    a dropped one as extracted, at most as much as was asked for (`cut`: it goes on); "" where `text_absent` says why.
    `shards`: of conversations, pairs and prompts that were kept.
    """

    doc_id: str | None
    id: str | None
    url: str | None
    source: str
    lang: str | None
    lang_score: float | None
    script: str | None
    bytes: int
    verdict: str
    judged: bool | None
    step: str | None
    entry: int | None
    checks: list[Check]
    signals: dict[str, float]
    error: str | None
    remedy: Remedy | None
    origin: Origin
    edits: list[Edits]
    twin: Twin | None
    text: str
    cut: bool
    text_absent: str
    shards: AsTokens | None
    contamination: list[Evidence]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class Explainer:
    """A run that is asked about single records. Use as a context manager."""

    def __init__(self, store: Store, excerpts: Excerpts):
        self._store, self._excerpts = store, excerpts
        self._manifest = store.read_json(MANIFEST) or {}
        self._recipe = yaml.safe_load(store.read_bytes(RECIPE)) if store.exists(RECIPE) else {}
        self._origins = Origins(store, excerpts)
        self.ledger = Ledger(store)
        self._evidence = EvidenceReader(self.ledger, excerpts)

    def __enter__(self) -> "Explainer":
        return self

    def __exit__(self, *error: object) -> None:
        self.ledger.__exit__()

    @property
    def sampled(self) -> bool:
        """Whether the run took a sample of its records only."""
        return self._manifest.get("sample", 1) < 1

    def find(self, asked: str) -> Matches | None:
        """The records that a person means; None where there is none."""
        return find(self.ledger, asked, self._as_published(asked), self._origins.units, self._origins.rows_of)

    def nearest(self, asked: str) -> str | None:
        """A name that was perhaps meant, scrubbed; None where none is near."""
        return self._excerpts.optional(nearest(self.ledger, asked))

    def listed(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row that matches, as it may be shown."""
        return {name: value if name == "rules" else _shown(self._excerpts, value) for name, value in row.items()}

    def explain(self, found: dict[str, Any], characters: int) -> Explanation:
        """Everything about a row that `find` gave; of its text so many characters."""
        row = self.ledger.row(_ROW, [found["unit"], found["row"]])
        dead = self._dead_letter(row) if row["verdict"] == DEAD else None
        entry = entry_of(row, self._recipe.get("decide") or []) if row["judged"] else None
        winner = self._winner(row)
        checks = self._checks(row, entry, dead)
        text, absent = self._text(row, dead)
        shown, cut = self._excerpts.excerpt(text, characters)
        error = None if dead is None else self._excerpts.name(dead["error"] or "")
        return Explanation(
            doc_id=row["doc_id"],
            id=self._excerpts.optional(row["id"]),
            url=self._excerpts.optional(row["url"]),
            source=row["source"],
            lang=row["lang"],
            lang_score=row["lang_score"],
            script=row["script"],
            bytes=row["bytes"],
            verdict=row["verdict"],
            judged=row["judged"],
            step=row["step"],
            entry=entry,
            checks=checks,
            signals=self._signals(row),
            error=error,
            remedy=self._remedy(row, entry, checks, dead, winner),
            origin=self._origins.of(row, dead),
            edits=_edits(row["edits"] or ()),
            twin=self._twin(row, winner),
            text=shown,
            cut=cut,
            text_absent=absent,
            shards=as_tokens(self.ledger, row["doc_id"], row["unit"]) if row["verdict"] == KEPT else None,
            contamination=self._evidence.of_document(row["doc_id"], row["unit"], row["row"]),
        )

    def _as_published(self, asked: str) -> str:
        """What scrubbing made of an id or address."""
        options = self._recipe.get("scrub")
        if options is None:
            return asked
        from gristmill.filters.pii.engine import Scrubber
        from gristmill.filters.pii.entities import without_models
        from gristmill.filters.pii.operators.policies import KEYED
        from gristmill.filters.pii.values import Values

        # No run directory holds the key: of what is keyed only its place is known.
        given = {"": options.get("operator") or "tag", **(options.get("operators") or {})}
        plain: dict[str, Any] = {name: "tag" if operator in KEYED else operator for name, operator in given.items()}
        operator = plain.pop("")
        rest: dict[str, Any] = {name: options.get(name) or () for name in ("without", "allow")}
        scrubber = Scrubber(without_models(options.get("entities")), operator, operators=plain, **rest)
        return Values(scrubber).column(pa.array([asked]), "id")[0].as_py()

    def _dead_letter(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """None where `gristmill clean` has removed it."""
        files = self.ledger.store.parts("dead", row["unit"])
        rows = self.ledger.rows(f"FROM {self.ledger.parquet(files)} WHERE row = ?", [row["row"]]) if files else []
        return rows[0] if rows else None

    def _winner(self, row: dict[str, Any]) -> dict[str, Any] | None:
        here = row["duplicate_of"] and not row.get("duplicate_in")
        rows = self.ledger.rows(_WINNER, [row["duplicate_of"]]) if here else []
        return rows[0] if rows else None

    def _checks(self, row: dict[str, Any], entry: int | None, dead: dict[str, Any] | None) -> list[Check]:
        fired = list(row["rules"] or ())
        rules = {rule["name"]: rule for rule in self._manifest.get("rules", ()) if rule["entry"] == entry}
        sentences = SENTENCES | {rule["name"]: rule["sentence"] for rule in self._manifest.get("rules", ())}
        names = [*fired, *(name for name in rules if name not in fired)]
        said = {name: sentences.get(name) or personal_sentence(name) for name in names}
        return [self._check(name, name in fired, rules.get(name), said[name], row) for name in names]

    def _check(self, name: str, fired: bool, rule: dict[str, Any] | None, sentence: str, row: dict[str, Any]) -> Check:
        if name == "near_duplicate":
            minhash = (self._recipe.get("deduplicate") or {}).get("minhash") or {}
            bound = minhash.get("threshold")
            return Check(name, fired, "similarity", row["similarity"], "<", bound, "Jaccard similarity", sentence)
        if found := counted_by(name, row, self._recipe):
            return Check(name, fired, "findings", found.findings, "<=", found.most, "findings", sentence)
        if rule is None:
            return Check(name, fired, None, None, "", None, "", sentence)
        value = row.get(rule["column"])
        return Check(
            name, fired, rule["column"], value, rule["comparison"], rule["threshold"], rule.get("unit", ""), sentence
        )

    def _signals(self, row: dict[str, Any]) -> dict[str, float]:
        """Every number that was measured on the document."""
        columns = dict.fromkeys(rule["column"] for rule in self._manifest.get("rules", ()))
        values = {name: row.get(name) for name in columns if name not in VERDICTS.names}
        return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}

    def _remedy(
        self,
        row: dict[str, Any],
        entry: int | None,
        checks: list[Check],
        dead: dict[str, Any] | None,
        winner: dict[str, Any] | None,
    ) -> Remedy | None:
        if row["verdict"] == DEAD:
            return None if dead is None else remedy.for_dead(dead["error"] or "", dead["length"])
        fired = [check for check in checks if check.fired]
        if not fired or row["verdict"] == "kept":
            return None
        bounds = {check.rule: (check.value, check.comparison) for check in fired if not is_later(check.rule)}
        if row["step"] == "decide" and entry is not None:
            numbers = {name: (value, comparison) for name, (value, comparison) in bounds.items() if value is not None}
            return remedy.for_rules(numbers, self._recipe["decide"][entry], entry)
        personal = {check.rule: int(check.value or 0) for check in fired if check.signal == "findings"}
        if personal:
            return remedy.for_personal(personal)
        source = winner["source"] if winner else None
        return remedy.for_rule_without_number(fired[-1].rule, self._recipe, row, source)

    def _text(self, row: dict[str, Any], dead: dict[str, Any] | None) -> tuple[str, str]:
        """(its text, why there is none)."""
        doc_id, unit, verdict = row["doc_id"], row["unit"], row["verdict"]
        cleaned = self._store.read_json(STATE) if self._store.exists(STATE) else {}
        gone = (cleaned or {}).get("cleaned") or ()
        if verdict == DEAD:
            what = "its error and its first bytes were removed by `gristmill clean`"
            return (
                "",
                what if "dead" in gone and dead is None else "it could not be processed; dead/ has its first bytes",
            )
        texts = clean_texts if verdict == "kept" else dropped_texts
        text = texts(self.ledger.store, [doc_id], unit).get(doc_id, "")
        if text:
            return text, ""
        if verdict == "dropped" and "dropped" in gone:
            return "", "it was removed by `gristmill clean`"
        return "", "no text was found in the record" if verdict == "dropped" else "text/ does not hold it"

    def _twin(self, row: dict[str, Any], winner: dict[str, Any] | None) -> Twin | None:
        if index := row.get("duplicate_in"):
            told = {"similarity": row["similarity"], "lost": row["lost"], "text_here": [], "text_there": []}
            return Twin(index, row["duplicate_of"], id=None, url=None, source="", verdict="kept", **told)
        if winner is None:
            return None
        names = {key: self._excerpts.optional(winner[key]) for key in ("id", "url")}
        texts = compared_texts(self.ledger.store, [row["doc_id"], winner["doc_id"]], {row["unit"], winner["unit"]})
        text, theirs = (texts.get(one["doc_id"], "") for one in (row, winner))
        here, there = passages(self._excerpts.excerpt(text, COMPARED)[0], self._excerpts.excerpt(theirs, COMPARED)[0])
        known = bool(text and theirs)
        return Twin(
            index=None,
            doc_id=winner["doc_id"],
            **names,
            source=winner["source"],
            verdict=winner["verdict"],
            similarity=row["similarity"],
            lost=row.get("lost"),
            text_here=here if known else [],
            text_there=there if known else [],
        )


def _shown(excerpts: Excerpts, value: Any) -> Any:
    return excerpts.name(value) if isinstance(value, str) else value


def _edits(spans: Iterable[dict[str, Any]]) -> list[Edits]:
    """Edits by kind, most bytes first."""
    counts, sizes = Counter[str](), Counter[str]()
    for span in spans:
        counts[span["kind"]] += 1
        sizes[span["kind"]] += span["end"] - span["start"]
    return [Edits(kind, counts[kind], size) for kind, size in sorted(sizes.items(), key=lambda one: (-one[1], one[0]))]
