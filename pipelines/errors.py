"""What can go wrong, as a user meets it: what, where, and what to do. One exit code per kind (docs/errors.md).

GristmillError
├── RecipeError     2  the recipe, or the command line
├── InputError      3  a file that cannot be read
├── ReconcileError  4  totals that do not add up: a bug of ours, never published
├── GateError       5  a check that the recipe asked for failed
├── RunnerError     6  the runner, its cluster or its workers
└── DamageError     7  a file of a run that is not as it was written
Interrupted: 130, resumable.
"""

import errno
from collections.abc import Iterator
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    BUG = 1
    RECIPE = 2
    INPUT = 3
    RECONCILE = 4
    GATE = 5
    RUNNER = 6
    DAMAGE = 7
    INTERRUPTED = 130


def utf8_text(text: str) -> str:
    """The text as UTF-8 can hold it: bytes of a file's name that are not UTF-8 read \\xe9."""
    try:
        return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:  # half a character that no file name gave
        return text.encode(errors="backslashreplace").decode()


class GristmillError(Exception):
    """What went wrong, where, and what to do. `where` names a file, row, step or recipe line, never document text."""

    exit_code = Exit.BUG

    def __init__(self, what: str, *, where: str, fix: str):
        self.what, self.where, self.fix = (utf8_text(str(part)) for part in (what, where, fix))
        super().__init__(f"{self.what}\n  where: {self.where}\n  fix:   {self.fix}")

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[GristmillError], what: str, where: str, fix: str) -> GristmillError:
    """Unpickles an error: `where` and `fix` have no default, so that an author must think of them."""
    return kind(what, where=where, fix=fix)


class RecipeError(GristmillError):
    """The recipe or the command line is wrong."""

    exit_code = Exit.RECIPE


class InputError(GristmillError):
    """A file cannot be read."""

    exit_code = Exit.INPUT


class ReconcileError(GristmillError):
    """Records in are not kept + dropped + dead."""

    exit_code = Exit.RECONCILE


class GateError(GristmillError):
    """A check that the recipe asked for failed."""

    exit_code = Exit.GATE


class RunnerError(GristmillError):
    """The runner, its cluster or its workers failed."""

    exit_code = Exit.RUNNER


class DamageError(GristmillError):
    """A file of a run is missing, or is not as it was written."""

    exit_code = Exit.DAMAGE


class BadRecordError(ValueError):
    """This record cannot be used. The message reads "Type: message" and holds no text of the document."""


def shortage(error: BaseException, where: str) -> RunnerError | None:
    """The error of ours for what the operating system refused: disk space or memory. None for any other error."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "free some space, then run the same command again: finished units are kept"
            return RunnerError("the disk is full", where=cause.filename or where, fix=fix)
        if isinstance(cause, MemoryError):
            fix = "give more --memory or fewer --workers, then run the same command again: finished units are kept"
            return RunnerError("out of memory", where=where, fix=fix)
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from, outermost first: Beam wraps what a step raises in errors of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
