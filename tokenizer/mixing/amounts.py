"""How many tokens of what are read: shares, caps, what is missing. Numbers only.

Letters: G groups; C cells, the parts of a group whose documents are read equally often; S stages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WORTH = 15.387756
"""R* of Muennighoff et al. 2023 (arXiv 2305.16264, section 5 and appendix A): after so many repetitions, another one is
worth 1/e of a first reading."""


@dataclass(frozen=True)
class Wanted:
    """What a stage asks for."""

    tokens_G: np.ndarray
    """float64: of each group."""
    rate_C: np.ndarray
    """float64: how often a cell's documents are read compared with others of its group; 0: not at all."""


@dataclass(frozen=True)
class Amounts:
    """What every stage gets."""

    tokens_SC: np.ndarray
    """float64."""
    missing_SG: np.ndarray
    """float64: what the caps keep back."""
    spread_SG: np.ndarray
    """float64: what groups give for others that are at their cap."""


def allocate(
    wanted: Sequence[Wanted], tokens_C: np.ndarray, group_C: np.ndarray, most_epochs: float, *, spread: bool
) -> Amounts:
    """Tokens of every cell in every stage, so that none is read more than `most_epochs` times in all.

    Within a group, cells are read in proportion to their rates, as far as the cap lets them; what one at its cap cannot
    give, the others of its group do. What a group cannot give is missing or, with `spread`, given by the groups that
    can, by what they were asked for. The last stage chooses first: it is the one that is asked for the best.
    """
    stages, groups = len(wanted), len(wanted[0].tokens_G)
    tokens_SC, missing_SG = np.zeros((stages, len(tokens_C))), np.zeros((stages, groups))
    spread_SG = np.zeros((stages, groups))
    room_C = most_epochs * tokens_C.astype(np.float64)
    for s in reversed(range(stages)):
        ask_G, rate_C = wanted[s].tokens_G, wanted[s].rate_C
        given_C, missing_G = _fill(ask_G, rate_C, tokens_C, group_C, room_C)
        full_G = ask_G <= 0
        while spread and missing_G.sum() > 0.5:
            full_G |= missing_G > 0  # of these, and of no other, the cap is reached: every turn closes one more
            open_G = ~full_G
            if not open_G.any():
                break
            ask_G = np.where(open_G, ask_G * (1 + missing_G.sum() / ask_G[open_G].sum()), ask_G - missing_G)
            given_C, missing_G = _fill(ask_G, rate_C, tokens_C, group_C, room_C)
        if spread:
            spread_SG[s] = np.maximum(ask_G - missing_G - wanted[s].tokens_G, 0.0)
        tokens_SC[s], missing_SG[s] = given_C, missing_G
        room_C = np.maximum(room_C - given_C, 0.0)
    return Amounts(tokens_SC, missing_SG, spread_SG)


def _fill(
    ask_G: np.ndarray, rate_C: np.ndarray, tokens_C: np.ndarray, group_C: np.ndarray, room_C: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(tokens of each cell, what each group cannot give)."""
    given_C, missing_G = np.zeros(len(tokens_C)), np.zeros(len(ask_G))
    order = np.argsort(group_C, kind="stable")
    edges = np.searchsorted(group_C[order], np.arange(len(ask_G) + 1))
    for g in np.flatnonzero(ask_G > 0):
        mine = order[edges[g] : edges[g + 1]]
        due_C = rate_C[mine] * tokens_C[mine]
        given = level(ask_G[g], due_C, np.where(due_C > 0, room_C[mine], 0.0))
        given_C[mine] = given
        missing = ask_G[g] - given.sum()
        missing_G[g] = missing if missing > 1e-9 * ask_G[g] else 0.0
    return given_C, missing_G


def level(ask: float, due_C: np.ndarray, room_C: np.ndarray) -> np.ndarray:
    """float64 (C,): min(room, level * due) with the level at which they add up to `ask`; all the room, if less."""
    given_C = np.zeros(len(due_C))
    live = np.flatnonzero(due_C > 0)
    order = live[np.argsort(room_C[live] / due_C[live], kind="stable")]  # those at their cap first
    left_due = float(due_C[order].sum())
    for n, c in enumerate(order):
        if ask * due_C[c] <= room_C[c] * left_due:
            rest = order[n:]
            given_C[rest] = ask * due_C[rest] / left_due
            break
        given_C[c] = room_C[c]
        ask -= room_C[c]
        left_due -= due_C[c]
    return given_C


def effective(tokens: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """float64: the tokens that, read once, are worth as much as `tokens` read `epochs` times (Muennighoff et al. 2023,
    equation 5): tokens * (1 + R* (1 - exp(-(epochs - 1) / R*))); what is read less than once counts as it is."""
    repeats = np.maximum(epochs - 1, 0.0)
    return tokens * (np.minimum(epochs, 1.0) + WORTH * -np.expm1(-repeats / WORTH))


def whole_rows(rows_C: np.ndarray) -> np.ndarray:
    """int64 (C,): whole numbers whose sum is that of rows_C, rounded; by the largest remainder."""
    down_C = np.floor(rows_C + 1e-6).astype(np.int64)
    more = round(float(rows_C.sum())) - int(down_C.sum())
    if more > 0:
        down_C[np.argsort(down_C - rows_C, kind="stable")[:more]] += 1
    return down_C
