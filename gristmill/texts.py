"""What a run asks of texts, asked of a few: lists of strings or Arrow columns in, Arrow or NumPy out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from gristmill.filters.counters import Counters
from gristmill.filters.names import nearest
from gristmill.filters.rules import Rule

Texts: TypeAlias = Sequence[str] | pa.Array | pa.ChunkedArray
"""Strings; a null of an Arrow column is an empty text."""


class _MinHash(NamedTuple):
    bands: int
    rows: int
    shingle: int
    seed: int


def column(texts: Texts) -> pa.Array:
    """Texts as the one large_string column that kernels read. Raises TypeError for a single string, a table and what
    holds anything but strings, ValueError for a string that is no Unicode."""
    if isinstance(texts, str):
        raise TypeError("a list of texts is expected, and this is one string: write [text]")
    if isinstance(texts, pa.Table | pa.RecordBatch):
        raise TypeError(f"a column of texts is expected, and this is a table: write table['{texts.schema.names[0]}']")
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not isinstance(texts, pa.Array):
        return _listed(texts)
    held = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
    if not any(
        test(held) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    ):
        raise TypeError(f"a column of strings is expected, and this one holds {held}")
    return texts.cast(pa.large_string())


def _listed(texts: Any) -> pa.Array:
    if not isinstance(texts, Iterable):
        raise TypeError(f"a list of texts is expected, and this is {type(texts).__name__}")
    listed = list(texts)
    for number, text in enumerate(listed):
        if text is not None and not isinstance(text, str):
            raise TypeError(f"a list of texts is expected, and item {number} is {type(text).__name__}")
    try:
        return pa.array(listed, pa.large_string())
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character (a surrogate), which UTF-8 does not know") from None


def score(texts: Texts, signals: str | Iterable[str] | None = None) -> pa.RecordBatch:
    """Signals of texts: one float64 column each, a row per text. None: all that are computed from text alone.

    Raises ValueError for a name that is no signal, with the nearest that is.
    """
    from gristmill.filters.signals import SIGNALS
    from gristmill.filters.signals import score as compute

    names = [name for name, found in SIGNALS.items() if found.compute] if signals is None else _names(signals)
    for name in names:
        _known(name, SIGNALS, "signal")
    found = compute(column(texts), names)
    return pa.record_batch({name: pa.array(found[name]) for name in names})


def count(texts: Texts) -> Counters:
    """What a signal is computed from: words, lines, repeats of texts, each counted when it is first asked for."""
    return Counters(column(texts))


def judge(
    texts: Texts,
    presets: str | Sequence[str] = (),
    *,
    rules: Rule | Sequence[Rule] = (),
    change: Mapping[str, float | None] | None = None,
) -> pa.RecordBatch:
    """Verdicts by presets and rules, as `decide` of a recipe gives them: `verdict`, `rules` that fired, then signals.

    change: full name of a rule -> another threshold, None to turn it off. Every text is judged, whatever its language:
    which rules a language can be asked is what a recipe is checked for. Raises ValueError for an unknown name.
    """
    from gristmill.filters.judge import Entry, Judge
    from gristmill.filters.presets import PRESETS
    from gristmill.filters.rules import Preset
    from gristmill.filters.rules import change as changed
    from gristmill.filters.signals import SIGNALS

    named = _names(presets)
    if isinstance(rules, Rule):
        rules = [rules]
    if not named and not rules:
        raise ValueError("nothing to judge by: give a preset, such as 'gopher@paper', or rules")
    for rule in rules:
        _known(rule.signal, SIGNALS, "signal")
    chosen = [PRESETS[_known(name, PRESETS, "preset")] for name in named]
    own = [Preset("own@notebook", "the notebook", tuple(rules))] if rules else []
    text = column(texts)
    unknown = pa.array(["und"] * len(text))
    judge_all = Judge([Entry(None, None, None, changed([*chosen, *own], change or {}))])
    found = judge_all.judge(text, unknown, unknown, unknown)
    kept = ["dropped" if fired else "kept" for fired in found.fired.to_pylist()]
    columns = {"verdict": pa.array(kept), "rules": found.fired}
    return pa.record_batch({**columns, **{name: found.signals[name] for name in found.signals.schema.names}})


def identify(texts: Texts) -> pa.RecordBatch:
    """`lang` (ISO 639-1 where there is one), `lang_score` (float32) and `script` (ISO 15924) of texts."""
    from gristmill.filters.language.identify import identify as find
    from gristmill.filters.language.identify import script_of

    text = column(texts)
    language, probability = find(text)
    return pa.record_batch({"lang": language, "lang_score": pa.array(probability), "script": script_of(text)})


def scrub(texts: Texts, operator: str = "tag", entities: str | Sequence[str] | None = None) -> pa.Array:
    """Texts without their personal data, large_string; as `scrub` of a recipe. Raises ValueError for unknown names."""
    from gristmill.filters.edits import apply
    from gristmill.filters.pii.engine import Scrubber

    text = column(texts)
    return apply(text, Scrubber(None if entities is None else _names(entities), operator=operator).edits(text))  # type: ignore[arg-type]


def fingerprint(texts: Texts, *, bands: int = 16, rows: int = 7, shingle: int = 5, seed: int = 1) -> np.ndarray:
    """MinHash signatures, uint32[texts, bands * rows], bit-equal to datasketch 2.x:

    datasketch.MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=gristmill.shingle_hash), fed with
    gristmill.shingles(text). A text without a word has the signature of the empty set.
    """
    from gristmill.filters.dedup.fingerprints import fingerprint as find

    for name, value in (("bands", bands), ("rows", rows), ("shingle", shingle)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it is at least 1")
    found = find(column(texts), _MinHash(bands, rows, shingle, seed), signatures=True).signatures
    assert found is not None
    return found


def encode(texts: Texts, tokenizer: str | Path) -> list[np.ndarray]:
    """Token ids of texts, without bos and eos, by the tokenizer of a run (its folder, or that of the tokenizer).

    One array a text. Raises ValueError where there is no tokenizer, or one that is not what its card says.
    """
    from gristmill.tokenizer.encode import Encoder

    folder = Path(tokenizer)
    inside = folder / "tokenizer"
    tokens, offsets = Encoder(inside if inside.is_dir() else folder).encode(column(texts), bos=False, eos=False)
    return np.split(tokens, offsets[1:-1]) if len(offsets) > 1 else []


def _names(names: str | Iterable[str]) -> list[str]:
    """One name, or several."""
    return [names] if isinstance(names, str) else list(names)


def _known(name: str, names: Mapping[str, Any], kind: str) -> str:
    if name not in names:
        raise ValueError(f"no {kind} '{name}'; {nearest(name, names)}")
    return name
