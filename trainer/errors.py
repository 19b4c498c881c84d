"""What can go wrong in training, as a user meets it: what, where, and what to do. Exit codes as in docs/errors.md.

TrainerError
├── ConfigError     2  an option, a preset or the command line
├── MismatchError   2  a checkpoint and the data (or the options) do not belong together
├── RewardError     2  a reward raises, or gives what is no number for each response
├── InputError      3  a file that is missing or cannot be read
└── DivergedError   5  the loss is no longer a number
Interrupted: 130, resumable.
"""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `python -m gristmill.trainer`: the same numbers as the `gristmill` command's."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    GATE = 5
    INTERRUPTED = 130


class TrainerError(Exception):
    """What went wrong, where, and what to do. `where` names a file, option or step, never document text."""

    exit_code = Exit.BUG

    def __init__(self, what: str, *, where: str, fix: str):
        super().__init__(f"{what}\n  where: {where}\n  fix:   {fix}")
        self.what, self.where, self.fix = what, where, fix


class ConfigError(TrainerError):
    """An option, a preset or the command line is wrong."""

    exit_code = Exit.USAGE


class MismatchError(TrainerError):
    """A checkpoint does not belong to this data or to these options."""

    exit_code = Exit.USAGE


class RewardError(TrainerError):
    """A reward function, model or task does not give one finite number for each response."""

    exit_code = Exit.USAGE


class InputError(TrainerError):
    """A file is missing or cannot be read."""

    exit_code = Exit.INPUT


class DivergedError(TrainerError):
    """The loss or the gradient is no longer a finite number."""

    exit_code = Exit.GATE
