"""What a run's conversations, pairs or prompts consist of: turns by role, what is learnt, what was left out."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gristmill.pipelines.records.accounts import DROPPED
from gristmill.pipelines.report.figures import Named, share
from gristmill.pipelines.report.material import Material
from gristmill.tokenizer.special_ids import ASSISTANT, END, SYSTEM, TOOL, USER

if TYPE_CHECKING:
    from gristmill.tokenizer.shards.format import Shard

ROLES = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT, "tool": TOOL}
TASKS = 12
"""Named; the others are counted together."""


@dataclass(frozen=True)
class RoleTurns:
    """Turns of a role, and the tokens of their texts."""

    name: str
    turns: int
    tokens: int


@dataclass(frozen=True)
class PairLengths:
    """Means over pairs: tokens that are learnt of the two answers. Where chosen answers are the longer ones, length
    itself is learnt."""

    chosen: float
    rejected: float
    share_chosen_longer: float
    margin: float
    share_with_margin: float


@dataclass(frozen=True)
class Conversations:
    """The rows of the shards that are conversations: those of texts beside them are not counted. `learnt`: tokens that
    a loss is computed on. `cut`: conversations of which turns at the end are left out; `too_long`: left out whole."""

    kind: str
    documents: int
    tokens: int
    learnt: int
    share_learnt: float | None
    turns_each: float
    cut: int
    too_long: int
    roles: list[RoleTurns]
    pairs: PairLengths | None
    tasks: list[Named]


@dataclass
class ConversationCounts:
    """Sums over shards."""

    documents: int = 0
    tokens: int = 0
    learnt: int = 0
    cut: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    """Tokens by role."""
    tasks: Counter[str] = field(default_factory=Counter)
    pairs: np.ndarray = field(default_factory=lambda: np.zeros(5))
    """Of pairs: learnt tokens of the chosen and of the rejected, how often the first are more, margins, how many."""

    def add(self, shard: "Shard") -> None:
        """One more shard."""
        begins_W = np.flatnonzero((shard.tokens >= SYSTEM) & (shard.tokens <= TOOL))
        begins_W = begins_W[~np.isin(begins_W + 1, shard.offsets)]  # the turn that a prompt asks for
        owner_W = np.searchsorted(shard.offsets, begins_W, "right") - 1
        mine = np.unique(owner_W)  # a text beside conversations has no turns
        ends_W = np.append(np.flatnonzero(shard.tokens == END), len(shard.tokens))
        length_W = ends_W[np.searchsorted(ends_W, begins_W)] - begins_W - 1
        for name, number in ROLES.items():
            is_role_W = shard.tokens[begins_W] == number
            self.turns[name] += int(is_role_W.sum())
            self.told[name] += int(length_W[is_role_W].sum())
        self.documents += len(mine)
        self.tokens += int(shard.lengths[mine].sum())
        if (mask := shard.mask) is not None and len(mine):
            sums = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
            learnt_D = np.diff(sums[shard.offsets])
            self.learnt += int(learnt_D[mine].sum())
            self.cut += int((shard.tokens[shard.offsets[mine + 1] - 1] == END).sum())
            if shard.has("rejected"):
                border_D = shard.offsets[:-1] + shard.column("rejected").to_numpy()
                chosen_D = sums[border_D] - sums[shard.offsets[:-1]]
                margin_D = shard.column("margin").to_numpy()
                longer, given = (chosen_D > learnt_D - chosen_D).sum(), (margin_D != 0).sum()
                self.pairs += (chosen_D.sum(), (learnt_D - chosen_D).sum(), longer, margin_D.sum(), given)
        if shard.has("task"):
            self.tasks.update(shard.column("task").to_pylist())


def build_conversations(material: Material, kind: str, counts: ConversationCounts) -> Conversations | None:
    """None where the run's tokens are of texts alone."""
    if kind == "text":
        return None
    left_out = sum(one.documents for one in material.accounts if (one.step, one.outcome) == ("encode", DROPPED))
    whole = max(counts.documents, 1)
    named = counts.tasks.most_common()
    tasks = [Named(material.excerpts.name(name), number) for name, number in named[:TASKS]]
    if others := sum(number for _, number in named[TASKS:]):
        tasks.append(Named(f"{len(named) - TASKS:,} others", others))
    sums = (counts.pairs / whole).tolist()
    return Conversations(
        kind=kind,
        documents=counts.documents,
        tokens=counts.tokens,
        learnt=counts.learnt,
        share_learnt=share(counts.learnt, counts.tokens),
        turns_each=sum(counts.turns.values()) / whole,
        cut=counts.cut,
        too_long=left_out,
        roles=[RoleTurns(name, counts.turns[name], counts.told[name]) for name in ROLES if counts.turns[name]],
        pairs=PairLengths(*sums) if kind == "pairs" and counts.documents else None,
        tasks=tasks,
    )
