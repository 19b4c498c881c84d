"""Eight bytes of a text at a time, as one number (Warren, Hacker's Delight, 2nd ed., chapters 5 and 6)."""

# Letters: B bytes of the batch. Indices are uint64: a signed one is tested for being negative at every byte.
from typing import Any

import numpy as np

from gristmill.filters.kernels.jit import inline, instruction, kernel

EIGHT = np.uint64(8)
LOW = np.uint64(0x0101010101010101)
"""A byte times this stands in all eight places."""
HIGH = np.uint64(0x8080808080808080)


def _load(context: Any, builder: Any, types: Any, arguments: Any) -> Any:
    from llvmlite import ir

    data = context.make_array(types[0])(context, builder, arguments[0]).data
    return builder.load(builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer()), align=1)


@instruction(_load)
def eight_bytes(data_B, u):
    """data_B[u : u + 8], the first byte lowest; nobody looks whether there are as many."""
    return (
        np.uint64(data_B[u])
        | np.uint64(data_B[u + np.uint64(1)]) << np.uint64(8)
        | np.uint64(data_B[u + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data_B[u + np.uint64(3)]) << np.uint64(24)
        | np.uint64(data_B[u + np.uint64(4)]) << np.uint64(32)
        | np.uint64(data_B[u + np.uint64(5)]) << np.uint64(40)
        | np.uint64(data_B[u + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data_B[u + np.uint64(7)]) << np.uint64(56)
    )


@inline
def marked_bytes(x):
    """How many of the eight bytes have their highest bit, where no other bit is set."""
    return np.int64(((x >> np.uint64(7)) * LOW) >> np.uint64(56))


@inline
def zero_bytes(x):
    """The highest bit of every byte that is zero."""
    return ~(((x & ~HIGH) + ~HIGH) | x) & HIGH


@inline
def equal_bytes(x, byte):
    """The highest bit of every byte that equals `byte`, uint64."""
    return zero_bytes(x ^ byte * LOW)


@inline
def beginnings(x):
    """How many of eight bytes of UTF-8 begin a code point (RFC 3629: are not 10xxxxxx)."""
    return np.int64(8) - marked_bytes(x & ~(x << np.uint64(1)) & HIGH)


@inline
def low_bytes(x):
    """The highest bit of bytes below 0x20: of the first of them, and of some others that may be none."""
    return (x - np.uint64(0x20) * LOW) & ~x & HIGH


@inline
def between(x, first, last):
    """The highest bit of every byte from `first` to `last`, ASCII codes as uint64; of eight ASCII bytes alone."""
    return (x + (np.uint64(0x80) - first) * LOW) & ~(x + (np.uint64(0x7F) - last) * LOW) & HIGH


@inline
def letters_of(x):
    """The highest bit of every ASCII letter; bytes above ASCII are none."""
    return between((x & ~HIGH) | np.uint64(0x20) * LOW, np.uint64(0x61), np.uint64(0x7A)) & ~x


@inline
def digits_of(x):
    """The highest bit of every ASCII digit."""
    return between(x & ~HIGH, np.uint64(0x30), np.uint64(0x39)) & ~x


@inline
def capitals_among(letters, x):
    """Those of letters_of(x) that are capitals."""
    return letters & ~(x << np.uint64(2))


@inline
def spaces_of(x):
    """The highest bit of every byte that is white space to str.isspace(), of eight ASCII bytes alone."""
    return between(x, np.uint64(0x09), np.uint64(0x0D)) | between(x, np.uint64(0x1C), np.uint64(0x20))


@inline
def below_lowest(marked):
    """All bits of the bytes below the lowest one whose highest bit is `marked`, which is not 0."""
    return ((marked & (~marked + np.uint64(1))) >> np.uint64(7)) - np.uint64(1)


@inline
def whole_bytes(marked):
    """All bits of every byte whose highest bit is `marked`."""
    return (marked >> np.uint64(7)) * np.uint64(0xFF)


def _trailing_zeros(context: Any, builder: Any, types: Any, arguments: Any) -> Any:
    from llvmlite import ir

    return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))


@instruction(_trailing_zeros)
def zeros_below(x):
    """How many bits of x, which is not 0, are 0 below the lowest that is not."""
    return np.uint64((int(x) & -int(x)).bit_length() - 1)


@kernel
def last_bytes(data_B, u, stop):
    """data_B[u:stop], fewer than eight, the first lowest, and zeros behind them."""
    x, shift = np.uint64(0), np.uint64(0)
    while u < stop:
        x |= np.uint64(data_B[u]) << shift
        shift += EIGHT
        u += np.uint64(1)
    return x
