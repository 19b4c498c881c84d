"""The graph keeps to what every runner does well: typed packed shuffles; no Reshuffle, state, SDF or side inputs."""

import apache_beam as beam
import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.run.graph import build
from gristmill.pipelines.run.job import make_job
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
    problems = []
    for transform in proto.components.transforms.values():
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


@pytest.mark.parametrize("until", ["score", "duplicates", "passages", "text", "tokenizer", "tokens"])
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
    from pathlib import Path

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
