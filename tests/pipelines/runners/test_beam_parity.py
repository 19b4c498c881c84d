"""The local runner beside Beam's own, on random small pipelines: equal outputs, equal counters, for 1, 2, 3 workers."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.metrics import Metrics
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import FixedWindows, GlobalWindows, TimestampedValue

from gristmill.pipelines.runners.local.runner import LocalRunner, unsuitable

pytestmark = pytest.mark.skipif(unsuitable() is not None, reason="not a tested Beam, or no safe fork")
KV = tuple[str, int]
SEEDS = range(10)
HUGE = 1_200_000
"""Bytes of the largest elements: eight are more than `spill.SMALL`, so that whole partitions become tasks."""


class Count(beam.DoFn):
    """Hands elements on; counts them and their values."""

    def __init__(self, name: str):
        self.seen = Metrics.counter("parity", f"{name}-seen")
        self.values = Metrics.distribution("parity", f"{name}-values")

    def process(self, pair: KV) -> Iterator[KV]:
        self.seen.inc()
        self.values.update(pair[1])
        yield pair


class Divide(beam.DoFn):
    """Even values to the main output, odd ones to a tagged one."""

    def process(self, pair: KV) -> Iterator:
        yield pair if pair[1] % 2 == 0 else beam.pvalue.TaggedOutput("odd", pair)


def _total(key: str, values: Iterable[int]) -> KV:
    return key, sum(values)


def _grow(pair: KV) -> tuple[str, bytes]:
    return pair[0], bytes(HUGE if pair[1] % 7 == 0 else pair[1] % 5)


def _plus(pair: KV, others: Iterable[KV]) -> KV:
    return pair[0], pair[1] + sum(value for _, value in others)


def _looked_up(pair: KV, table: dict[str, int]) -> KV:
    return pair[0], pair[1] + table.get(pair[0], -1)


Pairs = beam.PCollection
STEPS: dict[str, Callable[[Pairs, Pairs], Pairs]] = {
    "map": lambda pairs, _: pairs | beam.MapTuple(lambda k, v: (k, v + 1)).with_output_types(KV),
    "flat map": lambda pairs, _: pairs | beam.FlatMap(lambda kv: [kv] * (kv[1] % 3)).with_output_types(KV),
    "nothing": lambda pairs, _: pairs | beam.Filter(lambda kv: kv[1] < -1000).with_output_types(KV),
    "group": lambda pairs, _: pairs | beam.GroupByKey() | beam.MapTuple(_total).with_output_types(KV),
    "few keys": lambda pairs, _: pairs | beam.MapTuple(lambda k, v: (k[:1], v)).with_output_types(KV),
    "combine": lambda pairs, _: pairs | beam.CombinePerKey(sum).with_output_types(KV),
    "flatten": lambda pairs, other: (pairs, other) | beam.Flatten(),
    "twice": lambda pairs, _: (pairs, pairs) | beam.Flatten(),
    "reshuffle": lambda pairs, _: pairs | beam.Reshuffle(),
    "side list": lambda pairs, other: pairs | beam.Map(_plus, beam.pvalue.AsIter(other)).with_output_types(KV),
    "side table": lambda pairs, other: (
        pairs | beam.Map(_looked_up, beam.pvalue.AsDict(other | beam.CombinePerKey(max))).with_output_types(KV)
    ),
    "huge": lambda pairs, _: (
        pairs
        | beam.Map(_grow).with_output_types(tuple[str, bytes])
        | beam.GroupByKey()
        | beam.MapTuple(lambda k, blocks: (k, sum(map(len, blocks)))).with_output_types(KV)
    ),
    "windows": lambda pairs, _: (
        pairs
        | beam.Map(lambda kv: TimestampedValue(kv, kv[1] % 40)).with_output_types(KV)
        | beam.WindowInto(FixedWindows(10))
        | beam.CombinePerKey(sum).with_output_types(KV)
        | "back" >> beam.WindowInto(GlobalWindows())
    ),
    "tags": lambda pairs, _: (pairs | beam.ParDo(Divide()).with_outputs("odd", main="even")).odd,
}


def pairs_of(rng: random.Random) -> list[KV]:
    size = rng.choice([0, 1, 30, 150])
    return [(f"{rng.randrange(1 + size // 4)}键", rng.randrange(100)) for _ in range(size)]


def results(runner: beam.runners.PipelineRunner, seed: int, out: Path) -> tuple[str, dict]:
    """(sorted elements at the end, counters and distributions) of the pipeline that a seed describes."""
    rng = random.Random(seed)
    pipeline = beam.Pipeline(runner=runner)
    first, other = (
        pipeline | f"make {name}" >> beam.Create(pairs_of(rng), reshuffle=False).with_output_types(KV) for name in "ab"
    )
    for number, name in enumerate(rng.sample(sorted(STEPS), 5)):
        step = STEPS[name]
        # A composite of its own, so that labels inside do not collide.
        first = (first, other) | f"{number} {name}" >> beam.ptransform_fn(lambda both, step: step(*both))(step)
        first = first | f"count {number}" >> beam.ParDo(Count(f"{number} {name}")).with_output_types(KV)
    (
        first
        | beam.Map(lambda kv: (0, repr(kv))).with_output_types(tuple[int, str])
        | beam.GroupByKey()
        | beam.MapTuple(lambda _, all: out.write_text("\n".join(sorted(all)), encoding="utf-8"))
    )
    result = pipeline.run()
    result.wait_until_finish()
    metrics = result.metrics().query()
    numbers = {
        (metric.key.step, metric.key.metric.name): metric.committed
        for kind in ("counters", "distributions")
        for metric in metrics[kind]
    }
    return out.read_text(encoding="utf-8") if out.exists() else "", numbers


@pytest.mark.parametrize("seed", SEEDS)
def test_random_pipeline__same_elements_and_counters_as_beams_runner(tmp_path, seed):
    expected = results(FnApiRunner(), seed, tmp_path / "beam")
    for workers in (1, 2, 3):
        runner = LocalRunner(workers, scratch=tmp_path)
        assert results(runner, seed, tmp_path / str(workers)) == expected, f"{workers} workers"


def test_random_pipelines__use_every_step():
    used: set[str] = set()
    for seed in SEEDS:
        rng = random.Random(seed)
        pairs_of(rng), pairs_of(rng)
        used.update(rng.sample(sorted(STEPS), 5))
    assert used == set(STEPS)
