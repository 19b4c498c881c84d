"""`gates` of a recipe: bounds on figures of its run's report. Which figures there are is said here, once."""

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gristmill.filters.names import nearest
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.languages.codes import wrong_language
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sizes import is_percent, parse_bytes, parse_share

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_GATE = re.compile(r"\s*([^<>=!]+?)\s*(>=|<=|==|!=|>|<)\s*([^<>=!\s]+)\s*")

_DOCUMENTS = {
    "documents": "documents (records, where they died while they were read)",
    "bytes": "bytes that came in: of records, of a language the text of its documents",
    "kept_documents": "documents kept",
    "kept_bytes": "bytes of their text",
    "kept_share": "documents kept, of all",
    "dropped_documents": "documents dropped",
    "dropped_share": "documents dropped, of all",
    "dead_documents": "dead letters",
    "dead_share": "dead letters, of all",
    "unjudged_documents": "documents that no entry of `decide` admits",
    "unjudged_share": "these, of all",
    "tokens": "tokens of all splits",
}
OF_RUN = {
    **_DOCUMENTS,
    "validation_tokens": "tokens held out for validation",
    "contaminated_documents": "kept documents in which an item of an evaluation set stands (`decontaminate`)",
    "contaminated_share": "these, of all kept documents",
    "decontaminated_documents": "documents that were dropped, or of which spans were cut, for that",
}
OF_GROUP = _DOCUMENTS
OF_STEP = {
    "documents": "documents that entered the step",
    "kept_documents": "documents that it kept",
    "dropped_documents": "documents that it dropped",
    "dropped_share": "these, of what entered",
    "dead_documents": "documents that died at it",
    "dead_share": "these, of what entered",
}
OF_RULE = {
    "fired_documents": "documents for which the rule fired, alone or with others",
    "fired_share": "these, of the documents that its entry judged (of the entry where it is most)",
}
OF_LABELS = {
    "documents": "documents that could have a label",
    "matched_documents": "documents that have one",
    "matched_share": "these, of all",
}
ALARMS = {
    "nothing": "rules, lists, classifiers, labels, steps that did nothing",
    "everything": "those that did everything",
    "edge": "bounds at the edge of what their signal was",
    "drift": "signals and shares that differ from the reference run",
}
SHARES = {name for part in (OF_RUN, OF_STEP, OF_RULE, OF_LABELS) for name in part if name.endswith("_share")}
STEPS = ("read", "extract", "decide", "deduplicate", "decontaminate", "scrub", "encode")
UNKNOWN_LANGUAGES = ("und", "noise", "mixed", "unknown")


@dataclass(frozen=True)
class Gate:
    """A bound on a figure."""

    figure: str
    comparison: str
    value: float

    def holds(self, found: float | None) -> bool:
        """Whether a run with this figure passes; None: the run does not have it."""
        return found is not None and COMPARISONS[self.comparison](found, self.value)


def parse_gate(text: str) -> Gate:
    """A gate as it is written, such as `dead_share <= 1%`. Raises ValueError that says how one is written."""
    match = _GATE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no gate; write a figure, a comparison and a number, such as `dead_share <= 1%`")
    figure, comparison, number = match.groups()
    try:
        value = float(parse_bytes(number) if figure.endswith("bytes") else parse_share(number.replace("_", "")))
        if not math.isfinite(value):
            raise ValueError
    except ValueError:
        raise ValueError(f"'{number}' in '{text}' is no number; write 1000, 0.01, 1%, or 16MB of bytes") from None
    if is_percent(number) and not figure.endswith("_share"):
        share = f"{figure.removesuffix('documents')}share"
        meant = f"; '{share}' is one" if share.rpartition(".")[2] in SHARES else ""
        raise ValueError(f"'{number}' in '{text}': '{figure}' is no share{meant}")
    return Gate(figure, comparison, value)


def wrong_figure(recipe: Recipe, name: str) -> str | None:
    """Why a run of this recipe cannot have a figure of that name; None where it can."""
    if name.endswith("tokens") and recipe.tokenizer is None:
        return f"there is no '{name}': the recipe says `tokenizer: null`"
    if "contaminated_" in name and recipe.decontaminate is None:
        return f"there is no '{name}': the recipe looks for no evaluation sets; add `decontaminate`"
    if name == "alarms.drift" and recipe.alarms.reference is None:
        return "nothing can drift without a run to compare with: `alarms: {reference: RUN}`"
    kind, _, rest = name.partition(".")
    code, _, part = rest.rpartition(".")
    if kind == "languages" and part in OF_GROUP:
        return None if code in UNKNOWN_LANGUAGES else wrong_language(code)
    known = set(figures(recipe))
    return None if name in known else f"no figure '{name}'; {nearest(name, known)} (all: docs/figures.md)"


def figures(recipe: Recipe) -> Iterator[str]:
    """The names of all figures that a run of this recipe can have; of languages those that the recipe names."""
    yield from OF_RUN
    yield "alarms"
    yield from (f"alarms.{kind}" for kind in ALARMS)
    named = {language for entry in recipe.decide for language in entry.when.language or ()} or {"en", "zh"}
    rules = {*judge_of(recipe).rule_names, *(["unjudged"] if recipe.otherwise == "drop" else [])}
    for kind, names, parts in (
        ("sources", recipe.sources, OF_GROUP),
        ("languages", named, OF_GROUP),
        ("steps", STEPS, OF_STEP),
        ("rules", rules, OF_RULE),
        ("labels", recipe.labels, OF_LABELS),
    ):
        yield from (f"{kind}.{name}.{part}" for name in names for part in parts)


def figures_page() -> str:
    """docs/figures.md: every figure and its meaning."""
    lines = ["# Figures of a run", "", "Made from `pipelines/recipe/gates.py` by `make docs`. What `gates` of a recipe"]
    lines += ["can bound (docs/gates.md), and what `figures` of `report/report.json` holds.", ""]
    for title, begin, parts in (
        ("The run", "", OF_RUN),
        ("Alarms", "alarms.", {**ALARMS}),
        ("A source", "sources.NAME.", OF_GROUP),
        ("A language", "languages.CODE.", OF_GROUP),
        (f"A step ({', '.join(STEPS)})", "steps.NAME.", OF_STEP),
        ("A rule", "rules.NAME.", OF_RULE),
        ("Labels", "labels.NAME.", OF_LABELS),
    ):
        lines += [f"## {title}", "", "| figure | meaning |", "|---|---|"]
        lines += ["| `alarms` | all of them |"] if begin == "alarms." else []
        lines += [f"| `{begin}{part}` | {meaning} |" for part, meaning in parts.items()]
        lines.append("")
    return "\n".join(lines)
