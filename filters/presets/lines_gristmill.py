"""Lines that stand beside an article, in Chinese and English, as edits."""

from dataclasses import replace

from gristmill.filters.junk.phrases import chosen_families
from gristmill.filters.rules import Preset, Rule

LINES_GRISTMILL = Preset(
    "lines@gristmill",
    "ours; lines and ends of lines that stand beside an article on a page: advertising, follow us, scan the code, "
    "share bars, read more, reprint and copyright notices, credits, payment, counters, navigation, newsletters, lists "
    "of other pages, and what recurs between or at the ends of its lines; Chinese and English; text is cut, never "
    "rewritten (docs/lines.md)",
    (Rule("cut_share", "lines_cut_share", "<=", 0.9, "ours: what is left of such a page is a remnant"),),
    editor="lines@gristmill",
)


def some_lines(name: str) -> Preset | None:
    """`lines@gristmill:follow+scan`: only lines of these families; None for another name."""
    chosen = chosen_families(name)
    if chosen is None:
        return None
    source = f"ours; of lines@gristmill, only the families {', '.join(chosen)} (docs/lines.md)"
    return replace(LINES_GRISTMILL, name=name, source=source, editor=name)
