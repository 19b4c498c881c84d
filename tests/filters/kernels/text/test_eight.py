"""Eight bytes at a time give what one byte at a time gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.kernels.text import eight, lines, marks, sizes
from gristmill.filters.kernels.text.eight import eight_bytes, last_bytes, zeros_below
from gristmill.filters.kernels.text.hashes import FNV_OFFSET, hash_span


@kernel
def eight_at(data_B, at):
    return eight_bytes(data_B, np.uint64(at))


@kernel
def last_at(data_B, at, stop):
    return last_bytes(data_B, np.uint64(at), np.uint64(stop))


@kernel
def zeros_at(x):
    return zeros_below(x)


TEXTS = st.lists(
    st.text(st.sampled_from("a{}\n\x00\x1f ~\x7fé\u0085\u2028磨坊😀"), max_size=40), min_size=1, max_size=4
)


def packed(raw: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)])


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_counts__as_python_does(texts):
    data_B, start_D1 = packed([text.encode() for text in texts])
    chars_D, newlines_D, braces_D = (np.empty(len(texts), np.int64) for _ in range(3))
    sizes.count_sizes(data_B, start_D1, chars_D, newlines_D)
    marks.count_bytes(data_B, start_D1, 0x7B, 0x7D, braces_D)
    assert chars_D.tolist() == [len(text) for text in texts]
    assert newlines_D.tolist() == [text.count("\n") for text in texts]
    assert braces_D.tolist() == [text.count("{") + text.count("}") for text in texts]


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_next_newline__as_find(texts):
    for text in texts:
        raw = text.encode()
        data_B, _ = packed([raw])
        for begin in range(len(raw) + 1):
            found = raw.find(b"\n", begin)
            assert lines.next_newline(data_B, begin, len(raw)) == (found if found >= 0 else len(raw))


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_hash_span__tells_texts_apart(texts):
    """Equal ones equally wherever they lie; a zero byte more, or the same bytes in another eight, is another text."""
    texts = [*texts, *(text + "\0" for text in texts), *("x" * n for n in range(20)), *("\0" * n for n in range(20))]
    data_B, start_D1 = packed([text.encode() for text in texts])
    found = {}
    for text, begin, end in zip(texts, start_D1[:-1], start_D1[1:], strict=True):
        h, chars = hash_span(data_B, begin, end, FNV_OFFSET)
        assert chars == len(text)
        assert found.setdefault(text, h) == h
    assert len(set(found.values())) == len(found)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from([0, 1, 0x0A, 0x1F, 0x20, 0x41, 0x7F, 0x80, 0x9F, 0xE2, 0xFF]), min_size=8, max_size=8))
def test_low_bytes__none_is_missed(raw):
    found = int(eight.low_bytes(np.uint64(eight.eight_bytes(np.array(raw, np.uint8), np.uint64(0)))))
    assert bool(found) == any(byte < 0x20 for byte in raw)


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=8, max_size=24), st.data())
def test_eight_bytes__as_python_reads_them(raw, data):
    data_B, _ = packed([raw])
    at = data.draw(st.integers(0, len(raw) - 8))
    assert int(eight_at(data_B, at)) == int.from_bytes(raw[at : at + 8], "little")
    assert int(last_at(data_B, len(raw) - 7, len(raw))) == int.from_bytes(raw[-7:], "little")


@given(st.integers(1, 2**64 - 1))
def test_zeros_below__as_python_counts_them(x):
    assert int(zeros_at(np.uint64(x))) == (x & -x).bit_length() - 1
    assert int(eight.zeros_below(np.uint64(x))) == (x & -x).bit_length() - 1
