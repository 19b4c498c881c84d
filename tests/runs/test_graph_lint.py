"""The graph keeps to what every runner does well: typed packed shuffles; no Reshuffle, state, SDF or side inputs."""

from collections import Counter, defaultdict
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.graph import build
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.stages.exchange import Block, GroupBlocks
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store

ALLOWED_CODERS = {"beam:coder:kv:v1", "beam:coder:varint:v1", "beam:coder:bytes:v1", "beam:coder:iterable:v1",
                  "beam:coder:string_utf8:v1", "beam:coder:length_prefix:v1"}  # fmt: skip
OURS = ("UnitCoder", "ReceiptCoder", "RecordBatchCoder")
FORBIDDEN_URNS = (
    "beam:transform:reshuffle:v1",
    "beam:transform:sdf",
    "beam:transform:combine_globally:v1",
)


def proto_of(corpus, tmp_path, until: str = "tokens") -> beam_runner_api_pb2.Pipeline:
    recipe = load(corpus.recipe).recipe
    unit = Unit("web", (Split("/a", 0, 1, 1, "e"),), 1)
    job = make_job(recipe, [unit], Store(str(tmp_path)), 1.0, until)
    pipeline = beam.Pipeline(runner=FnApiRunner())
    build(pipeline, job)
    return pipeline.to_runner_api()


def lint(proto: beam_runner_api_pb2.Pipeline) -> list[str]:
    """What a graph does that some runner does badly."""
    transforms = proto.components.transforms.values()
    shuffles = [one for one in transforms if one.spec.urn == "beam:transform:group_by_key:v1"]
    into_shuffles = {source for one in shuffles for source in one.inputs.values()}
    problems = []
    for transform in transforms:
        if transform.spec.urn == "beam:transform:flatten:v1" and into_shuffles & set(transform.inputs.values()):
            # "A PCollectionNode should have exactly one producing PTransformNode", says the fuser of Spark and Flink.
            problems.append(f"{transform.unique_name}: an input goes into a shuffle, too")
        urn, name = transform.spec.urn, transform.unique_name
        if urn.startswith(FORBIDDEN_URNS) or "Reshuffle" in name:
            problems.append(f"{name}: {urn}")
        if urn == "beam:transform:group_by_key:v1":
            problems += [f"{name}: {problem}" for problem in shuffled(proto, transform)]
        if urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            if payload.state_specs or payload.timer_family_specs or payload.restriction_coder_id or payload.side_inputs:
                problems.append(f"{name}: state, timers, SDF or a side input")
    return problems


def shuffled(proto: beam_runner_api_pb2.Pipeline, transform: beam_runner_api_pb2.PTransform) -> list[str]:
    """Coders of a shuffle's input that are none of ours, and keys that are no integers."""
    (source,) = transform.inputs.values()
    coder = proto.components.coders[proto.components.pcollections[source].coder_id]
    if coder.spec.urn != "beam:coder:kv:v1":
        return [f"input is {coder.spec.urn}"]
    key, value = (proto.components.coders[part] for part in coder.component_coder_ids)
    problems = [] if key.spec.urn == "beam:coder:varint:v1" else [f"key is {key.spec.urn}"]
    known = value.spec.urn in ALLOWED_CODERS or any(name.encode() in value.spec.payload for name in OURS)
    return problems if known else [*problems, f"value is {value.spec.urn}, a fallback coder"]


@pytest.mark.parametrize(
    "until",
    ["score", "overlaps", "duplicates", "contamination", "passages", "substrings", "text", "tokenizer", "tokens"],
)
def test_graph__is_clean_whatever_stage_it_ends_with(corpus, tmp_path, until):
    proto = proto_of(corpus, tmp_path, until)
    assert lint(proto) == []
    shuffles = [t for t in proto.components.transforms.values() if t.spec.urn == "beam:transform:group_by_key:v1"]
    assert shuffles


class Untyped(beam.DoFn):
    def process(self, element):
        yield "key", object()


def test_lint__finds_what_it_is_for(corpus, tmp_path):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    source = pipeline | beam.Create([1])
    _ = source | beam.ParDo(Untyped()) | beam.GroupByKey()
    _ = source | "again" >> beam.Reshuffle()
    _ = source | "side" >> beam.Map(lambda x, y: x, beam.pvalue.AsSingleton(source))
    problems = lint(pipeline.to_runner_api())
    assert any("fallback coder" in problem for problem in problems)
    assert any("key is" in problem for problem in problems)
    assert any("Reshuffle" in problem for problem in problems)
    assert any("side input" in problem for problem in problems)


def test_no_product_code_names_what_is_forbidden():
    forbidden = (
        "DirectRunner",
        "WriteToText",
        "WriteToFiles",
        "with_exception_handling",
        "GroupIntoBatches",
        "AsList(",
        "AsDict(",
    )
    for file in Path("pipelines").rglob("*.py"):
        code = [line.split("#")[0] for line in file.read_text(encoding="utf-8").splitlines()]
        for word in forbidden:
            assert not any(word in line for line in code), f"{file}: {word}"


class Weigh(beam.DoFn):
    """Writes down the bytes of each key of a shuffle, and hands everything on."""

    def __init__(self, shuffle: str, file: Path):
        self.shuffle, self.file = shuffle, file

    def process(self, block):
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{self.shuffle}\t{block[0]}\t{len(block[1])}\n")
        yield block


IN_ONE_PLACE = {"AllFiles": 200, "all units": 6000, "all receipts": 6000, "barrier of duplicates": 6000}
"""Shuffles with one key -> most bytes for each unit: addresses, receipts. They do not grow with a unit's documents."""


def test_no_key__holds_more_than_its_share_of_the_bytes(corpus, tmp_path, monkeypatch):
    def expand(self, blocks):
        return whole(self, blocks | beam.ParDo(Weigh(self.label, tmp_path / "weights")).with_output_types(Block))

    whole, documents, partitions = GroupBlocks.expand, 160, 20
    monkeypatch.setattr(GroupBlocks, "expand", expand)
    finer = corpus.with_recipe("finer", "partition_documents: 20", f"partition_documents: {documents // partitions}")
    execute(Request(finer.recipe, tmp_path / "run", runner="fnapi", until="text"))
    units = len(read_plan(Store(str(tmp_path / "run"))))
    weights: dict[str, Counter] = defaultdict(Counter)
    for line in (tmp_path / "weights").read_text(encoding="utf-8").splitlines():
        shuffle, key, size = line.split("\t")
        weights[shuffle][key] += int(size)
    bands = weights["ByKey"]
    assert len(bands) >= partitions
    assert max(bands.values()) < 3 * sum(bands.values()) / partitions
    for shuffle, each in IN_ONE_PLACE.items():
        (size,) = weights[shuffle].values()
        assert size < each * units, shuffle
    (forests,) = weights["InOnePlace"].values()
    assert forests < 64 * documents, "a forest has fewer edges than documents"
