"""Documents become groups, and groups become cells: documents that are read equally often.

Letters: D documents; G groups; C cells; B bins of quality; T topics.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gristmill.tokenizer.mixing.amounts import Wanted
from gristmill.tokenizer.mixing.columns import CLUSTER_SIZE, NONE, labels, numbers
from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.interleave import MOST_CELLS
from gristmill.tokenizer.mixing.pool import Pool
from gristmill.tokenizer.mixing.recipe import REST, By, MixRecipe, Quality, Stage


@dataclass(frozen=True)
class Cells:
    """What documents fall into."""

    groups: list[str]
    group_D: np.ndarray
    """int32: a document's group."""
    cell_D: np.ndarray
    """int32: a document's cell."""
    group_C: np.ndarray
    bin_C: np.ndarray
    """Of quality, 0 the lowest; -1: no score, or none asked for."""
    curve_C: np.ndarray
    """float64: rate by quality; 1 on average over the tokens of a topic."""
    copies_C: np.ndarray
    """float64: rate by the size of the duplicate cluster."""
    tokens_C: np.ndarray
    documents_C: np.ndarray

    def __len__(self) -> int:
        return len(self.group_C)


def make_cells(pool: Pool, mix: MixRecipe, keep_D: np.ndarray, scale_D: np.ndarray | None = None) -> Cells:
    """`keep_D`: bool, documents that may be read; the others are in no cell (-1). `scale_D`: float64, how many each
    stands for; None: itself. Raises MixError."""
    scale_D = np.ones(len(pool)) if scale_D is None else scale_D
    length_D = np.rint(pool.documents.length_D * scale_D).astype(np.int64) * keep_D
    group_D, groups = _groups(pool, mix.by, length_D)
    bin_D, curve_D = _quality(pool, mix.quality, length_D)
    copies_D = _copies(pool, mix.cluster_size)
    curves, curve_at_D = np.unique(curve_D, return_inverse=True)
    copies, copies_at_D = np.unique(copies_D, return_inverse=True)
    key_D = group_D.astype(np.int64)
    for number_D, count in (
        (bin_D + 1, int(bin_D.max(initial=0)) + 2),
        (curve_at_D, len(curves)),
        (copies_at_D, len(copies)),
    ):
        key_D = key_D * count + number_D
    keys, first, at_D = np.unique(np.where(keep_D, key_D, -1), return_index=True, return_inverse=True)
    none = int(len(keys) > 0 and keys[0] < 0)
    first, at_D = first[none:], (at_D - none).astype(np.int32)
    if len(first) > MOST_CELLS:
        raise MixError(
            f"there are {len(first):,} cells of group, quality and cluster size, more than {MOST_CELLS:,}",
            where="mix.by",
            fix="fewer columns, quantiles or bins",
        )
    inside = at_D[keep_D]
    return Cells(
        groups,
        group_D,
        at_D,
        group_D[first],
        bin_D[first],
        curve_D[first],
        copies_D[first],
        np.bincount(inside, length_D[keep_D], minlength=len(first)).astype(np.int64),
        np.rint(np.bincount(inside, scale_D[keep_D], minlength=len(first))).astype(np.int64),
    )


def _groups(pool: Pool, by: Sequence[By], length_D: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(number of each document's group, their names: the values of the columns, joined by "/")."""
    number_D, names = np.zeros(len(pool), np.int64), [""]
    for one in by:
        if one.quantiles:
            value_D = numbers(pool, one.column)
            value_at_D = quantile_bins(value_D, length_D, one.quantiles)
            known = [NONE, *(f"q{k + 1}" for k in range(one.quantiles))]
            value_at_D = value_at_D + 1
        else:
            value_at_D, known = labels(pool, one.column)
        number_D = number_D * len(known) + value_at_D
        names = [f"{name}/{value}" if name else value for name in names for value in known]
    used, group_D = np.unique(number_D, return_inverse=True)
    return group_D.astype(np.int32), [names[number] for number in used.tolist()]


def quantile_bins(value_D: np.ndarray, length_D: np.ndarray, bins: int) -> np.ndarray:
    """int64 (D,): which of `bins` parts of equal tokens a value falls into, 0 the lowest; -1: it has none. Equal values
    are in one part, the one that the middle of their tokens lies in."""
    bin_D = np.full(len(value_D), -1)
    scored = np.flatnonzero(~np.isnan(value_D))
    if not len(scored):
        return bin_D
    values, at = np.unique(value_D[scored], return_inverse=True)
    mass = np.bincount(at, length_D[scored], minlength=len(values))
    total = mass.sum()
    if not total:
        return bin_D
    middle = (np.cumsum(mass) - mass / 2) / total
    bin_D[scored] = np.minimum((middle * bins).astype(np.int64), bins - 1)[at]
    return bin_D


def curve(quality: Quality) -> np.ndarray:
    """float64 (bins,): the rate of each part, from the bottom: 0 up to `drop`, then rising to 1."""
    below = (np.arange(quality.bins) + 0.5) / quality.bins
    over = np.maximum(below - quality.drop, 0.0) / (1 - quality.drop)
    return np.where(below > quality.drop, over**quality.power, 0.0)


def _quality(pool: Pool, quality: Quality | None, length_D: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(bin, rate) of each document. A topic's rates are 1 on average, so that a topic's share stays as it is; documents
    without a score have the rate 1."""
    bin_D, rate_D = np.full(len(pool), -1), np.ones(len(pool))
    if quality is None:
        return bin_D, rate_D
    value_D = numbers(pool, quality.column)
    topic_D, topics = _groups(pool, [By(column) for column in quality.per], length_D)
    for t in range(len(topics)):
        mine = np.flatnonzero((topic_D == t) & ~np.isnan(value_D))
        mine_bin = quantile_bins(value_D[mine], length_D[mine], quality.bins)
        mine_rate = np.where(mine_bin < 0, 0.0, curve(quality)[mine_bin])
        due = float((mine_rate * length_D[mine]).sum())
        if length_D[mine].sum() and not due:
            raise MixError(
                f"all documents of {topics[t] or 'the corpus'} have the same {quality.column}, and it is left out",
                where="mix.quality",
                fix="a smaller `drop`, or another column",
            )
        bin_D[mine] = mine_bin
        rate_D[mine] = mine_rate * (length_D[mine].sum() / due) if due else 1.0
    return bin_D, rate_D


def _copies(pool: Pool, weights: Mapping[int, float] | None) -> np.ndarray:
    """The weight of each document's cluster size: that of the largest size named that it reaches."""
    if weights is None:
        return np.ones(len(pool))
    size_D = numbers(pool, CLUSTER_SIZE)
    sizes = np.array(sorted(weights))
    weight = np.array([weights[size] for size in sizes.tolist()])
    return weight[np.maximum(np.searchsorted(sizes, np.where(np.isnan(size_D), 1, size_D), "right") - 1, 0)]


def wanted(cells: Cells, mix: MixRecipe) -> list[Wanted]:
    """What every stage asks for. Raises MixError where a weight names no group, or the weights sum to nothing."""
    rates = [_rates(cells, mix, stage) for stage in mix.stages]
    supply = [np.bincount(cells.group_C, r * cells.tokens_C, minlength=len(cells.groups)) for r in rates]
    shares = [_shares(cells, mix, stage, mine) for stage, mine in zip(mix.stages, supply, strict=True)]
    if isinstance(mix.tokens, Mapping):
        _check_names(mix.tokens, cells.groups, "mix.tokens")
        total = float(sum(mix.tokens.values()))
    elif mix.tokens is not None:
        total = float(mix.tokens)
    else:
        used_C = np.max([rate * (share[cells.group_C] > 0) > 0 for rate, share in zip(rates, shares, strict=True)], 0)
        once = float((cells.tokens_C * used_C).sum())
        due = float(supply[0][shares[0] > 0].sum())
        total = mix.epochs * once if mix.epochs is not None else due
    return [
        Wanted((stage.share or 0.0) * total * share, rate)
        for stage, share, rate in zip(mix.stages, shares, rates, strict=True)
    ]


def _rates(cells: Cells, mix: MixRecipe, stage: Stage) -> np.ndarray:
    rate_C = cells.curve_C * cells.copies_C
    if stage.best is not None and mix.quality is not None:
        middle_C = (cells.bin_C + 0.5) / mix.quality.bins
        rate_C = np.where((cells.bin_C >= 0) & (middle_C > 1 - stage.best), rate_C, 0.0)
    return rate_C


def _shares(cells: Cells, mix: MixRecipe, stage: Stage, supply_G: np.ndarray) -> np.ndarray:
    """float64 (G,), with the sum 1."""
    own = stage.weights is not None or stage.temperature is not None
    weights = stage.weights if own else mix.weights
    temperature = stage.temperature if own else mix.temperature
    where = f"stage {stage.name}" if own else "mix"
    if isinstance(mix.tokens, Mapping):
        _check_names(mix.tokens, cells.groups, "mix.tokens")
        share_G = np.array([float(mix.tokens.get(name, 0)) for name in cells.groups])
    elif weights is not None:
        _check_names(weights, cells.groups, f"{where}.weights")
        share_G = np.array([weights.get(name, weights.get(REST, 0.0)) for name in cells.groups])
    else:
        share_G = supply_G ** (1 / temperature) if temperature is not None else supply_G.astype(np.float64)
    if not share_G.sum() > 0:
        raise MixError(
            "the weights sum to nothing: no group that has one holds a document",
            where=where,
            fix=f"groups: {', '.join(cells.groups) or 'none'}",
        )
    return share_G / share_G.sum()


def _check_names(named: Mapping[str, float], groups: list[str], where: str) -> None:
    for name in named:
        if name != REST and name not in groups:
            near = difflib.get_close_matches(name, groups, 1, 0.6)
            fix = f"did you mean {near[0]!r}?" if near else f"groups: {', '.join(groups[:20])}"
            raise MixError(f"there is no group {name!r}", where=where, fix=fix)
