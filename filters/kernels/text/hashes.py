"""Hashes of words, lines and pieces: of their UTF-8 bytes, eight to a step."""

# Letters: B bytes of the batch. `rest`, `held`: bytes that wait for a step, uint64, the first lowest, and how many.
import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.filters.kernels.text.eight import EIGHT, beginnings, eight_bytes
from gristmill.filters.kernels.text.unicode import mix64

FNV_OFFSET = np.uint64(14695981039346656037)
FNV_PRIME = np.uint64(1099511628211)
"""FNV-1a, 64 bits (Fowler, Noll, Vo); its offset is what all hashes here begin with."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio."""

ONE = np.uint64(1)
NOTHING = np.uint64(0)
WIDE = np.uint64(8)
"""Instead of how many bytes wait: none do any more."""
LENGTH = np.uint64(56)
"""Where the last step holds the length of the rest: it tells a zero byte from none."""


@inline
def fnv(h, c):
    """FNV-1a, one step."""
    return (h ^ np.uint64(c)) * FNV_PRIME


@inline
def step(h, x):
    """The hash with eight bytes more: what the product moves up comes down again."""
    h = (h ^ x) * MULTIPLIER
    return h ^ (h >> np.uint64(32))


@inline
def finished(h, rest, held):
    """The hash with its last bytes, fewer than eight."""
    return step(h, rest | held << LENGTH)


@inline
def pushed(h, rest, held, byte):
    """(h, rest, held) with a byte, uint64, behind."""
    rest |= byte << (held << np.uint64(3))
    if held < np.uint64(7):
        return h, rest, held + ONE
    return step(h, rest), NOTHING, NOTHING


@inline
def fed(h, rest, held, c):
    """(h, rest, held) with a code point behind. From the first one beyond ASCII on (held: WIDE) each is a step."""
    if held == WIDE:
        return fnv(h, c), rest, held
    if c < 128:
        return pushed(h, rest, held, np.uint64(c))
    return fnv(finished(h, rest, held), c), NOTHING, WIDE


@inline
def word_hash(h, rest, held):
    """The hash of a word that was fed."""
    return mix64(h if held == WIDE else finished(h, rest, held))


@kernel
def hash_span(data_B, begin, end, h):
    """(a hash of the bytes, starting from h; code points). Eight bytes are one step, so it is not FNV-1a of the bytes,
    and nothing that is kept in a file holds it."""
    chars, u, stop = 0, np.uint64(begin), np.uint64(end)
    while u + EIGHT <= stop:
        x = eight_bytes(data_B, u)
        chars += beginnings(x)
        h = step(h, x)
        u += EIGHT
    rest, shift = NOTHING, np.uint64(0)
    held = stop - u
    while u < stop:
        b = data_B[u]
        chars += (b & 0xC0) != 0x80
        rest |= np.uint64(b) << shift
        shift += EIGHT
        u += ONE
    return finished(h, rest, held), chars
