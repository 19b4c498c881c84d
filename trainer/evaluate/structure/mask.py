"""Which tokens may come next: those from which what is wanted can still be reached, in the tokens that are left.

Letters: S states of the automaton, the dead one last, C of them at a time, V ids, N nodes of the pieces' tree.
"""

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.automaton import automaton
from gristmill.trainer.evaluate.structure.expressions import Expression

FAR = np.iinfo(np.int32).max
"""Tokens to where nothing leads."""
AT_ONCE = 1 << 22
"""Numbers of int32 while states walk through the tree of pieces."""
MOST_KEPT = 1 << 27
"""Numbers of int32 that are kept of the states that were visited: half a gigabyte."""


class Pieces:
    """The bytes of every id of a vocabulary as a tree; ids without bytes (special ones) are never written, but those
    that end."""

    def __init__(self, pieces: Sequence[bytes], ends: Collection[int]):
        self.count, self.ends = len(pieces), sorted(ends)
        numbers = {b"": 0}
        self.levels: list[tuple[slice, np.ndarray, np.ndarray]] = []
        """Of each length: where its nodes stand, their parents, their last bytes."""
        there = sorted({piece for piece in pieces if piece})
        for length in range(1, max(map(len, there), default=0) + 1):
            found = list(dict.fromkeys(piece[:length] for piece in there if len(piece) >= length))
            parents, last = [numbers[one[:-1]] for one in found], [one[-1] for one in found]
            self.levels.append((slice(len(numbers), len(numbers) + len(found)), np.array(parents), np.array(last)))
            numbers |= {one: len(numbers) + place for place, one in enumerate(found)}
        self.nodes = len(numbers)
        self.node_V = np.array([numbers[piece] if piece else self.nodes for piece in pieces])
        """Ids without bytes have a node of their own, behind the others."""

    def walk(self, table_SB: np.ndarray, state_C: np.ndarray) -> np.ndarray:
        """int32 (C, V): the state after each token."""
        state_CN = np.full((len(state_C), self.nodes + 1), len(table_SB) - 1, np.int32)
        state_CN[:, 0] = state_C
        for place, parents, last in self.levels:
            state_CN[:, place] = table_SB[state_CN[:, parents], last]
        return state_CN[:, self.node_V]


class Structure:
    """What is wanted, for one vocabulary. Raises ConfigError where it needs too many states, or no text of this
    vocabulary is wanted."""

    def __init__(self, expression: Expression, pieces: Pieces, where: str):
        self.automaton, self.pieces, self.where = automaton(expression, where), pieces, where
        self.distance_S = self._distances()
        self.farthest = int(self.distance_S[self.distance_S < FAR].max(initial=0))
        self._next: dict[int, np.ndarray] = {}
        self._allowed: dict[int, Tensor] = {}
        if self.least == FAR:
            raise ConfigError(
                "nothing that this tokenizer can write is wanted", where=where, fix="allow a text: a character at least"
            )

    @property
    def least(self) -> int:
        """Tokens of the shortest text that is wanted, without the id that ends it."""
        return int(self.distance_S[0])

    def check(self, tokens: int) -> None:
        """Raises ConfigError where no wanted text has so few tokens."""
        if tokens < self.least:
            raise ConfigError(
                f"the shortest text that is wanted has {self.least} tokens, there is room for {tokens}",
                where=self.where,
                fix="more tokens, a shorter prompt, or a shorter text",
            )

    def allowed(self, state: int, left: int) -> Tensor:
        """bool (V,): what may follow in a state, with `left` tokens to be written; never nothing, where the state was
        reached by tokens that were allowed. Ends are allowed where the text is one that is wanted."""
        if left > self.farthest and state in self._allowed:
            return self._allowed[state]
        allowed_V = torch.from_numpy(self.distance_S[self._after(state)] < min(left, FAR))
        if self.automaton.accepts_S[state]:
            allowed_V[self.pieces.ends] = True
        if left > self.farthest:
            self._allowed[state] = allowed_V
        return allowed_V

    def after(self, state: int, token: int) -> int:
        """The state after a token; that of an end where it was."""
        return state if token in self.pieces.ends else int(self._after(state)[token])

    def _after(self, state: int) -> np.ndarray:
        if state not in self._next:
            if len(self._next) * self.pieces.count > MOST_KEPT:
                self._next.clear()
                self._allowed.clear()
            (self._next[state],) = self.pieces.walk(self.automaton.table_SB, np.array([state]))
        return self._next[state]

    def _distances(self) -> np.ndarray:
        """int32 (S,): tokens from each state to the nearest that accepts, FAR from where there is none."""
        table_SB, accepts_S = self.automaton.table_SB, self.automaton.accepts_S
        size, count = max(1, AT_ONCE // (self.pieces.nodes + 1)), len(table_SB)
        before: list[list[int]] = [[] for _ in range(count)]
        for start in range(0, count - 1, size):
            states = np.arange(start, min(start + size, count - 1))
            for state, next_V in zip(states.tolist(), self.pieces.walk(table_SB, states), strict=True):
                reached_S = np.zeros(count, bool)
                reached_S[next_V] = True
                for after in np.flatnonzero(reached_S[:-1]).tolist():
                    before[after].append(state)
        distance_S = np.where(accepts_S, 0, FAR).astype(np.int32)
        ring, distance = np.flatnonzero(accepts_S).tolist(), 0
        while ring:
            distance += 1
            ring = sorted({state for after in ring for state in before[after] if distance_S[state] == FAR})
            distance_S[ring] = distance
        return distance_S


def masked(logits_BV: Tensor, wanted: Sequence[tuple[Structure, int, int] | None]) -> Tensor:
    """Logits with minus infinity where no wanted text can be reached; `wanted`: of each row its structure, its state
    and how many tokens are left, or None where it may write anything."""
    allowed_BV = torch.ones(logits_BV.shape, dtype=torch.bool)
    for row, one in enumerate(wanted):
        if one is not None:
            structure, state, left = one
            allowed_BV[row] = False
            allowed_BV[row, : structure.pieces.count] = structure.allowed(state, left)
    return logits_BV.masked_fill(~allowed_BV.to(logits_BV.device), float("-inf"))
