"""A toy language of programs that a small model can write: words over a stack of whole numbers, from left to right.

    2 dup *        3 -> 3 2 2 * = 3 4

A number is pushed. `+ - *` take two and push one; `dup` doubles the top, `drop` removes it, `swap` exchanges two,
`over` copies the second to the top, `neg` changes the sign of the top. There are no loops, so that every program ends.
"""

from collections.abc import Callable, Sequence

Test = tuple[tuple[int, ...], tuple[int, ...]]
"""The stack before and after, the top last."""

MOST_WORDS, MOST_BITS = 64, 256

WORDS: dict[str, tuple[int, Callable[..., tuple[int, ...]]]] = {
    "+": (2, lambda a, b: (a + b,)),
    "-": (2, lambda a, b: (a - b,)),
    "*": (2, lambda a, b: (a * b,)),
    "dup": (1, lambda a: (a, a)),
    "drop": (1, lambda a: ()),
    "swap": (2, lambda a, b: (b, a)),
    "over": (2, lambda a, b: (a, b, a)),
    "neg": (1, lambda a: (-a,)),
}
"""Word -> how many it takes from the top, and what it puts there."""


class StackError(ValueError):
    """A program cannot be run."""


def run(program: str, stack: Sequence[int]) -> tuple[int, ...]:
    """The stack after a program. Raises StackError for an unknown word, too few numbers, too large a one, or too many
    words."""
    words, found = program.split(), list(stack)
    if len(words) > MOST_WORDS:
        raise StackError("too many words")
    for word in words:
        if word in WORDS:
            taken, change = WORDS[word]
            if len(found) < taken:
                raise StackError("too few numbers")
            found[len(found) - taken :] = change(*found[len(found) - taken :])
        elif word.lstrip("-").isascii() and word.lstrip("-").isdigit() and len(word) <= 9 and word.rfind("-") <= 0:
            found.append(int(word))
        else:
            raise StackError("unknown word")
        if any(abs(number).bit_length() > MOST_BITS for number in found):
            raise StackError("too large a number")
    return tuple(found)


def passes(program: str, tests: Sequence[Test]) -> bool:
    """Whether it does what every test says; a program of no word does nothing."""
    try:
        return all(run(program, before) == after for before, after in tests)
    except StackError:
        return False
