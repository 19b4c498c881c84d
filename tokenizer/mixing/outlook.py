"""What a mixture would be, before anything is packed, written or trained: what repeats, what is cut, what is missing.

Letters: D documents, G groups, C cells, S stages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gristmill.tokenizer.mixing.amounts import Amounts, allocate, effective
from gristmill.tokenizer.mixing.cells import Cells, make_cells, wanted
from gristmill.tokenizer.mixing.columns import labels
from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.leaks import Known
from gristmill.tokenizer.mixing.pool import HELD_OUT, Pool, Run
from gristmill.tokenizer.mixing.recipe import MAX_EPOCHS, MixRecipe
from gristmill.tokenizer.sampling import TRAIN


@dataclass(frozen=True)
class Material:
    """The documents that can be mixed, read once for any number of mixtures."""

    runs: Sequence[Run]
    train: Pool
    keep_D: np.ndarray
    """bool: those of `train` that no run holds out, by doc_id, cluster or tokens."""
    leaks: dict[str, int]
    """Why the others are left out: documents by `id` and by `content` only."""
    scale_D: np.ndarray | None = None
    """float64: how many documents of a corpus each one stands for, where these are a sample of it."""

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Material":
        """Reads ids and tokens of all splits. Raises MixError."""
        train = Pool(runs, TRAIN)
        known = Known.of([Pool(runs, split) for split in HELD_OUT])
        by_id = known.by_id(train)
        by_content = known.by_content(train) & ~by_id
        leaks = {"id": int(by_id.sum()), "content": int(by_content.sum())}
        return cls(runs, train, ~(by_id | by_content), leaks)

    def scaled(self, by_source: Mapping[str, float]) -> "Material":
        """As if every source had so many times as many documents, alike. What is not named stays as it is."""
        number_D, names = labels(self.train, "source")
        scale_S = np.array([by_source.get(name, 1.0) for name in names])
        return replace(self, scale_D=scale_S[number_D] if len(number_D) else np.zeros(0))


@dataclass(frozen=True)
class Outlook:
    """A mixture and its numbers."""

    mix: MixRecipe
    cells: Cells
    wanted_SG: np.ndarray
    """float64: tokens that each stage asks of each group."""
    amounts: Amounts

    @classmethod
    def of(cls, material: Material, mix: MixRecipe) -> "Outlook":
        """Raises MixError for a mixture that means nothing; what is only missing is in the numbers."""
        cells = make_cells(material.train, mix, material.keep_D, material.scale_D)
        if not len(cells):
            raise MixError("there is no document to train on", where="the runs", fix="see the report of each run")
        asked = wanted(cells, mix)
        amounts = allocate(asked, cells.tokens_C, cells.group_C, mix.max_epochs, spread=mix.spread)
        return cls(mix, cells, np.array([one.tokens_G for one in asked]), amounts)

    @property
    def missing(self) -> float:
        """Tokens that the caps keep back."""
        return float(self.amounts.missing_SG.sum())

    def most_tokens(self) -> float:
        """The most tokens that these shares can be of, under the caps; of one stage."""
        asked_G = self.wanted_SG.sum(0)
        got_G = asked_G - self.amounts.missing_SG.sum(0)
        held = asked_G > 0
        return float(asked_G.sum() * (got_G[held] / asked_G[held]).min())

    def check(self, row_tokens: int) -> None:
        """Raises MixError where tokens are missing: more than a row of each group."""
        short = np.flatnonzero(self.amounts.missing_SG.sum(0) > row_tokens)
        if not len(short):
            return
        said = ", ".join(
            f"{self.cells.groups[g]} has {count(self._tokens()[g])} and {count(self.wanted_SG.sum(0)[g])} are asked"
            for g in short[:5]
        )
        more = f" and {len(short) - 5} more" if len(short) > 5 else ""
        raise MixError(
            f"{count(self.missing)} tokens are missing when nothing is read more than {self.mix.max_epochs:g} times: "
            f"{said}{more}",
            where="mix.max_epochs",
            fix=f"tokens: {int(self.most_tokens())} at these shares, `spread: true` to take the rest from the other "
            "groups, or a larger `max_epochs`",
        )

    def warnings(self, material: Material) -> list[str]:
        """What a person should look at."""
        found = []
        epochs_C = self.epochs()
        if (most := float(epochs_C.max(initial=0))) > MAX_EPOCHS + 1e-6:
            groups = {self.cells.groups[g] for g in self.cells.group_C[epochs_C > MAX_EPOCHS + 1e-6].tolist()}
            found.append(
                f"{', '.join(sorted(groups)[:5])}: read up to {most:.1f} times; beyond {MAX_EPOCHS:g} a repeated token "
                "is worth ever less (Muennighoff et al. 2023)"
            )
        if self.missing > 0.5:
            found.append(f"{count(self.missing)} tokens are missing")
        for why, documents in material.leaks.items():
            if documents:
                said = "a held-out document's id or cluster" if why == "id" else "the tokens of a held-out document"
                found.append(f"{documents:,} training documents have {said}: they are left out")
        return found

    def epochs(self) -> np.ndarray:
        """float64: how often each cell's documents are read."""
        return self.amounts.tokens_SC.sum(0) / np.maximum(self.cells.tokens_C, 1)

    def _tokens(self) -> np.ndarray:
        return np.bincount(self.cells.group_C, self.cells.tokens_C, minlength=len(self.cells.groups))

    def facts(self) -> dict[str, Any]:
        """For JSON and tables."""
        cells, read_C, epochs_C = self.cells, self.amounts.tokens_SC.sum(0), self.epochs()
        total = float(read_C.sum())
        worth_C = effective(cells.tokens_C, epochs_C)
        groups = []
        for g, name in enumerate(cells.groups):
            mine = cells.group_C == g
            tokens, read = int(cells.tokens_C[mine].sum()), float(read_C[mine].sum())
            groups.append(
                {
                    "group": name,
                    "documents": int(cells.documents_C[mine].sum()),
                    "tokens": tokens,
                    "read": round(read),
                    "share": read / total if total else 0.0,
                    "epochs": read / tokens if tokens else 0.0,
                    "most_epochs": float(epochs_C[mine].max(initial=0.0)),
                    "repeated": round(float(np.maximum(read_C[mine] - cells.tokens_C[mine], 0).sum())),
                    "cut": round(float(np.maximum(cells.tokens_C[mine] - read_C[mine], 0).sum())),
                    "missing": round(float(self.amounts.missing_SG[:, g].sum())),
                    "effective": round(float(worth_C[mine].sum())),
                    "stages": {
                        stage.name: float(
                            self.amounts.tokens_SC[s][mine].sum() / max(1.0, self.amounts.tokens_SC[s].sum())
                        )
                        for s, stage in enumerate(self.mix.stages)
                    },
                }
            )
        names = ("documents", "tokens", "read", "repeated", "cut", "missing", "effective")
        totals: dict[str, Any] = {name: sum(group[name] for group in groups) for name in names}
        totals["asked"] = round(float(self.wanted_SG.sum()))
        totals["epochs"] = total / max(1, totals["tokens"])
        stages = [
            {"stage": stage.name, "tokens": round(float(tokens_C.sum()))}
            for stage, tokens_C in zip(self.mix.stages, self.amounts.tokens_SC, strict=True)
        ]
        return {"groups": groups, "total": totals, "stages": stages}


def count(tokens: float) -> str:
    """1,234, 12.3 M, 4.56 B."""
    for size, unit in ((1e12, " T"), (1e9, " B"), (1e6, " M")):
        if tokens >= size:
            return f"{tokens / size:.3g}{unit}"
    return f"{round(tokens):,}"
