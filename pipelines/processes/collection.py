"""Garbage, and when not to look for it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Imports make a million objects that stay: looking for garbage among them takes a tenth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()  # nor later, and forked workers share what is not touched
