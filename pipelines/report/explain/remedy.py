"""The smallest change of the recipe that would have kept a record."""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import yaml

from gristmill.filters.judge import UNJUDGED
from gristmill.pipelines.records.accounts import CONTAMINATED, EMPTIED, PERSONAL, SAME_URL

DIGITS = 4
"""Significant digits of a threshold: rounded to the side on which the document is kept."""

MOST_PRIORITY = 31
_FIXES = {
    "http_status": "nothing in the recipe: the server sent no page; fetch the address again",
    "content_type": "nothing in the recipe: the record holds neither HTML nor plain text",
    "repeated_record": "nothing: the same record was read more than once, and it stays once",
    "MissingField": "name the field that holds the text with `text:` in this source, or mend the record",
    "MissingColumn": "name the column that holds the text with `text:` in this source, or leave the file out",
    "TooDeep": "raise `extract.max_depth`; extraction takes the longer the deeper a page nests",
    "WrongType": "mend the record, or name another field in this source",
    "UnicodeDecodeError": "write the file as UTF-8",
}


@dataclass(frozen=True)
class Remedy:
    """`change`: lines of a recipe, "" where none would keep the record; `note`: where they belong, what they cost."""

    change: str
    note: str


def keeping_bound(value: float, comparison: str) -> float:
    """The threshold nearest to the old one that keeps a value, in few digits."""
    if float(value).is_integer():
        return int(value)
    rounding = ROUND_FLOOR if comparison == ">=" else ROUND_CEILING
    return float(Context(DIGITS, rounding).create_decimal(Decimal(value)))


def for_rules(fired: dict[str, tuple[float, str]], decision: dict[str, Any], number: int) -> Remedy:
    """Other thresholds for all rules that fired: name -> (value, comparison); `decision` is the entry they stand in."""
    own = {name: keeping_bound(value, comparison) for name, (value, comparison) in fired.items()}
    when = {key: values for key, values in (decision.get("when") or {}).items() if values}
    admits = ", ".join(f"{key} {', '.join(values)}" for key, values in when.items()) or ""
    admits = admits or ("every other document" if number else "every document")
    note = f"in decide[{number}], the entry for {admits}"
    if len(own) > 1:
        every = "both" if len(own) == 2 else f"all {len(own)}"
        note += f"; {every} are needed: each of these rules drops the document by itself"
    return Remedy(_yaml({"change": own}), note)


def for_unjudged() -> Remedy:
    """Of a document that no entry admits."""
    return Remedy(_yaml({"otherwise": "keep"}), "or an entry of `decide` that admits its language, script and source")


def for_near(similarity: float, recipe: dict[str, Any]) -> Remedy:
    """Of a near-duplicate: a threshold above its similarity."""
    threshold = (int(similarity * 10_000) + 1) / 10_000
    if threshold > 1:
        return Remedy(_yaml({"deduplicate": {"minhash": None}}), "their shingles are equal, so no threshold is enough")
    minhash = (recipe.get("deduplicate") or {}).get("minhash") or {}
    note = (
        f"the threshold is {minhash.get('threshold', 0.7):g} now; all pairs below the new one stay then, not only this"
    )
    return Remedy(_yaml({"deduplicate": {"minhash": {"threshold": threshold}}}), note)


def for_exact(source: str, winner: str | None, recipe: dict[str, Any]) -> Remedy:
    """Of an exact duplicate: another winner, where they come from different sources, else no deduplication."""
    priorities = {name: one.get("priority") or 0 for name, one in (recipe.get("sources") or {}).items()}
    over = priorities.get(winner or "", MOST_PRIORITY) + 1
    if winner not in (None, source) and over <= MOST_PRIORITY:
        note = f"then this document stays, and the one from {winner} goes"
        return Remedy(_yaml({"sources": {source: {"priority": over}}}), note)
    return Remedy(_yaml({"deduplicate": None}), "their normalised texts are equal; nothing less keeps both")


def for_url(recipe: dict[str, Any]) -> Remedy:
    """Of a document whose address another one has."""
    keep = ((recipe.get("deduplicate") or {}).get("urls") or {}).get("keep", "newest")
    return Remedy(_yaml({"deduplicate": {"urls": None}}), f"`keep: {keep}` chose another document of its address")


def for_emptied() -> Remedy:
    """Of a document of which too much stands in others, too."""
    whole: dict[str, Any] = {"passages": [], "substrings": None, "max_cut": 1.0}
    return Remedy(_yaml({"deduplicate": whole}), "without `passages` and `substrings` its text stays whole")


def for_extraction(rule: str, recipe: dict[str, Any], source: str) -> Remedy:
    """Of a record that reading or extraction dropped."""
    of_pages = recipe.get("sources", {}).get(source, {}).get("format") in ("html", "warc")
    if rule == "empty_text" and of_pages and (recipe.get("extract") or {}).get("main_content", True):
        return Remedy(_yaml({"extract": {"main_content": False}}), "if the page has a text at all")
    return Remedy("", _FIXES.get(rule, "nothing in the recipe: the record holds no text"))


def for_dead(error: str, length: int | None) -> Remedy:
    """Of a record that could not be processed."""
    kind = re.split(r"[:\s]", error, maxsplit=1)[0]
    if kind == "RecordTooLong" and length:
        return Remedy(_yaml({"read": {"max_record_bytes": length}}), "or cut the record into smaller ones")
    return Remedy("", _FIXES.get(kind, "mend the record in its file; nothing in the recipe reads it"))


def for_indexed(index: str) -> Remedy:
    """Of a document that repeats one of an earlier run."""
    note = f"without the index '{index}'; all that repeats it stays then"
    return Remedy(_yaml({"deduplicate": {"against": []}}), note)


def for_personal(counts: dict[str, int]) -> Remedy:
    """Of a document with too much personal data: rule -> findings."""
    most = {rule.removeprefix(PERSONAL): count for rule, count in counts.items()}
    note = "it stays then, with all of this replaced; under `scrub.sources` where its source has bounds of its own"
    return Remedy(_yaml({"scrub": {"drop_above": most}}), note)


def for_rule_without_number(rule: str, recipe: dict[str, Any], row: dict[str, Any], winner: str | None) -> Remedy:
    """Of a document that something else than a bound dropped."""
    if rule == UNJUDGED:
        return for_unjudged()
    if index := row.get("duplicate_in"):
        return for_indexed(index)
    if rule == "near_duplicate":
        return for_near(row["similarity"] or 0.0, recipe)
    if rule == "exact_duplicate":
        return for_exact(row["source"], winner, recipe)
    if rule == SAME_URL:
        return for_url(recipe)
    if rule == EMPTIED:
        return for_emptied()
    if rule == CONTAMINATED:
        note = "it stays then, and so does the evaluation item in it; `cut` takes out only the span"
        return Remedy(_yaml({"decontaminate": {"action": "report"}}), note)
    return for_extraction(rule, recipe, row["source"])


def _yaml(values: dict[str, Any]) -> str:
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False).rstrip("\n")
