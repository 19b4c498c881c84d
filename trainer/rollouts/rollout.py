"""A prompt, and what a policy wrote for it.

Letters: P tokens of a prompt, R of a response, W bytes that hold V bits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Prompt:
    """What a policy answers: a conversation up to the assistant's turn."""

    ids: Sequence[int] | np.ndarray
    """(P,): up to and with `<|assistant|>`."""
    number: int = 0
    """Its samples' chance belongs to this number: one of its own for every prompt of a step, whatever rank has it."""
    doc_id: str = ""
    """Of the document that it is; "" where a task made it."""
    task: str = ""
    """Name of the task that checks answers."""
    answer: str = ""
    """What the task compares with."""


@dataclass
class Rollout:
    """One response to a prompt. The policy's turns end with `<|end|>`, or `<eos>`; where tools answered, their turns
    stand between."""

    prompt: Prompt
    group: int
    """Index of the prompt among those of the call: responses of one group are compared with each other."""
    sample: int
    """Which of its group."""
    response_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    """int32 (R,)."""
    mask: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    """uint8 (R,): 1 where the policy wrote the token itself."""
    log_probabilities: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (R,): the sampler's, under its temperature and filters; 0 where `mask` is."""
    kept: np.ndarray | None = None
    """uint8 (R, W): a bit for each id that the filters left to choose from; None where they left all."""
    truncated: bool = True
    """Ended by the number of tokens or turns, not by the policy."""
    reward: float = math.nan
    """Of the whole response; not yet known: nan."""
    chosen: bool = False
    """The best of its group."""

    @property
    def ids(self) -> np.ndarray:
        """int64 (P + R,): prompt and response."""
        return np.concatenate([np.asarray(self.prompt.ids, np.int64), self.response_ids.astype(np.int64)])

    def written(self, ids: list[int], log_probabilities: list[float], kept: np.ndarray | None) -> None:
        """Adds what the policy wrote."""
        self._add(ids, 1, log_probabilities, kept)

    def answered(self, ids: Sequence[int] | np.ndarray) -> None:
        """Adds what the policy did not write."""
        blank = None if self.kept is None else np.zeros((len(ids), self.kept.shape[1]), np.uint8)
        self._add(ids, 0, np.zeros(len(ids)), blank)

    def last_turn(self) -> np.ndarray:
        """int32: what the policy wrote last, with its end."""
        others = np.flatnonzero(self.mask == 0)
        return self.response_ids[others[-1] + 1 if len(others) else 0 :]

    def _add(
        self, ids: Sequence[int] | np.ndarray, own: int, log_p: Sequence[float] | np.ndarray, kept: np.ndarray | None
    ) -> None:
        self.response_ids = np.concatenate([self.response_ids, np.asarray(ids, np.int32)])
        self.mask = np.concatenate([self.mask, np.full(len(ids), own, np.uint8)])
        self.log_probabilities = np.concatenate([self.log_probabilities, np.asarray(log_p, np.float32)])
        if kept is not None:
            self.kept = kept if self.kept is None else np.concatenate([self.kept, kept])
