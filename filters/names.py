"""What a name that nobody knows was probably meant to be."""

import difflib
from collections.abc import Iterable

LISTED = 20
"""Valid names shown where none is near; the rest is counted."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """ "did you mean 'x'?", or the valid names when none is near."""
    names = sorted(valid)
    if (close := near(name, names)) is not None:
        return f"did you mean '{close}'?"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"valid: {', '.join(names[:LISTED])}{more}" if names else "there is none"


def near(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, None where none is near.

    Capitals, hyphens and spaces are overlooked; then a beginning counts (`gopher` for gopher@paper), then likeness.
    """
    plain = {_plain(known): known for known in sorted(names, reverse=True)}
    wanted = _plain(name)
    if wanted in plain:
        return plain[wanted]
    if len(wanted) >= 2 and (begun := sorted(known for known in plain if known.startswith(wanted))):
        return plain[min(begun, key=len)]
    # Another version of the same preset, whatever else reads alike: `fineweb@hf`, `gofer`.
    heads = {_before_at(known) for known in plain} - {""}
    if head := difflib.get_close_matches(_before_at(wanted) or wanted, sorted(heads), 1, 0.7):
        same = sorted(known for known in plain if _before_at(known) == head[0])
        return plain[difflib.get_close_matches(wanted, same, 1, 0.0)[0]]
    if close := difflib.get_close_matches(wanted, plain, 1, 0.6):
        return plain[close[0]]
    # A rule without its preset: `word_min`.
    rules = {_behind_slash(known): known for known in sorted(plain, reverse=True) if "/" in known}
    if close := difflib.get_close_matches(_behind_slash(wanted) or wanted, rules, 1, 0.7):
        return plain[rules[close[0]]]
    # A part by itself: `minimum words` for gopher@paper/words_min, `paper` for gopher@paper.
    parts = {known: known.replace("@", "_").replace("/", "_").split("_") for known in plain}
    shared = [known for known in plain if len(wanted) >= 3 and wanted in parts[known]]
    return plain[min(shared, key=len)] if shared else None


def near_file(name: str, names: Iterable[str]) -> str | None:
    """The file that was probably meant: likeness counts before the first dot, for all files of a kind end alike."""
    stems = {known.split(".")[0]: known for known in sorted(names, reverse=True)}
    found = near(name.split(".")[0], stems)
    return None if found is None else stems[found]


def _behind_slash(name: str) -> str:
    return name.rpartition("/")[2] if "/" in name else ""


def _before_at(name: str) -> str:
    return name.partition("@")[0] if "@" in name else ""


def _plain(name: str) -> str:
    return name.strip().casefold().replace("-", "_").replace(" ", "_")
