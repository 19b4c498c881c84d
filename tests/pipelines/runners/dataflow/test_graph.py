"""The job that is sent: legal for the service, small whatever the input, one process for each core, no installing."""

import json

import apache_beam as beam
import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.recipe.load import LoadedRecipe, load
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.run.graph import build
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.runners.dataflow import runner as module
from gristmill.pipelines.runners.dataflow.runner import job_name
from gristmill.pipelines.runners.options import choose
from gristmill.pipelines.storage.plan_file import read_plan, write_plan
from gristmill.pipelines.storage.store import Store
from tests.pipelines.runners.dataflow.test_options import IMAGE, arguments

RECIPE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: [PATHS]}
  code: {format: code, paths: "gs://mill/code"}
decide:
  - when: {language: en}
    presets: [gopher@paper]
  - when: {language: zh}
    presets: [chinese@gristmill]
deduplicate: {}
tokenizer: {vocabulary: 640, sample_bytes: 1MB}
tokens: {sequence_length: 64}
"""


def dry_run(loaded: LoadedRecipe, units: list[Unit], *more: str) -> beam_runner_api_pb2.Pipeline:
    """The pipeline as Beam's runner would stage it: no network."""
    chosen = choose("dataflow", 4, [*arguments(), "--dry_run=True", *more])
    chosen.runner.check_access()
    chosen.runner.store = Store("gs://mill/run")
    pipeline = beam.Pipeline(runner=chosen.runner, options=chosen.options)
    build(pipeline, make_job(loaded.recipe, units, chosen.runner.store, 1.0, "tokens"))
    return pipeline.run().job.proto_pipeline


def recipe(tmp_path, paths: int) -> LoadedRecipe:
    named = ", ".join(f"gs://mill/in/网页-{number:06}.jsonl" for number in range(paths))
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("PATHS", named), encoding="utf-8")
    return load(tmp_path / "recipe.yaml")


def units_of(count: int) -> list[Unit]:
    return [Unit("web", (Split(f"gs://mill/in/{number}", 0, 9, 9, "e"),), 9) for number in range(count)]


def test_graph__is_as_small_for_a_hundred_thousand_files_as_for_one(tmp_path):
    one, many = (dry_run(recipe(tmp_path, paths), units_of(units)) for paths, units in ((1, 1), (19_000, 100_000)))
    assert one.ByteSize() < 100_000
    assert abs(one.ByteSize() - many.ByteSize()) < 500
    assert b"gs://mill/code" in str(loaded_payloads(many)).encode(), "what tells a file's place in a repository stays"


def loaded_payloads(graph: beam_runner_api_pb2.Pipeline) -> list:
    """The recipes that its stages hold."""
    from apache_beam.internal import pickler

    found = []
    for transform in graph.components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            fn = pickler.loads(payload.do_fn.payload)[0]
            found.append(getattr(fn, "recipe", None))
    return found


def test_plan__of_a_hundred_thousand_files_travels_as_a_file(tmp_path):
    store, units = Store(str(tmp_path)), units_of(100_000)
    write_plan(store, units)
    assert read_plan(store)[99_999] == units[99_999]


def test_graph_that_grows_with_the_input__is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_GRAPH_BYTES", 502)  # which says nothing about a gateway
    with pytest.raises(RunnerError, match=r"the graph has .* bytes, and 502 are the most"):
        dry_run(recipe(tmp_path, 1), units_of(1))


def test_environment__is_the_image_and_nothing_to_install(tmp_path):
    graph = dry_run(recipe(tmp_path, 1), units_of(1))
    used = {t.environment_id for t in graph.components.transforms.values() if t.environment_id}
    (environment,) = (graph.components.environments[name] for name in used)
    assert beam_runner_api_pb2.DockerPayload.FromString(environment.payload).container_image == IMAGE
    assert list(environment.dependencies) == []
    assert not any("multi_core" in capability for capability in environment.capabilities), "a process for each core"


def test_hint__goes_to_every_stage_and_makes_no_second_environment(tmp_path):
    graph = dry_run(recipe(tmp_path, 1), units_of(1), "--resource_hint=min_ram=16GB")
    used = {t.environment_id for t in graph.components.transforms.values() if t.environment_id}
    (environment,) = (graph.components.environments[name] for name in used)
    assert environment.resource_hints["beam:resources:min_ram_bytes:v1"] == b"16000000000"


def test_name_of_the_job__is_that_of_the_run_directory():
    names = [job_name(Store(f"gs://mill/{path}")) for path in ("runs/Web 2026", "other/Web 2026", "磨坊", "a" * 200)]
    assert len(set(names)) == 4
    assert names[0].startswith("gristmill-web-2026-")
    assert names[2].startswith("gristmill-run-")
    for name in names:
        assert len(name) <= 63
        assert json.dumps(name).isascii()
