"""Data sets of the Hugging Face hub, by its own file system, against a small server that answers as the hub does."""

import hashlib
import http.server
import json
import re
import threading
from typing import ClassVar
from urllib.parse import unquote

import fsspec
import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

pytest.importorskip("huggingface_hub")

FILES = {
    "data/a.jsonl": '{"text": "The mill."}\n{"text": "磨坊"}\n'.encode() * 3,
    "data/more/b.jsonl": '{"text": "水车"}\n'.encode(),
    "README.md": b"# A set\n",
}


class Hub(http.server.BaseHTTPRequestHandler):
    """One data set, `mill/corpus`, and a gated one."""

    protocol_version = "HTTP/1.1"
    files: ClassVar = dict(FILES)

    def log_message(self, *_):
        """Silent."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(self.path.split("?")[0])
        if "/gated" in path:
            return self._send(b"{}", 401, {"X-Error-Code": "GatedRepo"})
        if "/mill/corpus" not in path:
            return self._send(b"{}", 404, {"X-Error-Code": "RepoNotFound"})
        if "/tree/" in path:
            folder, recursive = path.partition("/tree/main")[2].strip("/"), "recursive=true" in self.path.lower()
            return self._json(self._tree(folder, recursive))
        if "/resolve/" in path:
            data = self.files[path.partition("/resolve/main/")[2]]
            wanted = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if wanted:
                data = data[int(wanted[1]) : int(wanted[2]) + 1 if wanted[2] else None]
            return self._send(data, 206 if wanted else 200, {"ETag": '"x"', "X-Repo-Commit": "c" * 40})
        return self._json({"id": "mill/corpus", "sha": "c" * 40, "siblings": [], "tags": [], "private": False})

    def _tree(self, folder: str, recursive: bool) -> list[dict]:
        found: dict[str, dict] = {}
        for name, data in self.files.items():
            below = name.removeprefix(f"{folder}/") if folder else name
            if folder and below == name:
                continue
            parts = below.split("/")
            for depth in range(1, len(parts) if recursive else min(2, len(parts))):
                path = "/".join(filter(None, (folder, *parts[:depth])))
                found[path] = {"type": "directory", "path": path, "oid": "d" * 40, "size": 0}
            if recursive or len(parts) == 1:
                oid = hashlib.sha1(data).hexdigest()
                found[name] = {"type": "file", "path": name, "size": len(data), "oid": oid}
        return list(found.values())

    def _json(self, value):
        self._send(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = {"endpoint": f"http://127.0.0.1:{server.server_port}", "token": False}
    monkeypatch.setitem(fsspec.config.conf, "hf", options)
    monkeypatch.setattr(Hub, "files", dict(FILES))
    yield Hub
    server.shutdown()


def texts(path: str, folder) -> list[str]:
    source = schema.Source(format="jsonl", paths=[path])
    units = plan_source("web", source, folder, 30)
    found = [read_unit(unit, source, schema.Read(), schema.Extract()) for unit in units]
    return [text for records in found for one in records for text in one.batch.column("text").to_pylist()]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("hf://datasets/mill/corpus/data/a.jsonl", ["The mill.", "磨坊"] * 3),
        ("hf://datasets/mill/corpus", ["The mill.", "磨坊"] * 3 + ["水车"]),
        ("hf://datasets/mill/corpus/data/*.jsonl", ["The mill.", "磨坊"] * 3),
        ("hf://datasets/mill/corpus/**/b.jsonl", ["水车"]),
    ],
)
def test_read__a_file_a_folder_a_pattern(hub, tmp_path, path, wanted) -> None:
    assert texts(path, tmp_path) == wanted


def test_read__a_file_that_changed_since_it_was_planned(hub, tmp_path) -> None:
    source = schema.Source(format="jsonl", paths=["hf://datasets/mill/corpus/data/more"])
    (unit,) = plan_source("web", source, tmp_path, 1000)
    assert unit.splits[0].etag.startswith("blob_id=")
    hub.files["data/more/b.jsonl"] = '{"text": "风车"}\n'.encode()
    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract()))


@pytest.mark.parametrize("path", ["mill/nothing", "mill/corpus/nothing.jsonl", "mill/gated/a.jsonl"])
def test_plan__what_is_not_there_or_not_allowed(hub, tmp_path, path) -> None:
    with pytest.raises(InputError, match=f"nothing matches 'hf://datasets/{path}'") as caught:
        texts(f"hf://datasets/{path}", tmp_path)
    assert "HF_TOKEN" in caught.value.fix
