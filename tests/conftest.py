"""The poison directory: every kind of bad input beside good records, and what must become of each. An S3 server.

Which test files begin first, and what Python's collector of garbage leaves alone.
"""

import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.garbage import leave_what_is_there

pytest_plugins = ["tests.google_cloud.fixture", "tests.small_models", "tests.small_networks"]

LONG_LINE_BYTES = 50_000_000


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every command that a test starts and interrupts. And no
    file is waited for."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.fsync = is_open


def is_open(file: int | IO) -> None:
    """In the place of `os.fsync`: no test cuts the power, and a small run waits 270 times for the disk, as long as it
    computes. Processes that tests start wait as ever."""
    os.fstat(file if isinstance(file, int) else file.fileno())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, then those with whole runs and processes: none is left to one worker at the end.

    Trainings first among them: then one worker compiles the kernels of runs before the other one asks for them.
    """

    def weight(item: pytest.Item) -> int:
        whole_runs = item.get_closest_marker("process") is not None or "runs" in item.path.parts
        return 2 if item.get_closest_marker("slow") else int(whole_runs)

    weights: dict[Path, int] = {}
    for item in items:
        weights[item.path] = max(weights.get(item.path, 0), weight(item))
    numbers = {path: number for number, path in enumerate(weights)}
    items.sort(key=lambda item: (-weights[item.path], -numbers[item.path]))


def pytest_collection_finish() -> None:
    """Modules and thousands of tests stay: looking for garbage among them again and again takes a tenth of the time."""
    leave_what_is_there()


@dataclass(frozen=True)
class Poison:
    """`sources` as a recipe has them; `outcomes`: source -> (documents, dropped, dead letters)."""

    folder: Path
    sources: dict[str, dict]
    outcomes: dict[str, tuple[int, int, int]]


@pytest.fixture(scope="session")
def poison(tmp_path_factory: pytest.TempPathFactory) -> Poison:
    """Written once; nothing in it may be changed."""
    folder = tmp_path_factory.mktemp("poison")
    sources: dict[str, dict] = {}
    outcomes: dict[str, tuple[int, int, int]] = {}
    for form, files in {"jsonl": _jsonl(), "warc": _warc(), "html": _html()}.items():
        for name, (data, expected) in files.items():
            (folder / name).write_bytes(data)
            _add(sources, outcomes, form, name, expected)
    pq.write_table(pa.table({"body": ["有正文的列不叫这个名字"], "url": ["x"]}), folder / "no_text.parquet")
    (folder / "corrupt.parquet").write_bytes((folder / "no_text.parquet").read_bytes()[:-9])
    (folder / "empty.parquet").write_bytes(b"")
    for name, dead in (("corrupt", 1), ("empty", 0)):
        _add(sources, outcomes, "parquet", f"{name}.parquet", (0, 0, dead))
    # Beside a file that has it: a source of which no record has a text is an error of the recipe.
    pq.write_table(pa.table({"text": ["这个文件有正文"]}), folder / "has_no_text.parquet")
    _add(sources, outcomes, "parquet", "*no_text.parquet", (1, 0, 1))
    return Poison(folder, sources, outcomes)


def _add(sources: dict, outcomes: dict, form: str, name: str, expected: tuple[int, int, int]) -> None:
    key = name.replace(".", "_").removeprefix("*")
    sources[key] = {"format": form, "paths": [name]}
    outcomes[key] = expected


def line(number: int, text: str = "Good text stays beside bad text. 好的文字留在坏的旁边。") -> bytes:
    return json.dumps({"id": number, "text": f"{number} {text}"}, ensure_ascii=False).encode() + b"\n"


def _jsonl() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    whole = gzip.compress(b"".join(line(i, str(i * 7919) * 9) for i in range(3000)), mtime=0)
    cut = whole[: len(whole) // 2]
    left = zlib.decompressobj(wbits=31).decompress(cut).count(b"\n")
    bad = [
        b"[1, 2]\n",
        b'"text"\n',
        b"7\n",
        b"null\n",
        b'{"id": 1}\n',
        b'{"text": 5}\n',
        b'{"text": "x"\n',
        b"[" * 50_000 + b"\n",
    ]
    return {
        "cut.jsonl.gz": (cut, (left, 0, 1)),
        "invalid_utf8.jsonl": (line(1) + b'{"text": "caf\xe9"}\n' + line(2), (2, 0, 1)),
        "surrogates.jsonl": (line(1) + b'{"text": "half \\ud83d here"}\n{"text": "\\ud83d\\ude00"}\n', (2, 0, 1)),
        "nul.jsonl": (b'{"text": "NUL \\u0000 is a character"}\r\n' + line(2), (2, 0, 0)),
        "long.jsonl": (line(1) + b'{"text": "' + b"x" * LONG_LINE_BYTES + b'"}\n' + line(2), (2, 0, 1)),
        "objects.jsonl": (b"\xef\xbb\xbf" + line(1) + b"".join(bad) + b"\n  \n" + line(2)[:-1], (2, 0, len(bad))),
        "duplicate_ids.jsonl": (line(1) + line(1) + line(1, "another text"), (3, 0, 0)),
        "empty.jsonl": (b"", (0, 0, 0)),
    }


def warc_record(number: int, body: bytes, status: int = 200, content_type: str = "text/html; charset=utf-8") -> bytes:
    """A response record, with its separator."""
    block = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\n\r\n" % (status, content_type.encode()) + body
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%d>\r\n" % number
    head += b"WARC-Target-URI: http://example.org/%d\r\nContent-Type: application/http; msgtype=response\r\n" % number
    return head + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n"


def _warc() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    page = (
        "<html><body><main><p>Page {}: a sentence long enough to be kept. 这是第{}页的正文。</p></main></body></html>"
    )
    records = [warc_record(i, page.format(i, i).encode()) for i in range(6)]
    members = [gzip.compress(record, mtime=0) for record in records]
    broken = members[2][:40] + b"\xff\x00\xff\xff" + members[2][44:]
    wrong = records[2].replace(b"Content-Length: ", b"Content-Length: 9")
    not_found, empty = warc_record(7, b"gone", 404), warc_record(8, b"<html><nav>Home</nav></html>")
    return {
        "broken.warc.gz": (b"".join([*members[:2], broken, *members[3:]]), (5, 0, 1)),
        "cut.warc.gz": (b"".join(members)[:-20], (5, 0, 1)),
        "wrong_length.warc": (b"".join([*records[:2], wrong, *records[3:]]), (5, 0, 1)),
        "drops.warc": (
            b"".join([records[0], not_found, empty, warc_record(9, b"\x89PNG", content_type="image/png")]),
            (1, 3, 0),
        ),
    }


def _html() -> dict[str, tuple[bytes, tuple[int, int, int]]]:
    chinese = "<html><head><meta charset=gb2312></head><body><p>汉字网页，含有“镕”字和€符号。</p></body></html>".encode(
        "gb18030"
    )
    return {
        "nested.html": (b"<div>" * 100_000 + b"bottom", (0, 0, 1)),
        "chinese.html": (chinese, (1, 0, 0)),
        "empty.html": (b"", (0, 0, 0)),
    }


SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@dataclass
class ObjectStore:
    """moto's S3 server, in a process of its own, which ends with our end of its stdin."""

    port: int
    key: str = "AKIAGRISTMILLTEST000"
    secret: str = "s3cret/of+the/tests/never/in/any/file"
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What a user sets to reach it; `port`: that of a proxy."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port or self.port}",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self, service: str = "s3"):
        """boto3's: another client than the product's, to look and to put."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{next(self._numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Of everything in a bucket that begins so."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Key -> content of everything in a bucket that nothing writes to."""
        client = self.client()
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in self.keys(bucket)}

    def user(self, policy: dict) -> dict[str, str]:
        """The environment of a new user with these rights; they hold from `check_rights_after(0)` on."""
        users, name = self.client("iam"), f"user-{next(self._numbers)}"
        users.create_user(UserName=name)
        users.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
        key = users.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def check_rights_after(self, actions: float) -> None:
        """From then on moto knows no key, and refuses: as a wrong key does. `inf`: never."""
        url, data = f"http://127.0.0.1:{self.port}/moto-api/reset-auth", str(actions).encode()
        headers = {"Content-Type": "application/octet-stream"}
        urllib.request.urlopen(urllib.request.Request(url, data, headers, method="POST")).close()


def _listening(command: list[str]) -> tuple[subprocess.Popen, int]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """A real S3-compatible server on loopback."""
    process, port = _listening([sys.executable, "-c", SERVE])
    yield ObjectStore(port)
    process.kill()
    process.wait()


@pytest.fixture
def s3(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The server, with the environment of this process set for it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in object_store.environment().items():
        monkeypatch.setenv(name, value)
    return object_store


@pytest.fixture
def flaky(object_store: ObjectStore) -> Iterator[Callable[[int], int]]:
    """Function: N -> the port of a proxy before the server, which hurts four requests of every N."""
    running = []

    def start(period: int) -> int:
        command = [sys.executable, str(Path(__file__).parent / "flaky_store.py"), str(object_store.port), str(period)]
        process, port = _listening(command)
        running.append(process)
        return port

    yield start
    for process in running:
        process.kill()
        process.wait()
