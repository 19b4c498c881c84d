import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import EDIT, Edits, apply, cut, edited

TEXTS = st.lists(st.text(alphabet="ab \n中文，😀é", max_size=12), min_size=1, max_size=4)
relaxed = settings(deadline=None)  # the first example compiles the kernel
Plain = list[tuple[int, int, int, str, str]]  # document, start, end (bytes), kind, text


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def rows(edits: Edits) -> Plain:
    """The edits as Python values."""
    codes = zip(edits.doc_E, edits.start_E, edits.end_E, edits.kind_E, edits.text_E, strict=True)
    return [(int(d), int(s), int(e), edits.kinds[k], edits.texts[t]) for d, s, e, k, t in codes]


def make(documents: int, plain: Plain) -> Edits:
    return Edits.of(documents, *(list(field) for field in zip(*plain, strict=True))) if plain else Edits.none(documents)


@st.composite
def edits_of(draw: st.DrawFn, texts: list[str]) -> Plain:
    """Any edits of the texts, overlapping ones too."""
    plain = []
    for d, text in enumerate(texts):
        borders = [len(text[:i].encode()) for i in range(len(text) + 1)]
        if len(borders) < 2:
            continue
        for _ in range(draw(st.integers(0, 4))):
            i = draw(st.integers(0, len(borders) - 2))
            j = draw(st.integers(i + 1, len(borders) - 1))
            replacement = draw(st.sampled_from(["", "", "<标签>", "xyz"]))
            plain.append((d, borders[i], borders[j], draw(st.sampled_from("pq")), replacement))
    return plain


@st.composite
def texts_and_edits(draw: st.DrawFn) -> tuple[list[str], Plain]:
    texts = draw(TEXTS)
    return texts, draw(edits_of(texts))


def groups(plain: Plain) -> Plain:
    """merged() in the plainest way: a set of covered bytes per document, an edit per run of overlapping ranges."""
    result: list[list] = []
    order = sorted(range(len(plain)), key=lambda i: (plain[i][0], plain[i][1], -plain[i][2], i))
    for d, s, e, kind, text in (plain[i] for i in order):
        last = result[-1] if result else None
        if last is not None and last[0] == d and s < last[2]:
            last[2] = max(last[2], e)
        else:
            result.append([d, s, e, kind, text])
    joined: Plain = []
    for d, s, e, kind, text in result:
        if joined and joined[-1][0] == d and joined[-1][2] == s and joined[-1][3:] == (kind, text) and text == "":
            joined[-1] = (d, joined[-1][1], e, kind, text)
        else:
            joined.append((d, s, e, kind, text))
    return joined


def rewrite(texts: list[str], plain: Plain) -> list[str]:
    """apply() on bytes objects, from the back."""
    done = [text.encode() for text in texts]
    for d, s, e, _, text in reversed(groups(plain)):
        done[d] = done[d][:s] + text.encode() + done[d][e:]
    return [data.decode() for data in done]


@relaxed
@given(texts_and_edits())
def test_merged__as_in_plain_python(case):
    texts, plain = case
    edits = make(len(texts), plain)
    assert rows(edits.merged()) == groups(plain)
    assert rows(edits.merged().merged()) == groups(plain)


@relaxed
@given(texts_and_edits())
def test_apply__as_in_plain_python(case):
    texts, plain = case
    assert apply(column(texts), make(len(texts), plain)).to_pylist() == rewrite(texts, plain)


@relaxed
@given(st.data())
def test_then__is_two_applications(data):
    texts, plain = data.draw(texts_and_edits())
    first = make(len(texts), plain)
    between = apply(column(texts), first)
    later = make(len(texts), data.draw(edits_of(between.to_pylist())))
    assert apply(column(texts), first.then(later)).to_pylist() == apply(between, later).to_pylist()


@relaxed
@given(st.data())
def test_cut__is_a_second_round_over_what_edited_gives_and_knows_how_much_goes(data):
    texts, plain = data.draw(texts_and_edits())
    columns = {"text": column(["前", *texts]), "edits": make(len(texts) + 1, [(1 + d, *r) for d, *r in plain]).column()}
    batch = pa.record_batch(columns).slice(1)
    edits, text = edited(batch)
    assert text.to_pylist() == rewrite(texts, plain)
    cuts = make(len(texts), [(*where, "") for *where, _ in data.draw(edits_of(text.to_pylist()))]).merged()
    after, share = cut(batch, edits, text, cuts)
    assert after.drop_columns(["edits"]).equals(batch.drop_columns(["edits"]))
    left = apply(text, cuts).to_pylist()
    assert edited(after)[1].to_pylist() == left
    size = [(len(old.encode()), len(new.encode())) for old, new in zip(text.to_pylist(), left, strict=True)]
    assert share.tolist() == [(old - new) / max(old, 1) for old, new in size]


@relaxed
@given(texts_and_edits())
def test_to_original__finds_every_byte_that_was_not_edited(case):
    texts, plain = case
    edits = make(len(texts), plain).merged()
    after = [text.encode() for text in apply(column(texts), edits).to_pylist()]
    doc = np.repeat(np.arange(len(after)), [len(data) for data in after])
    start = np.concatenate([np.arange(len(data)) for data in after]).astype(np.int64)
    back, end = edits.to_original(doc, start, start + 1)
    edited = {(d, b): (s, e) for d, s, e, _, _ in rows(edits) for b in range(s, e)}
    kept = [(d, b) for d, text in enumerate(texts) for b in range(len(text.encode())) if (d, b) not in edited]
    single = [(int(d), int(b)) for d, b in zip(doc, back, strict=True) if (int(d), int(b)) not in edited]
    assert single == kept
    for d, p, b, e in zip(doc, start, back, end, strict=True):
        if (int(d), int(b)) in edited:
            assert edited[int(d), int(b)] == (b, e), "a byte of a replacement stands for all of what was replaced"
        else:
            assert e == b + 1
            assert after[d][p] == texts[d].encode()[b]


@relaxed
@given(texts_and_edits(), st.data())
def test_column__there_and_back_also_sliced(case, data):
    texts, plain = case
    edits = make(len(texts), plain)
    whole = edits.column()
    assert whole.type == pa.list_(EDIT)
    assert rows(Edits.from_column(whole)) == rows(edits)
    first = data.draw(st.integers(0, len(texts)))
    expected = [(d - first, *rest) for d, *rest in rows(edits) if d >= first]
    sliced = Edits.from_column(whole.slice(first))
    assert (sliced.documents, rows(sliced)) == (len(texts) - first, expected)


@relaxed
@given(texts_and_edits(), st.data())
def test_take__edits_follow_their_documents(case, data):
    texts, plain = case
    edits = make(len(texts), plain)
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5))
    after = apply(column(texts), edits).to_pylist()
    taken = edits.take(np.array(chosen, np.int64))
    assert apply(column([texts[d] for d in chosen]), taken).to_pylist() == [after[d] for d in chosen]
    mask = np.array([d in chosen for d in range(len(texts))])
    assert rows(edits.take(mask)) == rows(edits.take(np.flatnonzero(mask)))


@relaxed
@given(st.data())
def test_concatenate__all_edits_of_both(data):
    texts, plain = data.draw(texts_and_edits())
    more = data.draw(edits_of(texts))
    both = Edits.concatenate([make(len(texts), plain), Edits.none(len(texts)), make(len(texts), more)])
    assert rows(both) == rows(make(len(texts), plain + more))


def test_merged__the_winner_is_earliest_then_longest_then_first_named():
    plain = [(0, 2, 4, "b", "B"), (0, 0, 3, "short", ""), (0, 0, 5, "long", "L"), (0, 0, 5, "second", "S")]
    assert rows(make(1, plain).merged()) == [(0, 0, 5, "long", "L")]


def test_merged__touching_tags_both_survive_and_touching_cuts_of_a_kind_join():
    tags = [(0, 0, 3, "mail", "<M>"), (0, 3, 6, "phone", "<P>")]
    assert rows(make(1, tags).merged()) == tags
    cuts = [(0, 0, 3, "line", ""), (0, 3, 6, "line", ""), (0, 6, 9, "other", "")]
    assert rows(make(1, cuts).merged()) == [(0, 0, 6, "line", ""), (0, 6, 9, "other", "")]
    assert rows(make(2, [(0, 0, 3, "line", ""), (1, 3, 6, "line", "")]).merged()) != [(0, 0, 6, "line", "")]


def test_apply__chinese_emoji_whole_document_null_and_slice():
    text = column(["抛弃", "电话：13800138000。", None, "", "a😀b", "留"])
    edits = make(5, [(0, 9, 20, "phone", "<电话>"), (3, 1, 5, "emoji", ""), (4, 0, 3, "all", "")])
    assert apply(text.slice(1), edits).to_pylist() == ["电话：<电话>。", None, "", "ab", ""]
    assert apply(text, Edits.none(6)) is text
    assert apply(column([]), Edits.none(0)).to_pylist() == []


@pytest.mark.parametrize("range_", [(1, 3), (0, 2), (3, 7), (6, 9)])
def test_apply__refuses_to_cut_a_character_or_to_leave_the_document(range_):
    edits = Edits.of(2, [1], [range_[0]], [range_[1]], ["line"])
    with pytest.raises(ValueError, match="document 1: edit"):
        apply(column(["中文", "中文"]), edits)


def test_edits__refuses_what_cannot_be():
    for doc, start, end in [(2, 0, 1), (-1, 0, 1), (0, 1, 1), (0, 2, 1), (0, -1, 1)]:
        with pytest.raises(ValueError, match=f"document {doc} of 2"):
            Edits.of(2, [doc], [start], [end], ["line"])
    with pytest.raises(ValueError, match="edits of 3 documents do not fit 1"):
        apply(column(["a"]), Edits.none(3))
    with pytest.raises(ValueError, match="one number of documents"):
        Edits.concatenate([Edits.none(1), Edits.none(2)])


def test_from_column__null_lists_and_the_ledgers_struct_without_text():
    ledger = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string())]))
    edits = Edits.from_column(pa.array([None, [{"start": 1, "end": 4, "kind": "line"}]], ledger))
    assert rows(edits) == [(1, 1, 4, "line", "")]


def test_then__later_edits_inside_replacements_keep_the_rest_of_them():
    text = column(["我的邮箱a@b.c电话123。"])
    first = make(1, [(0, 12, 17, "mail", "<EMAIL>"), (0, 23, 26, "phone", "<PHONE>")])
    between = apply(text, first)
    assert between.to_pylist() == ["我的邮箱<EMAIL>电话<PHONE>。"]
    later = make(1, [(0, 13, 14, "e", ""), (0, 16, 17, "i", "ì"), (0, 18, 27, "tail", "+"), (0, 29, 30, "n", "")])
    both = first.then(later)
    assert apply(text, both).to_pylist() == apply(between, later).to_pylist() == ["我的邮箱<MAìL+HOE>。"]
    assert rows(both) == [(0, 12, 26, "e", "<MAìL+HOE>")]
