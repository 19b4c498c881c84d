"""Changes of text inside documents, as data: byte ranges of the extracted text, why, and what stands there instead.

`edits.merged()` resolves overlaps, `apply(text, edits)` makes the edited text, `first.then(second)` says in terms of
the original text what two rounds of editing did; `edited` and `cut` do it to batches that hold both. Nothing is
inserted: every edit covers at least one byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.edits import first_inside, in_order, join, splice
from gristmill.filters.kernels.ranges import positions

EDIT = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string()), ("text", pa.string())])
"""One edit in a list column: UTF-8 byte range of the extracted text, kind, replacement ("" cuts)."""

_POSITION_BITS = 40
"""A document number and a byte position share one sortable int64: 2**40 bytes a document, 2**23 documents a batch."""


@dataclass(frozen=True, eq=False)
class Edits:
    """The edits of a batch of `documents` documents, as flat arrays: E edits by document, start, longest first.

    doc_E, start_E, end_E: int64, [start, end) in UTF-8 bytes of the document. kind_E, text_E: int32, indices into
    `kinds` and `texts`. Raises ValueError for a document or range that cannot be; apply() checks UTF-8 borders.
    """

    documents: int
    doc_E: np.ndarray
    start_E: np.ndarray
    end_E: np.ndarray
    kind_E: np.ndarray
    text_E: np.ndarray
    kinds: tuple[str, ...]
    texts: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        wrong_E = (self.doc_E < 0) | (self.doc_E >= self.documents) | (self.start_E < 0) | (self.end_E <= self.start_E)
        if wrong_E.any():
            e = int(np.flatnonzero(wrong_E)[0])
            where = f"document {self.doc_E[e]} of {self.documents}"
            raise ValueError(f"{where} cannot have an edit [{self.start_E[e]}, {self.end_E[e]})")
        key_E = self._key(self.start_E)
        if (key_E[1:] <= key_E[:-1]).any():
            order_E = np.lexsort((-self.end_E, key_E))
            for name in ("doc_E", "start_E", "end_E", "kind_E", "text_E"):
                object.__setattr__(self, name, getattr(self, name)[order_E])

    def __len__(self) -> int:
        return len(self.doc_E)

    @classmethod
    def none(cls, documents: int) -> "Edits":
        """No edits of a batch of so many documents."""
        return cls.of(documents, (), (), (), ())

    def take_kinds(self, kinds: Sequence[str]) -> "Edits":
        """Those of some kinds."""
        chosen_E = np.array([kind in kinds for kind in self.kinds], bool)[self.kind_E]
        names = ("doc_E", "start_E", "end_E", "kind_E", "text_E")
        return replace(self, **{name: getattr(self, name)[chosen_E] for name in names})

    @classmethod
    def of(
        cls,
        documents: int,
        doc: Sequence[int] | np.ndarray,
        start: Sequence[int] | np.ndarray,
        end: Sequence[int] | np.ndarray,
        kind: Sequence[str],
        text: Sequence[str] | None = None,
    ) -> "Edits":
        """Edits from one sequence per field, in any order; without `text` all are cuts."""
        kinds, kind_E = _coded(kind)
        texts, text_E = _coded([""] * len(kind_E) if text is None else text)
        doc_E, start_E, end_E = (np.asarray(field, np.int64) for field in (doc, start, end))
        return cls(documents, doc_E, start_E, end_E, kind_E, text_E, kinds, texts)

    @classmethod
    def concatenate(cls, several: Sequence["Edits"], order_E: np.ndarray | None = None) -> "Edits":
        """All edits of several rounds over the same text; at equal ranges the earlier one wins in merged().

        order_E: the order of all by document, start, longest first, where it is known.
        """
        documents = {one.documents for one in several}
        if len(documents) != 1:
            raise ValueError(f"edits of one batch have one number of documents, not {sorted(documents)}")
        kinds, kind_E = _recoded([(one.kinds, one.kind_E) for one in several])
        texts, text_E = _recoded([(one.texts, one.text_E) for one in several])
        doc_E, start_E, end_E = (
            np.concatenate([getattr(one, name) for one in several]) for name in ("doc_E", "start_E", "end_E")
        )
        fields = (doc_E, start_E, end_E, kind_E, text_E)
        if order_E is not None:
            fields = tuple(field[order_E] for field in fields)
        return cls(documents.pop(), *fields, kinds, texts)

    @classmethod
    def from_column(cls, column: pa.Array) -> "Edits":
        """The inverse of column(). A null list is a document without edits; a missing `text` field cuts."""
        doc = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        fields = pc.list_flatten(column)
        named = {fields.type.field(i).name for i in range(fields.type.num_fields)}
        start, end = (pc.struct_field(fields, name).to_numpy(zero_copy_only=False) for name in ("start", "end"))
        kinds, kind_E = _encoded(pc.struct_field(fields, "kind"))
        text = pc.struct_field(fields, "text") if "text" in named else pa.repeat(pa.scalar(""), len(fields))
        texts, text_E = _encoded(text)
        doc_E, start_E, end_E = (np.asarray(field, np.int64) for field in (doc, start, end))
        return cls(len(column), doc_E, start_E, end_E, kind_E, text_E, kinds, texts)

    def column(self) -> pa.Array:
        """list<EDIT>, one list per document, empty where nothing is edited."""
        kind = pa.array(self.kinds, pa.string()).take(pa.array(self.kind_E))
        text = pa.array(self.texts, pa.string()).take(pa.array(self.text_E))
        fields = pa.StructArray.from_arrays(
            [pa.array(self.start_E), pa.array(self.end_E), kind, text], fields=list(EDIT.fields)
        )
        return pa.ListArray.from_arrays(pa.array(self._bounds().astype(np.int32)), fields)

    def take(self, documents: np.ndarray) -> "Edits":
        """The edits of chosen documents: document documents[i] becomes document i. Integers or a boolean mask."""
        chosen_S = np.flatnonzero(documents) if np.asarray(documents).dtype == bool else np.asarray(documents, np.int64)
        first_D1 = self._bounds()
        doc_E, _, e_E = positions(first_D1[chosen_S], first_D1[chosen_S + 1])
        fields = (self.start_E[e_E], self.end_E[e_E], self.kind_E[e_E], self.text_E[e_E])
        return Edits(len(chosen_S), doc_E, *fields, self.kinds, self.texts)

    def merged(self) -> "Edits":
        """No two ranges of a document overlap any more, and no byte is covered that was not.

        Overlapping ranges become one; kind and text are those of the earliest start, then the longest, then the one
        named first. Touching ranges stay apart, so that no tag is lost, except cuts of one kind, which become one.
        """
        if len(self) < 2:
            return self
        first_E, reach_E = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        is_cut_K = np.array([text == "" for text in self.texts])
        found = join(*self._ranges(), _own(self.kind_E), is_cut_K[self.text_E], first_E, reach_E)
        return self if found == len(self) else self._at(first_E[:found], reach_E[:found])

    def to_original(self, doc_R: np.ndarray, start_R: np.ndarray, end_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[start_R, end_R) of the edited text -> the bytes of the text before these edits that it stands for, int64.

        A range that begins or ends inside a replacement takes in all of what was replaced; a cut at its border stays
        outside. The edits must be as merged() leaves them.
        """
        grown_E1, new_start_E, new_end_E = self._after()
        first_D1 = self._bounds()
        left_R = np.searchsorted(self._key(new_end_E), (doc_R << _POSITION_BITS) | start_R, "right")
        right_R = np.searchsorted(self._key(new_start_E), (doc_R << _POSITION_BITS) | end_R, "left")
        base_R = grown_E1[first_D1[doc_R]]
        original_start_R = start_R - (grown_E1[left_R] - base_R)
        original_end_R = end_R - (grown_E1[right_R] - base_R)
        inside_R = left_R < right_R  # an edit that ends after the range's start and starts before its end
        last = max(len(self) - 1, 0)
        if inside_R.any():
            begins_R, ends_R = np.minimum(left_R, last), np.maximum(right_R - 1, 0)
            original_start_R = np.where(
                inside_R & (new_start_E[begins_R] < start_R), self.start_E[begins_R], original_start_R
            )
            original_end_R = np.where(inside_R & (new_end_E[ends_R] > end_R), self.end_E[ends_R], original_end_R)
        return original_start_R, original_end_R

    def then(self, later: "Edits") -> "Edits":
        """One set of edits of the original text that does what these and then `later`, edits of the edited text, do.

        Where `later` changes part of a replacement, the result holds what is left of it.
        """
        first, later = self.merged(), later.merged()
        if not len(first) or not len(later):
            return first if len(first) else later
        later = _whole_replacements(first, later)
        start_E, end_E = first.to_original(later.doc_E, later.start_E, later.end_E)
        later = replace(later, start_E=start_E, end_E=end_E)
        order_E = np.empty(len(first) + len(later), np.int64)
        in_order(*first._ranges(), *later._ranges(), order_E)
        return Edits.concatenate([later, first], order_E).merged()

    def _key(self, position_E: np.ndarray) -> np.ndarray:
        return (self.doc_E << _POSITION_BITS) | position_E

    def _ranges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """doc_E, start_E and end_E as kernels take them."""
        return _own(self.doc_E), _own(self.start_E), _own(self.end_E)

    def _bounds(self) -> np.ndarray:
        """int64[D + 1]: edits [first_D1[d], first_D1[d + 1]) are those of document d."""
        return np.searchsorted(self.doc_E, np.arange(self.documents + 1)).astype(np.int64)

    def _after(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(bytes gained over all edits before each, int64[E + 1]; ranges of the replacements in the edited text)."""
        length_E = _lengths(self.texts)[self.text_E]
        grown_E1 = np.r_[np.int64(0), np.cumsum(length_E - (self.end_E - self.start_E))]
        new_start_E = self.start_E + grown_E1[:-1] - grown_E1[self._bounds()[self.doc_E]]
        return grown_E1, new_start_E, new_start_E + length_E

    def _at(self, at_E: np.ndarray, end_E: np.ndarray) -> "Edits":
        """Some of the edits, with other ends."""
        doc_E, start_E, kind_E, text_E = (f[at_E] for f in (self.doc_E, self.start_E, self.kind_E, self.text_E))
        return Edits(self.documents, doc_E, start_E, end_E, kind_E, text_E, self.kinds, self.texts)


def apply(text: pa.Array, edits: Edits) -> pa.Array:
    """The edited text, large_string. Overlaps are merged first; nulls stay null; without edits, `text` itself.

    Raises ValueError, naming the document, where a range leaves it or cuts a UTF-8 character.
    """
    if len(text) != edits.documents:
        raise ValueError(f"edits of {edits.documents} documents do not fit {len(text)} texts")
    if not len(edits):
        return text
    edits = edits.merged()
    data_B, start_D1 = text_buffers(text)
    from_E, to_E = start_D1[edits.doc_E] + edits.start_E, start_D1[edits.doc_E] + edits.end_E
    _check_borders(data_B, start_D1, edits, from_E, to_E)
    grown_E1, _, _ = edits._after()
    out_start_D1 = start_D1 - start_D1[0] + grown_E1[edits._bounds()]
    out_B = np.empty(out_start_D1[-1], np.uint8)
    texts_T = np.frombuffer("".join(edits.texts).encode(), np.uint8)
    text_start_K1 = np.r_[np.int64(0), np.cumsum(_lengths(edits.texts))]
    splice(data_B, start_D1[0], start_D1[-1], from_E, to_E, edits.text_E, texts_T, text_start_K1, out_B)
    valid = pc.is_valid(text).buffers()[1] if text.null_count else None
    return pa.LargeStringArray.from_buffers(len(text), pa.py_buffer(out_start_D1), pa.py_buffer(out_B), valid)


def edited(batch: pa.RecordBatch) -> tuple[Edits, pa.Array]:
    """(edits as merged() leaves them, large_string edited texts) of documents by their columns `text` and `edits`."""
    edits = Edits.from_column(batch.column("edits")).merged()
    return edits, apply(batch.column("text"), edits)


def cut(batch: pa.RecordBatch, edits: Edits, text: pa.Array, cuts: Edits) -> tuple[pa.RecordBatch, np.ndarray]:
    """(the documents with `cuts` among their `edits`; float64[D]: share of the bytes of each edited text that goes).

    edits, text: as edited(batch) gives them; cuts: of the edited texts, as merged() leaves them.
    """
    lost_D = np.bincount(cuts.doc_E, cuts.end_E - cuts.start_E, batch.num_rows)
    share_D = lost_D / np.maximum(pc.binary_length(text).to_numpy(), 1)
    place = batch.schema.get_field_index("edits")
    return batch.set_column(place, "edits", edits.then(cuts).column()), share_D


def _check_borders(
    data_B: np.ndarray, start_D1: np.ndarray, edits: Edits, from_E: np.ndarray, to_E: np.ndarray
) -> None:
    e = first_inside(data_B, start_D1, _own(edits.doc_E), from_E, to_E)
    if e < len(edits):
        size = start_D1[edits.doc_E[e] + 1] - start_D1[edits.doc_E[e]]
        where = f"document {edits.doc_E[e]}: edit [{edits.start_E[e]}, {edits.end_E[e]})"
        raise ValueError(f"{where} is not on UTF-8 borders of its {size} bytes")


def _whole_replacements(first: Edits, later: Edits) -> Edits:
    """`later` widened to the replacements of `first` that it changes in part, keeping the rest of them in its texts."""
    _, new_start_E, new_end_E = first._after()
    start_key, end_key = first._key(new_start_E), first._key(new_end_E)

    def around(position_L: np.ndarray) -> np.ndarray:
        """The edit of `first` inside whose replacement a border lies, else -1."""
        key_L = later._key(position_L)
        e_L = np.searchsorted(end_key, key_L, "right")
        inside_L = (e_L < len(first)) & (start_key[np.minimum(e_L, len(first) - 1)] < key_L)
        return np.where(inside_L, e_L, -1)

    left_L, right_L = around(later.start_E), around(later.end_E)
    if (left_L < 0).all() and (right_L < 0).all():
        return later
    start, end = later.start_E.copy(), later.end_E.copy()
    texts = [later.texts[code] for code in later.text_E]
    keep = np.ones(len(later), bool)
    for i in range(len(later) - 1, -1, -1):  # from the back: an edit takes in the next one of the same replacement
        if right_L[i] >= 0:
            old, new_start = first.texts[first.text_E[right_L[i]]].encode(), new_start_E[right_L[i]]
            if i + 1 < len(later) and left_L[i + 1] == right_L[i]:
                between = old[later.end_E[i] - new_start : later.start_E[i + 1] - new_start].decode()
                texts[i], end[i], keep[i + 1] = texts[i] + between + texts[i + 1], end[i + 1], False
            else:
                texts[i] += old[later.end_E[i] - new_start :].decode()
                end[i] = new_end_E[right_L[i]]
        if left_L[i] >= 0 and (i == 0 or right_L[i - 1] != left_L[i]):
            old, new_start = first.texts[first.text_E[left_L[i]]].encode(), new_start_E[left_L[i]]
            texts[i] = old[: later.start_E[i] - new_start].decode() + texts[i]
            start[i] = new_start
    kinds = [later.kinds[code] for code in later.kind_E[keep]]
    kept_texts = [text for text, kept in zip(texts, keep, strict=True) if kept]
    return Edits.of(later.documents, later.doc_E[keep], start[keep], end[keep], kinds, kept_texts)


def _own(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that may not be written: a kernel is compiled once for each kind of argument."""
    return np.require(array, requirements=["C", "W"])


def _lengths(texts: Sequence[str]) -> np.ndarray:
    return np.array([len(text.encode()) for text in texts], np.int64)


def _coded(values: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Distinct values in order of appearance, and the index of each value among them (int32)."""
    table = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return tuple(table), np.fromiter(map(table.__getitem__, values), np.int32, len(values))


def _encoded(column: pa.Array) -> tuple[tuple[str, ...], np.ndarray]:
    """As _coded, of a string column."""
    encoded = column.dictionary_encode()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)


def _recoded(columns: Sequence[tuple[tuple[str, ...], np.ndarray]]) -> tuple[tuple[str, ...], np.ndarray]:
    """One table for several coded columns, and their codes in it, one after another."""
    table: dict[str, int] = {}
    codes = [np.array([table.setdefault(v, len(table)) for v in values], np.int32)[code] for values, code in columns]
    return tuple(table), np.concatenate(codes)
