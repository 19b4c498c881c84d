"""What a reader should look at before believing the figures: each line says what and leads to the section."""

from pipelines.report.blocks import DeadLetters, Entry, Funnel, Samples
from pipelines.report.drawing.theme import count, share
from pipelines.report.model import Attention

_NAMED = 4
"""Rules named in one line; the rest is counted."""


def build_attention(
    funnel: Funnel, entries: list[Entry], dead: DeadLetters | None, samples: Samples | None
) -> list[Attention]:
    """The warnings of a run, gravest first."""
    found = [
        Attention(f"Totals do not reconcile: {check.what}, but {count(check.left)} ≠ {count(check.right)}.", "funnel")
        for check in funnel.checks
        if not check.holds
    ]
    if funnel.unjudged:
        number = sum(language.count for language in funnel.unjudged)
        text = f"{count(number)} documents were kept without having been judged: no entry of decide admits them."
        found.append(Attention(text, "funnel"))
    for entry in entries:
        for rule in entry.rules:
            if rule.flag == "often":
                text = f"{rule.name} fired for {share(rule.share_fired)} of the documents that it judged. Are you sure?"
                found.append(Attention(text, f"entry-{entry.number}"))
    if dead is not None and dead.documents:
        found.append(Attention(f"{count(dead.documents)} records could not be processed.", "dead"))
    if never := sorted({rule.name for entry in entries for rule in entry.rules if rule.flag == "never"}):
        more = f" and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
        verb = "rule never fired" if len(never) == 1 else "rules never fired"
        found.append(Attention(f"{len(never)} {verb}: {', '.join(never[:_NAMED])}{more}. Are you sure?", "rules"))
    if samples is None and any(step.dropped.documents for step in funnel.steps):
        text = "Texts of dropped documents were removed by `gristmill clean`: samples cannot be shown."
        found.append(Attention(text, "samples"))
    return found
