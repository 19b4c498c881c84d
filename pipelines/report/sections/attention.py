"""What a reader should look at before believing the figures: each line says what and leads to the section."""

from collections.abc import Collection
from dataclasses import dataclass

from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.dead import DeadLetters
from gristmill.pipelines.report.sections.decisions import Entry
from gristmill.pipelines.report.sections.funnel import Funnel
from gristmill.pipelines.report.sections.samples import Samples
from gristmill.pipelines.report.theme import count, share, size

_NAMED = 4
"""Rules or languages named in one line; the rest is counted."""
_FEW = 100
"""Of an entry that judged fewer documents it says nothing that a rule never fired: one of a hundred may drop none."""
_NOTES = 8
"""Notes of the run that are shown."""

NOTICEABLE = 0.01
"""A smaller share of documents that no entry admits stands in the funnel only."""


@dataclass(frozen=True)
class Attention:
    """Something to look at before the figures are believed. `section` is the anchor that explains it."""

    text: str
    section: str


def build_attention(
    material: Material, funnel: Funnel, entries: list[Entry], dead: DeadLetters | None, samples: Samples | None,
    alarmed: Collection[str] = (),
) -> list[Attention]:  # fmt: skip
    """The warnings of a run, gravest first. `alarmed`: rules of which an alarm says already that they fire always."""
    found = [*_failure(material)]
    found += [
        Attention(f"Totals do not reconcile: {check.what}, but {count(check.left)} ≠ {count(check.right)}.", "funnel")
        for check in funnel.checks
        if not check.holds
    ]
    found += _unjudged(funnel)
    found += _vocabulary(material)
    found += _often(entries, alarmed)
    if dead is not None and dead.documents:
        found.append(Attention(f"{count(dead.documents)} records could not be processed.", "dead"))
    told = [entry for entry in entries if entry.judged >= _FEW]
    if never := sorted({rule.name for entry in told for rule in entry.rules if rule.flag == "never"}):
        more = f" and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
        verb = "rule never fired" if len(never) == 1 else "rules never fired"
        found.append(Attention(f"{len(never)} {verb}: {', '.join(never[:_NAMED])}{more}. Are you sure?", "rules"))
    if samples is None and any(step.dropped.documents for step in funnel.steps):
        text = "Texts of dropped documents were removed by `gristmill clean`: samples cannot be shown."
        found.append(Attention(text, "samples"))
    return [*found, *_notes(material)]


def _often(entries: list[Entry], alarmed: Collection[str]) -> list[Attention]:
    """Rules that fire for most of what they judge, most first."""
    often = [
        (rule, entry) for entry in entries for rule in entry.rules if rule.flag == "often" and rule.name not in alarmed
    ]
    often.sort(key=lambda pair: -(pair[0].share_fired or 0))
    found = [
        Attention(
            f"{rule.name} fired for {share(rule.share_fired)} of the documents that it judged. Are you sure?",
            f"entry-{entry.number}",
        )
        for rule, entry in often[:_NAMED]
    ]
    more = len(often) - _NAMED
    return found + [Attention(f"{count(more)} more rules fired for most of what they judged.", "rules")] * (more > 0)


def _unjudged(funnel: Funnel) -> list[Attention]:
    """Whether a noticeable share of the documents came past every entry of `decide`."""
    number = sum(language.count for language in funnel.unjudged)
    asked = sum(step.entered.documents for step in funnel.steps if step.name == "decide")
    if not number or number < NOTICEABLE * asked:
        return []
    named = ", ".join(f"{language.name} {count(language.count)}" for language in funnel.unjudged[:_NAMED])
    more = f" and {len(funnel.unjudged) - _NAMED} other languages" if len(funnel.unjudged) > _NAMED else ""
    fate = "dropped by otherwise: drop" if funnel.otherwise == "drop" else "kept without having been judged"
    text = f"{count(number)} documents ({share(number / asked)}) were {fate}: no entry of decide admits them"
    return [Attention(f"{text} ({named}{more}). An entry without `when` would judge them.", "funnel")]


def _failure(material: Material) -> list[Attention]:
    """That a later stage failed, so that the report is of the stages before it."""
    if material.state.get("status") != "failed":
        return []
    why = material.excerpts.name(str(material.state.get("error", "")).split("\n")[0])
    done = material.manifest.get("until")
    return [Attention(f"The run failed behind the stage {done}; the figures are of what was finished: {why}", "time")]


def _vocabulary(material: Material) -> list[Attention]:
    card = material.manifest.get("tokenizer") or {}
    if not card.get("asked"):
        return []
    sample = f"{count(card['training']['documents'])} documents, {size(card['training']['bytes'])}"
    text = f"The vocabulary is {count(card['vocabulary'])}, not {count(card['asked'])}"
    return [Attention(f"{text}: the tokenizer's sample ({sample}) supports no more.", "tokens")]


def _notes(material: Material) -> list[Attention]:
    """What is doubtful about the recipe; what planning said: files that were set aside, names that no record has."""
    notes = list(material.state.get("notes") or ())
    found = [Attention(material.excerpts.excerpt(note)[0], "sources") for note in notes[:_NOTES]]
    return found + [Attention(f"{len(notes) - _NOTES} more notes: see run.json.", "sources")] * (len(notes) > _NOTES)
