"""Validation: nats per token and bits per byte, over all text, by source and by language.

Letters: Q sources, each language of one by itself.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig, Loader
from gristmill.trainer.data.sampler import DataState, Rows
from gristmill.trainer.devices.world import World, all_reduce
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.protocol import Objective

Figures = tuple[float, float, float]
"""Nats, tokens, UTF-8 bytes."""


@dataclass(frozen=True)
class Evaluation:
    """Of the validation rows. `bits_per_byte` is None where the objective does not predict the text itself."""

    loss: float
    """Mean over what is scored."""
    bits_per_byte: float | None
    count: int
    """Of what is scored."""
    loss_by_source: dict[str, float]
    bits_per_byte_by_source: dict[str, float]
    figures: dict[str, float] = field(default_factory=dict)
    """What else was found, by its name in metrics.jsonl."""
    scored: str = "tokens"
    """What that is, in the plural."""
    loss_by_language: dict[str, float] = field(default_factory=dict)
    """"" stands for no known language."""
    bits_per_byte_by_language: dict[str, float] = field(default_factory=dict)

    def line(self) -> dict[str, object]:
        """Its fields in metrics.jsonl."""
        line: dict[str, object] = {
            "val_loss": self.loss,
            f"val_{self.scored}": self.count,
            "val_loss_by_source": self.loss_by_source,
        }
        if self.loss_by_language:
            line["val_loss_by_language"] = self.loss_by_language
        if self.bits_per_byte is not None:
            line["val_bits_per_byte"] = self.bits_per_byte
            line["val_bits_per_byte_by_source"] = self.bits_per_byte_by_source
            line["val_bits_per_byte_by_language"] = self.bits_per_byte_by_language
        return line | self.figures


class Evaluator:
    """Always the same rows: the first `rows` of the validation plan (0: all), which is a permutation of it already."""

    def __init__(self, corpus: Corpus, objective: Objective, config: DataConfig, world: World, rows: int):
        self.corpus, self.groups = corpus.by_language()
        self.objective, self.config, self.world = objective, config, world
        self.rows = np.arange(len(corpus) if not rows else min(rows, len(corpus)))
        self.bytes_by_source = self._bytes()

    def __call__(self, model: Model) -> Evaluation:
        """Evaluates; waits for the device."""
        sources = len(self.corpus.sources)
        sums_2Q = torch.zeros(2, sources, dtype=torch.float64, device=self.world.device)
        pairs: dict[str, torch.Tensor] = {}
        steps = list(self._steps())
        loader = Loader(
            self.corpus,
            self.objective,
            steps,
            self.config,
            self.world.device,
            rank=self.world.rank,
            world=self.world.size,
        )
        with torch.no_grad():
            for rows in steps:
                for batch in loader.batches(rows):
                    found = self.objective(model, batch, sources)
                    sums_2Q += found.by_source_2Q
                    for name, pair in found.metrics.items():
                        pairs[name] = pairs.get(name, 0.0) + pair.double()
        loader.close()
        all_reduce(self.world, [sums_2Q, *pairs.values()])
        nats, tokens = (row.tolist() for row in sums_2Q)
        told = {name: (float(pair[0]), float(pair[1])) for name, pair in pairs.items()}
        return self._result(nats, tokens, self.objective.figures(told))

    def _result(self, nats: list[float], tokens: list[float], figures: dict[str, float]) -> Evaluation:
        values = list(zip(nats, tokens, self.bytes_by_source, strict=True))
        by_source, by_language = (_summed([pair[place] for pair in self.groups], values) for place in (0, 1))
        text = self.objective.bits_per_byte
        loss, total, size = (sum(sums) for sums in zip((0.0, 0.0, 0.0), *by_source.values(), strict=True))
        return Evaluation(
            loss=loss / max(1.0, total),
            bits_per_byte=bits_per_byte(loss, size) if text else None,
            count=int(total),
            loss_by_source={name: n / t for name, (n, t, _) in by_source.items()},
            bits_per_byte_by_source={name: bits_per_byte(n, b) for name, (n, _, b) in by_source.items() if text},
            loss_by_language={name: n / t for name, (n, t, _) in by_language.items()},
            bits_per_byte_by_language={name: bits_per_byte(n, b) for name, (n, _, b) in by_language.items() if text},
            figures=figures,
            scored=self.objective.scored,
        )

    def _steps(self) -> Iterator[Rows]:
        size = self.config.batch_rows(self.corpus.sequence_length) * self.world.size
        for start in range(0, len(self.rows), size):
            index_R = self.rows[start : start + size]
            yield Rows(index_R, np.zeros(len(index_R), np.int64), self.config.seed, 0, DataState())

    def _bytes(self) -> list[float]:
        segment_P = self.corpus.segment_numbers(self.rows)
        return np.bincount(
            self.corpus.sources_of(segment_P), self.corpus.bytes(segment_P), minlength=len(self.corpus.sources)
        ).tolist()


def _summed(names: Sequence[str], values: Sequence[Figures]) -> dict[str, Figures]:
    """The sums of values by name, of those that have tokens; several values may have one name."""
    sums: dict[str, Figures] = {}
    for name, (nats, tokens, size) in zip(names, values, strict=True):
        if tokens:
            before = sums.get(name, (0.0, 0.0, 0.0))
            sums[name] = (before[0] + nats, before[1] + tokens, before[2] + size)
    return dict(sorted(sums.items()))


def bits_per_byte(nats: float, text_bytes: float) -> float:
    """Bits per UTF-8 byte: comparable between tokenizers, unlike nats per token."""
    return nats / math.log(2) / text_bytes if text_bytes else math.nan
