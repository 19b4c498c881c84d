"""Fingerprints against datasketch, xxhash and the plain-Python definition of words and shingles."""

import time
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.dedup.fingerprints import (
    composed,
    doc_ids,
    doc_ids_of,
    fingerprint,
    normalised,
    pack_ids,
    permutations,
    rank,
    shingle_hash,
    shingles,
    unpack_ids,
)
from gristmill.filters.kernels.text.unicode import ALNUM, ALPHA, FLAGS, HAN_FIRST, HAN_LAST, LOWER, NFC_MAYBE, UNSPACED


@dataclass(frozen=True)
class Options:
    bands: int = 16
    rows: int = 7
    shingle: int = 5
    seed: int = 1


ALPHABETS = {
    "en": "the quick Brown fox's JUMPS, over 12 lazy dogs.\n",
    "zh": "天地玄黄，宇宙洪荒。日月盈昃 ABC１２\u3000\n",
    "ja": "これはテストです。東京タワーー 2024年\n",
    "long": "abcdefghijklmnopqrstuvWXYZ0123456789éж ",
    "th": "สวัสดีครับ ทดสอบ ๑๒ ok\n",
    "mixed": "aÉe\u0301 İıßΣσς 中文かなไทย한국어Дж１٣🎉𝒜_-—'’\u00a0\u2003\u200b\t\x00",
}
TEXTS = st.one_of(*(st.text(alphabet, max_size=400) for alphabet in ALPHABETS.values()), st.text(max_size=60))


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def signature_of(text: str, options: Options) -> np.ndarray:
    sketch = MinHash(options.bands * options.rows, options.seed, hashfunc=shingle_hash, scheme="affine32")
    sketch.update_batch(shingles(text, options.shingle))
    return sketch.hashvalues


@settings(deadline=None, max_examples=80)
@given(st.lists(TEXTS, max_size=5), st.sampled_from([Options(), Options(3, 2, 1, 7), Options(2, 5, 8, 42)]))
def test_fingerprint__is_bit_equal_to_datasketch_over_the_reference_shingles(texts, options):
    prints = fingerprint(column(texts), options, signatures=True)
    for d, text in enumerate(texts):
        stored = prints.shingles[prints.start[d] : prints.start[d + 1]]
        assert stored.tolist() == sorted({shingle_hash(shingle) for shingle in shingles(text, options.shingle)})
        np.testing.assert_array_equal(prints.signatures[d], signature_of(text, options))


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_fingerprint__of_long_texts_too(alphabet):
    text = "".join(np.random.default_rng(5).choice(list(alphabet), 20_000))
    prints = fingerprint(column(["", text, text[:9000]]), Options(), signatures=True)
    stored = prints.shingles[prints.start[1] : prints.start[2]]
    assert stored.tolist() == sorted({shingle_hash(shingle) for shingle in shingles(text)})
    np.testing.assert_array_equal(prints.signatures[1], signature_of(text, Options()))


def test_signatures__answer_queries_inside_datasketch():
    text = "a user can load our signatures into datasketch and ask its index for the same near duplicates as ours"
    prints = fingerprint(column([text, text + " indeed", "今天天气很好我们去公园玩"]), Options(), signatures=True)
    index = MinHashLSH(params=(16, 7), num_perm=112)
    for d in (1, 2):
        loaded = MinHash(hashvalues=prints.signatures[d], seed=1, scheme="affine32", hashfunc=shingle_hash)
        index.insert(d, loaded)
    assert index.query(MinHash(hashvalues=prints.signatures[0], seed=1, scheme="affine32", hashfunc=shingle_hash)) == [
        1
    ]


SHINGLES_BY_HAND = [
    ("One two THREE four five, six!", ["one two three four five", "two three four five six"]),
    ("only four words here", ["only four words here"]),
    ("word", ["word"]),
    ("", []),
    ("…!? -- 。，", []),
    ("don't", ["don t"]),
    ("e\u0301te\u0301 No 42nd", ["\u00e9t\u00e9 no 42nd"]),  # combining marks belong to the word
    ("天地玄黄宇宙", ["天 地 玄 黄 宇", "地 玄 黄 宇 宙"]),
    ("用Python写3行，OK", ["用 python 写 3 行", "python 写 3 行 ok"]),
    ("カタ仮名", ["カ タ 仮 名"]),
    ("ไทย", ["ไ ท ย"]),
    ("한국어 띄어쓰기 문장", ["한국어 띄어쓰기 문장"]),  # Korean is written with spaces
]


@pytest.mark.parametrize(("text", "expected"), SHINGLES_BY_HAND, ids=[text[:12] for text, _ in SHINGLES_BY_HAND])
def test_shingles__as_counted_by_hand(text, expected):
    assert [shingle.decode() for shingle in shingles(text)] == expected


@settings(deadline=None, max_examples=40)
@given(TEXTS)
def test_shingle_hash__depends_on_the_bytes_alone(text):
    for shingle in shingles(text):
        assert 0 <= shingle_hash(shingle) < 2**32
        assert shingle_hash(bytes(bytearray(shingle))) == shingle_hash(shingle)
        assert shingles(shingle.decode()) == [shingle]  # a shingle read as a text is itself


def test_shingle_hash__never_changes():
    # Stored indexes hold these numbers; a new hash needs a new fingerprint_file.HASHES.
    assert shingle_hash(b"one two three four five") == 0xD1B68722
    assert shingle_hash("天 地 玄 黄 宇".encode()) == 0x914D5628
    assert shingle_hash("internationalisation déjà vu of 磨".encode()) == 0x9FB5C563


def test_permutations__are_those_of_datasketch():
    a, b = MinHash(num_perm=24, seed=9, scheme="affine32").permutations
    ours = permutations(9, 24)
    np.testing.assert_array_equal(ours[0], a)
    np.testing.assert_array_equal(ours[1], b)


def test_unspaced_scripts__have_no_case():
    # The kernel does not look their lower case up.
    unspaced = np.flatnonzero(FLAGS & UNSPACED)
    np.testing.assert_array_equal(LOWER[unspaced], unspaced)
    assert set(FLAGS[HAN_FIRST : HAN_LAST + 1].tolist()) == {UNSPACED | ALNUM | ALPHA}  # nor anything of these


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=6), st.data())
def test_fingerprint__of_a_batch_is_that_of_each_document(texts, data):
    first = data.draw(st.integers(0, len(texts) - 1))
    sliced = fingerprint(column(texts).slice(first), Options())
    for d, text in enumerate(texts[first:]):
        alone = fingerprint(column([text or ""]), Options())
        np.testing.assert_array_equal(sliced.exact[d], alone.exact[0])
        np.testing.assert_array_equal(sliced.bands[d], alone.bands[0])
        np.testing.assert_array_equal(sliced.shingles[sliced.start[d] : sliced.start[d + 1]], alone.shingles)


def test_fingerprint__of_nothing():
    prints = fingerprint(column([]), Options())
    assert prints.exact.shape == (0, 2)
    assert prints.bands.shape == (0, 16)
    assert prints.start.tolist() == [0]


def test_fingerprint__without_minhash_has_the_same_exact_hash_and_no_shingles():
    texts = column(["Some text", "一些文字", ""])
    only = fingerprint(texts, None)
    np.testing.assert_array_equal(only.exact, fingerprint(texts, Options()).exact)
    assert only.shingles.size == 0
    assert only.bands.shape == (3, 0)
    assert only.start.tolist() == [0, 0, 0, 0]


@settings(deadline=None, max_examples=40)
@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_exact_hash__is_equal_exactly_where_the_normalised_text_is(texts):
    texts = [*texts, *(f" {text.swapcase()}\n" for text in texts), *(text.replace(" ", " \t ") for text in texts)]
    exact = [tuple(pair) for pair in fingerprint(column(texts), None).exact.tolist()]
    for a, one in zip(exact, texts, strict=True):
        for b, other in zip(exact, texts, strict=True):
            assert (a == b) == (normalised(one) == normalised(other))


def test_exact_hash__of_words_around_eight_letters_sees_every_change():
    letters = "Abcdefgh0jklmnopQ8"
    texts = {""}
    for length in range(1, len(letters) + 1):
        word = letters[:length]
        texts |= {word, f"{word}\0", f"{word}.", f"-{word}", f"{word}é", f"é{word}", f"{word}天", f"天{word}"}
        for at in range(1, length):
            texts |= {f"{word[:at]}{mark}{word[at:]}" for mark in (" ", "-", "é", "天", ". ", " .", "\0")}
    texts |= {"\0", "\0\0", "a\0", "a \0", "é", "é ."}
    different = sorted({normalised(text) for text in texts})
    assert len(set(map(tuple, fingerprint(column(different), None).exact.tolist()))) == len(different) > 500


def test_exact_hash__never_changes():
    # As of shingle_hash.
    two = fingerprint(
        column(["The  QUICK brown foxes' internationalisation, déjà vu.", "磨坊 3 号，Gristmill！"]), None
    )
    assert two.exact.tolist() == [
        [0x7EE2DD366DF3EF1A, 0xEE582185783692AD],
        [0x22B152851F3B5189, 0x303E03881038059C],
    ]


def test_normalised__by_hand():
    assert normalised("  The\u00a0QUICK\r\n\n fox\u3000") == "the quick fox"
    assert (
        normalised("ＡＢＣ，全角") == "ａｂｃ，全角"
    )  # full width stays full width: only case and white space are folded
    assert normalised(" \n ") == ""


EQUIVALENT = {
    "French": "Déjà vu à l’été, garçon",
    "Vietnamese": "Việt Nam có nhiều thành phố lớn",
    "Korean": "한국어 위키백과는 각종 문서를 갖추고 있다",
    "Japanese": "がぎぐげご、パピプペポ",
    "Hindi": "\u0958लम और \u095bमीन",
    "Arabic": "آدَمُ وَأُمُّهُ",
    "Chinese": "文件名含重音 é，由苹果电脑写成，另有兼容汉字\uf900与\ufa19",
    "symbols": "Å Ω ≠ K",
}


@pytest.mark.parametrize("text", EQUIVALENT.values(), ids=EQUIVALENT)
def test_fingerprint__is_that_of_every_canonically_equivalent_text(text):
    nfc, nfd = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    assert len({text, nfc, nfd}) >= 2
    half = unicodedata.normalize("NFD", text[: len(text) // 2]) + text[len(text) // 2 :]
    prints = fingerprint(column(["plain", nfd, "另一篇", nfc, text, half, None, nfd.upper()]), Options())
    for d in (1, 4, 5):
        np.testing.assert_array_equal(prints.exact[d], prints.exact[3])
        np.testing.assert_array_equal(prints.bands[d], prints.bands[3])
        assert shingles([nfd, text, half][(1, 4, 5).index(d)]) == shingles(nfc)
    alone = fingerprint(column([nfc.upper()]), Options())
    np.testing.assert_array_equal(prints.exact[7], alone.exact[0])
    np.testing.assert_array_equal(prints.shingles[prints.start[7] :], alone.shingles)


def test_fingerprint__keeps_compatibility_forms_apart():
    for one, other in (("ＡＢＣ", "ABC"), ("ﬁn", "fin"), ("x²", "x2"), ("ｶﾞ", "ガ"), ("㎏", "kg"), ("①", "1")):
        prints = fingerprint(column([one, other]), None)
        assert prints.exact[0].tolist() != prints.exact[1].tolist()


@settings(deadline=None, max_examples=200)
@given(
    st.text(
        st.one_of(
            st.characters(codec="utf-8"), st.sampled_from("aeo각가ㄱ\u1100\u1161\u11a8\u0301\u0316\u3099か\u0f71")
        )
    )
)
def test_composed__is_nfc_and_texts_without_marks_are_composed(text):
    assert composed(text) == unicodedata.normalize("NFC", text)
    if not any(FLAGS[ord(char)] & NFC_MAYBE for char in text):
        assert composed(text) == text


def test_composed__of_long_runs_of_marks_is_linear():
    marks = "\u0301" * 500_000 + "\u0316" * 500_000  # in canonical order the second half comes first
    began = time.process_time()
    first = composed("a" + marks + "。")
    assert time.process_time() - began < 5  # quadratic is minutes
    assert first[0] == "á"
    assert len(fingerprint(column(["a" + marks, "山" + marks]), None).exact) == 2


def test_exact_hash__keeps_100_000_short_texts_apart():
    texts = [f"{a:x} {b}" for a in range(500) for b in range(200)]
    exact = fingerprint(column(texts), None).exact
    assert len(np.unique(exact[:, 0])) == len(np.unique(exact[:, 1])) == len(texts)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("ab ", max_size=40), min_size=2, max_size=8))
def test_bands__are_equal_exactly_where_their_rows_are(texts):
    options = Options(bands=6, rows=2)
    prints = fingerprint(column(texts), options, signatures=True)
    rows = prints.signatures.reshape(len(texts), 6, 2)
    for a in range(len(texts)):
        for b in range(len(texts)):
            for band in range(6):
                same_rows = np.array_equal(rows[a, band], rows[b, band])
                assert (prints.bands[a, band] == prints.bands[b, band]) == same_rows
    assert np.unique(prints.bands[0]).size == 6  # the band number is mixed in, even where all rows are alike


def test_doc_ids__are_the_hash_of_source_own_id_and_raw_bytes():
    got = doc_ids("web", ["7", None, "7", "7"], [b"x", b"{}", b"y", b"x"])
    assert got[0] == xxhash.xxh3_128(b"web\x007\x00x").hexdigest() == got[3]
    assert got[2] == xxhash.xxh3_128(b"web\x007\x00y").hexdigest()
    assert got[1] == xxhash.xxh3_128(b"web\x00{}").hexdigest()
    assert doc_ids("crawl", ["7"], [b"x"]) != got[:1]
    np.testing.assert_array_equal(pack_ids(got)[0], np.frombuffer(bytes.fromhex(got[0]), np.uint8))
    assert unpack_ids(pack_ids(pa.array(got))).to_pylist() == got
    assert unpack_ids(pack_ids([])).to_pylist() == []
    with pytest.raises(ValueError, match="32 hex"):
        pack_ids(["abc"])


def test_doc_ids_of__columns_are_those_of_their_bytes():
    own_ids = pa.array(["7", None, "", "磨", None])
    text, beside = (pa.array(values, pa.large_string()) for values in (["a", "b", "c", "坊", None], ["{}"] * 4 + [""]))
    raw = [b"a\0{}", b"b\0{}", b"c\0{}", "坊\0{}".encode(), b"\0"]
    assert doc_ids_of("web", own_ids, text, beside) == doc_ids("web", own_ids.to_pylist(), raw)
    assert doc_ids_of("web", own_ids[1:], text[1:], beside[1:]) == doc_ids("web", own_ids[1:].to_pylist(), raw[1:])


IDS = doc_ids("s", [str(n) for n in range(2)], [b""] * 2)
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.booleans(), st.integers(0, 31), FLOATS, st.integers(0, 2**26)),
    st.tuples(st.booleans(), st.integers(0, 31), FLOATS, st.integers(0, 2**26)),
)
def test_rank__orders_by_kept_then_priority_then_quality_then_length_then_id(one, other):
    def of(kept, priority, quality, length, doc_id):
        ranks = rank(np.array([kept]), np.array([priority]), np.array([quality]), np.array([length]), [doc_id])
        return int(ranks[0])

    (kept_1, priority_1, quality_1, length_1), (kept_2, priority_2, quality_2, length_2) = one, other
    better, worse = of(*one, IDS[0]), of(*other, IDS[0])
    if kept_1 != kept_2:
        assert (better < worse) == kept_1
    elif priority_1 != priority_2:
        assert (better < worse) == (priority_1 > priority_2)
    assert of(kept_1, priority_1, quality_1, 10, IDS[0]) <= of(kept_1, priority_1, float("nan"), 10, IDS[0])
    if quality_1 > quality_2:
        assert of(True, 0, quality_1, 10, IDS[0]) <= of(True, 0, quality_2, 10, IDS[0])
    if length_1 > length_2:
        assert of(True, 0, 0.5, length_1, IDS[0]) <= of(True, 0, 0.5, length_2, IDS[0])
    assert (of(True, 0, 0.5, 10, IDS[0]) < of(True, 0, 0.5, 10, IDS[1])) == (IDS[0] < IDS[1])


def test_rank__tells_qualities_and_lengths_apart_where_documents_lie():
    def distinct(quality, length):
        return len(np.unique(rank(True, 0, quality, length, IDS[:1] * len(length))))

    shares, same = np.linspace(0, 1, 500), np.full(500, 100)
    assert distinct(shares, same) == 500
    assert distinct(None, np.arange(1 << 19)[::1000]) == 525
    assert distinct(np.array([-1000.0, -10, -1, -0.6, 0, 0.5, 1, 2, 30, 5000, 1e6]), np.full(11, 100)) == 11
    with pytest.raises(ValueError, match="priority"):
        rank(True, 32, None, np.array([1]), IDS[:1])
    assert rank(True, 0, None, np.zeros(0, np.int64), []).size == 0
