"""OpenLineage events: as the published schemas want them, to a server that takes them as theirs do, or to a file."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.run.published.lineage import FACETS, SPEC, Lineage, dataset, inputs_of, outputs_of, public

SCHEMAS = [json.loads(file.read_text("utf-8")) for file in (Path(__file__).parent / "openlineage").glob("*.json")]
REGISTRY = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in SCHEMAS)


def check(event: dict) -> None:
    """Against the schema that the event names, and every facet against the one that it names."""
    _valid(event, event["schemaURL"])
    places = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    for place in places:
        for key in ("facets", "inputFacets", "outputFacets"):
            for name, facet in place.get(key, {}).items():
                assert facet["_schemaURL"] == f"{SPEC}/facets/{FACETS[name]}"
                _valid(facet, facet["_schemaURL"])


def _valid(value: dict, schema: str) -> None:
    Draft202012Validator({"$ref": schema}, registry=REGISTRY, format_checker=FormatChecker()).validate(value)


class Receiver:
    """Takes POST /api/v1/lineage : JSON of the schema gives 201, anything else 4xx; or it is out of order."""

    def __init__(self, status: int = 201, key: str | None = None):
        self.events: list[dict] = []
        self.requests = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.requests += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = status
                if self.path != "/api/v1/lineage":
                    code = 404
                elif self.headers["Content-Type"] != "application/json":
                    code = 415
                elif key and self.headers["Authorization"] != f"Bearer {key}":
                    code = 401
                else:
                    try:
                        check(json.loads(body))
                    except Exception:
                        code = 422
                if code == 201:
                    receiver.events.append(json.loads(body))
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    made: list[Receiver] = []

    def make(**options) -> Receiver:
        made.append(Receiver(**options))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()


def test_emit__a_whole_life_is_taken_by_a_server(receiver):
    server, told = receiver(), []
    lineage = Lineage.to(server.url, "mill", told.append)
    inputs = inputs_of({"web": ["/data/*.jsonl"], "网页": ["s3://bucket/a", "s3://bucket/b"]}, {"web": (3, 1234)})
    outputs = outputs_of("s3://bucket/run", {"text": {"rows": 5, "bytes": 70, "content": "ab" * 16, "shards": [1, 2]}})
    for kind in ("START", "RUNNING", "COMPLETE"):
        lineage.emit(kind, inputs, outputs)
    assert told == []
    assert [event["eventType"] for event in server.events] == ["START", "RUNNING", "COMPLETE"]
    assert len({event["run"]["runId"] for event in server.events}) == 1
    event = server.events[-1]
    assert [(one["namespace"], one["name"]) for one in event["inputs"]] == [
        ("file", "/data/*.jsonl"), ("s3://bucket", "a"), ("s3://bucket", "b")
    ]  # fmt: skip
    assert event["inputs"][0]["inputFacets"]["inputStatistics"]["size"] == 1234
    assert "inputFacets" not in event["inputs"][1]
    (text,) = event["outputs"]
    assert (text["namespace"], text["name"]) == ("s3://bucket", "run/text")
    assert text["outputFacets"]["outputStatistics"]["rowCount"] == 5
    assert text["facets"]["version"]["datasetVersion"] == "ab" * 16


def test_emit__a_failure_says_why_in_one_line_without_secrets_or_names(receiver, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/wang.xiaoming")
    server = receiver()
    error = "cannot read /home/wang.xiaoming/zhang@qq.com.jsonl of s3://key:hunter2@bucket/x?token=abc\n  where: there"
    Lineage.to(server.url, "mill", print).emit("FAIL", error=error)
    (event,) = server.events
    message = event["run"]["facets"]["errorMessage"]["message"]
    assert message.startswith("cannot read ~/<EMAIL_ADDRESS> of s3://")
    whole = json.dumps(event)
    assert not any(secret in whole for secret in ("hunter2", "wang.xiaoming", "zhang@qq.com", "token=abc", "where"))


@pytest.mark.parametrize(("path", "namespace", "name"), [
    ("s3://user:secret@bucket/corpus/*.gz?versionId=77", "s3://bucket", "corpus/*.gz"),
    ("https://host:8443/dump.warc.gz?X-Amz-Signature=abc#part", "https://host:8443", "dump.warc.gz"),
    ("/data/语料/a.jsonl", "file", "/data/语料/a.jsonl"),
    ("/home/wang/data", "file", "~/data"),
    ("/home/wangwei/data", "file", "/home/wangwei/data"),
    ("gs://bucket", "gs://bucket", "/"),
])  # fmt: skip
def test_dataset__names_no_secrets(path, namespace, name, monkeypatch):
    monkeypatch.setenv("HOME", "/home/wang")
    assert dataset(path) == {"namespace": namespace, "name": name}


def test_public__a_name_that_is_not_utf8_can_be_sent():
    assert public("/data/caf\udce9") == "/data/caf\\xe9"


@pytest.mark.parametrize("status", [500, 429, 301])
def test_emit__a_server_out_of_order_costs_one_note(receiver, status):
    server, told = receiver(status=status), []
    lineage = Lineage.to(server.url, "mill", told.append)
    for kind in ("START", "RUNNING", "COMPLETE"):
        lineage.emit(kind)
    assert len(told) == 1
    assert "the run goes on" in told[0]
    assert server.requests == 1


def test_emit__nobody_there_or_no_folder_to_write_to(tmp_path):
    (tmp_path / "file").write_text("")
    for target in ("http://127.0.0.1:9", str(tmp_path / "file" / "events.jsonl"), "http://host.invalid:80/x"):
        told: list[str] = []
        lineage = Lineage.to(target, "mill", told.append)
        lineage.emit("START")
        lineage.emit("COMPLETE")
        assert len(told) == 1


def test_emit__to_a_file_one_event_a_line(tmp_path):
    file = tmp_path / "new" / "events.jsonl"
    lineage = Lineage.to(str(file), "mill", pytest.fail)
    lineage.emit("START")
    lineage.emit("ABORT")
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [event["eventType"] for event in events] == ["START", "ABORT"]
    for event in events:
        check(event)


def test_to__the_environment_as_the_specs_clients_read_it(receiver, monkeypatch):
    server = receiver(key="open sesame")
    monkeypatch.setenv("OPENLINEAGE_URL", server.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "open sesame")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "corpora")
    Lineage.to(None, "mill", pytest.fail).emit("START")
    assert server.events[0]["job"]["namespace"] == "corpora"
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    Lineage.to(None, "mill", pytest.fail).emit("COMPLETE")
    monkeypatch.delenv("OPENLINEAGE_URL")
    monkeypatch.delenv("OPENLINEAGE_DISABLED")
    Lineage.to(None, "mill", pytest.fail).emit("COMPLETE")
    assert len(server.events) == 1


def test_to__an_address_of_another_kind_is_an_error():
    for target in ("s3://bucket/events", "kafka://host", "http://"):
        with pytest.raises(RecipeError) as raised:
            Lineage.to(target, "mill", print)
        assert raised.value.where == "--openlineage"
