"""What can go wrong, as a user meets it: what, where, and what to do. One exit code per kind (docs/errors.md).

GristmillError
├── RecipeError     2  the recipe, or the command line
├── InputError      3  a file that cannot be read
├── ReconcileError  4  totals that do not add up: a bug of ours, never published
├── GateError       5  a gate of the recipe does not hold: a figure of the finished run is beyond its bound
├── RunnerError     6  the runner, its cluster or its workers
├── DamageError     7  a file of a run that is not as it was written
└── EmptyError      8  a run that keeps nothing, or a source that yields nothing
Interrupted: 130, resumable.
"""

import errno
import os
import re
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
    EMPTY = 8
    INTERRUPTED = 130


def utf8_text(text: str) -> str:
    """The text as UTF-8 can hold it: bytes of a file's name that are not UTF-8 read \\xe9."""
    try:
        return text if text.isascii() else text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:  # half a character that no file name gave
        return text.encode(errors="backslashreplace").decode()


# Controls (C0, C1), soft hyphens, what turns or joins text without being seen (bidi, zero width, tags), separators of
# lines. A newline is among them: a name has one line.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def inert(text: str) -> str:
    """An id, path or message on one line, as text and nothing else: \\x1b for an escape, \\u202e for a right-to-left
    override, and so for all that a terminal or browser would obey and not show."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), utf8_text(text))


class GristmillError(Exception):
    """What went wrong, where, and what to do. `where` names a file, row, step or recipe line, never document text."""

    exit_code = Exit.BUG

    def __init__(self, what: str, *, where: str, fix: str):
        self.what, self.where, self.fix = (utf8_text(str(part)) for part in (what, where, fix))
        # Lists of problems have lines of their own; a path with a newline must not look like one of ours.
        shown = "\n    ".join(map(inert, self.what.split("\n    ")))
        super().__init__(f"{shown}\n  where: {inert(self.where)}\n  fix:   {inert(self.fix)}")

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
    """A gate of the recipe does not hold; the run is whole."""

    exit_code = Exit.GATE


class RunnerError(GristmillError):
    """The runner, its cluster or its workers failed."""

    exit_code = Exit.RUNNER


class DamageError(GristmillError):
    """A file of a run is missing, or is not as it was written."""

    exit_code = Exit.DAMAGE


class EmptyError(GristmillError):
    """Nothing is kept, or a source yields nothing; what there is has been published."""

    exit_code = Exit.EMPTY


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


REFUSED = {
    errno.EACCES: "name a path that you may read and write",
    errno.EPERM: "name a path that you may read and write",
    errno.EROFS: "name a path on a disk that can be written",
    errno.ENOTDIR: "a part of this path is a file: name a folder",
    errno.EEXIST: "there is a file of that name: name another path",
    errno.EISDIR: "this is a folder: name a file",
    errno.ENOENT: "check the path: a part of it is not there",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ELOOP: "its links lead in a circle: name the folder itself",
    errno.ENOSPC: "free some space, or name a path on another disk",
    errno.EDQUOT: "free some space, or name a path on another disk",
}
"""Why the operating system refuses a path -> what to do."""


def refusal(error: OSError, where: str) -> RecipeError:
    """The error of ours for a path that the operating system refused; `where` it was, if the error names no path."""
    place = error.filename2 or error.filename or where
    what = (error.strerror or f"{type(error).__name__}: {error}").lower()
    fix = REFUSED.get(error.errno or 0, "look at this path and its disk")
    return RecipeError(what, where=os.fsdecode(place) if isinstance(place, bytes) else str(place), fix=fix)


def explained(error: "GristmillError | OSError | MemoryError", where: str) -> GristmillError:
    """The error of ours for what went wrong; `where` it was, if the error names no path."""
    if isinstance(error, GristmillError):
        return error
    short = shortage(error, where)
    return short or refusal(error, where)  # type: ignore[arg-type]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from, outermost first: Beam wraps what a step raises in errors of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
