"""Object stores: what is worth another try, what is said when it is not, and what is never said."""

import errno
import json
import os
import pickle
import subprocess
import sys
import urllib.request
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aiohttp import ClientPayloadError
from aiohttp.http_exceptions import ContentLengthError
from fsspec.implementations.local import LocalFileSystem

from gristmill.pipelines.errors import GristmillError, InputError, RecipeError, RunnerError
from gristmill.pipelines.storage import remote
from gristmill.pipelines.storage.addresses import check_address, redacted
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store

pytestmark = pytest.mark.process


@pytest.fixture
def run(s3):
    return Store.at(f"s3://{s3.bucket()}/run")


@pytest.fixture
def impatient(monkeypatch):
    """Short waits, and none but ours: botocore's own tries are off."""
    monkeypatch.setattr(remote, "WAIT_SECONDS", 0.01)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    _forget_clients()
    yield
    _forget_clients()


def _forget_clients():
    """A client keeps the environment that it was made in."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_hurt_requests__every_operation_gets_through(s3, run, flaky, impatient, monkeypatch, tmp_path):
    port = flaky(11)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    for number in range(8):
        run.write_json(f"receipts/{number}.json", {"源": number})
    data = os.urandom(36 << 20)  # goes up in three pieces
    (tmp_path / "part").write_bytes(data)
    run.publish(tmp_path / "part", "text/part.arrow")
    assert [run.read_json(f"receipts/{number}.json") for number in range(8)] == [{"源": n} for n in range(8)]
    assert run.names("receipts") == [f"{number}.json" for number in range(8)]
    assert run.exists("text/part.arrow")
    assert not run.exists("text/other.arrow")
    with run.on_disk("text/part.arrow") as copy:
        assert copy.read_bytes() == data
    with run.open("text/part.arrow") as file:
        assert b"".join(iter(lambda: file.read(1 << 20), b"")) == data
    run.delete("receipts")
    hurt = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/hurt").read())
    assert min(hurt.values()) > 0
    assert {key: len(value) for key, value in s3.objects(run.root.split("/")[2]).items()} == {
        "run/text/part.arrow": len(data)
    }


def test_answer_that_breaks_off__is_asked_for_again():
    """aiohttp gives such an answer the code 400, as if the store had refused."""
    broken = ClientPayloadError("Response payload is not completed")
    broken.__cause__ = ContentLengthError("Not enough data for satisfy content length header.")
    assert remote.passes(broken)


def test_default_patience__gets_through_as_well(s3, run, flaky, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{flaky(10)}")
    _forget_clients()
    for number in range(4):
        run.write_json("state.json", number)
        assert run.read_json("state.json") == number
    _forget_clients()


def test_create__one_of_many_processes(s3, run):
    code = f"from gristmill.pipelines.storage import remote; print(remote.create('{run.url('lock')}', b'%d'))"
    made = [subprocess.Popen([sys.executable, "-c", code % n], stdout=subprocess.PIPE, text=True) for n in range(2)]
    answers = [process.communicate()[0].strip() for process in made]
    assert sorted(answers) == ["False", "True"]
    assert run.read_bytes("lock") == str(answers.index("True")).encode()
    assert remote.create(run.url("lock"), run.read_bytes("lock")), "an answer that was lost"


def test_names__sees_what_another_client_has_put_since(s3, run):
    run.write_json("text/a.json", 1)
    assert run.names("text") == ["a.json"]
    bucket = run.root.split("/")[2]
    s3.client().put_object(Bucket=bucket, Key="run/text/b.json", Body=b"1")
    assert run.names("text") == ["a.json", "b.json"]
    s3.client().delete_object(Bucket=bucket, Key="run/text/a.json")
    assert not run.exists("text/a.json")
    assert run.read_json("text/a.json") is None


def test_fork__child_and_parent_both_reach_the_store(s3, run):
    run.write_json("a.json", 1)
    child = os.fork()
    if child == 0:
        os._exit(run.read_json("a.json") + 10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 11
    assert run.read_json("a.json") == 1


WRONG = [
    ("write_json", ("a.json", 1)),
    ("read_json", ("a.json",)),
    ("names", ("text",)),
    ("exists", ("text",)),
    ("delete", ("text",)),
]


@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_no_permission__is_said_and_never_taken_for_absence(s3, run, name, arguments):
    s3.check_rights_after(0)
    try:
        with pytest.raises(RecipeError, match=r"no permission for s3://bucket-\d+ ") as caught:
            getattr(run, name)(*arguments)
    finally:
        s3.check_rights_after(float("inf"))
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix
    assert s3.secret not in str(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize("path", ["run.lock", "curated"])
def test_delete__what_the_store_refuses_is_said(s3, run, monkeypatch, path):
    for name in ("run.lock", "curated/一.arrow", "curated/2.arrow", "curated/deep/3.arrow"):
        run.write_bytes(name, b"text")
    bucket = run.root.split("/")[2]
    actions = [f"s3:{name}" for name in ("ListBucket", "GetObject", "PutObject")]
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{bucket}{end}" for end in ("", "/*")]}
        ]
    }
    for name, value in s3.user({"Version": "2012-10-17", **policy}).items():
        monkeypatch.setenv(name, value)
    s3.check_rights_after(0)
    try:
        with pytest.raises(RecipeError, match=r"no permission for s3://bucket-\d+ "):
            run.delete(path)
    finally:
        s3.check_rights_after(float("inf"))
    assert len(s3.objects(bucket)) == 4
    run.delete(path)
    assert not [key for key in s3.objects(bucket) if key.startswith(f"run/{path}")]


@pytest.mark.parametrize(("name", "arguments"), WRONG[:3])
def test_missing_bucket__is_said(s3, name, arguments):
    with pytest.raises(RecipeError, match="there is no bucket s3://never-made"):
        getattr(Store.at("s3://never-made/run"), name)(*arguments)


def test_dead_endpoint__ends_after_some_tries(run, impatient, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RunnerError, match="does not answer after 5 tries") as caught:
        run.read_json("run.json")
    assert "AWS_ENDPOINT_URL" in caught.value.fix


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://b/a", "AWS_ENDPOINT_URL"),
        ("hf://datasets/a/b", "HF_ENDPOINT"),
        ("gs://b/a", "STORAGE_EMULATOR_HOST"),
        ("az://b/a", "network, proxy"),
    ],
)
def test_no_answer__says_what_its_kind_of_store_goes_by(url, said):
    assert said in remote.explain(TimeoutError(), url).fix


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("s3://AKIA123:wJalr/XUtnF@bucket/run", "holds credentials"),
        ("s3://AKIA123:wJalrXUtnF@bucket/run", "holds credentials"),
        ("sftp://user:12345@host/run", "holds credentials"),
        ("https://host/a.jsonl?X-Amz-Signature=wJalrXUtnF", "holds credentials"),
        ("https://host/a.jsonl?sv=1&sig=wJalrXUtnF", "holds credentials"),
        ("nosuch://bucket/run", "unknown protocol 'nosuch://'"),
        ("abfs://container@account/run", "nothing here opens abfs://"),
    ],
)
def test_bad_address__is_refused_without_repeating_it(address, what):
    with pytest.raises(RecipeError, match=what) as caught:
        Store.at(address)
    assert "wJalr" not in str(caught.value)
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://host:8080/a@b/c.jsonl?page=1", "memory://bucket/a:b@c", "zip://a::/b.zip"])
def test_good_address__is_taken(address):
    check_address(address, "here")


@pytest.mark.parametrize("protocol", ["s3", "gs", "hf"])
def test_missing_package__names_the_extra(protocol):
    code = (
        "import sys; sys.modules['s3fs'] = sys.modules['gcsfs'] = sys.modules['huggingface_hub'] = None\n"
        "from gristmill.pipelines.storage.store import Store\n"
        f"try: Store.at('{protocol}://bucket/run')\n"
        "except Exception as error: print(type(error).__name__, error.fix)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"RecipeError pip install 'gristmill[{protocol}]'"


def test_redacted__environment_and_addresses(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "whenever")
    text = "wJalrXUtnFEMI/K7MDENG, FwoGZXIvYXdzEXAMPLE, s3://a:b/c@d/e, https://h/?X-Amz-Signature=abc&x=1 中 whenever"
    assert redacted(text) == "***, ***, s3://***@d/e, https://h/?X-Amz-Signature=***&x=1 中 whenever"


def test_pickled_store__travels_without_credentials(s3, run):
    run.write_json("a.json", 1)
    raw = pickle.dumps(run)
    assert s3.secret.encode() not in raw
    assert s3.key.encode() not in raw
    assert pickle.loads(raw) == run


class Disk(LocalFileSystem):
    """A protocol with folders, such as sftp, that fsspec writes to piece by piece; notes what is visible half-way."""

    protocol = "disk"
    cachable = False
    halfway: list[Path] = []  # noqa: RUF012

    def put_file(self, lpath, rpath, **_):
        Path(rpath).write_bytes(Path(lpath).read_bytes()[:2])
        Disk.halfway += [file for file in Path(rpath).parents[1].iterdir() if file.is_file()]
        Path(rpath).write_bytes(Path(lpath).read_bytes())

    @classmethod
    def _strip_protocol(cls, path):
        return path.removeprefix("disk://")

    def makedirs(self, path, exist_ok=False):
        Path(path).mkdir(parents=True, exist_ok=exist_ok)


def test_store_with_folders__a_file_is_put_aside_and_renamed(tmp_path):
    fsspec.register_implementation("disk", Disk, clobber=True)
    store = Store.at(f"disk://{tmp_path}/run")
    for content in (b"first", b"second"):
        (tmp_path / "part").write_bytes(content)
        store.publish(tmp_path / "part", "text/part.arrow")
        assert (tmp_path / "run" / "text" / "part.arrow").read_bytes() == content
    assert Disk.halfway == [tmp_path / "run" / "text" / "part.arrow"], "the first file, while the second is put"
    store.write_json("run.json", {"状态": 1})
    assert store.read_json("run.json") == {"状态": 1}
    assert store.names("text") == ["part.arrow"]


class _AnswerError(Exception):
    def __init__(self, status):
        super().__init__("answer")
        self.status = status


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (OSError(errno.EBUSY, "SlowDown"), True),
        (_AnswerError(503), True),
        (_AnswerError(429), True),
        (_AnswerError(403), False),
        (_AnswerError(404), False),
        (PermissionError(), False),
        (FileNotFoundError(), False),
        (ValueError(), False),
    ],
)
def test_passes__only_what_may_be_gone_the_next_time(error, again):
    assert remote.passes(error) is again


def test_attempt__bugs_and_full_disks_are_not_the_store_s_fault():
    for error in (TypeError("ours"), OSError(errno.ENOSPC, "No space left on device")):

        def fail(error=error):
            raise error

        with pytest.raises(type(error)):
            remote.attempt(fail, "s3://bucket/a")


def test_input_file__a_store_that_fails_ends_the_run_and_is_no_dead_letter(s3, tmp_path):
    from gristmill.pipelines.read.unit import read_unit
    from gristmill.pipelines.recipe import schema
    from gristmill.pipelines.run.inputs.plan import plan_source

    bucket = s3.bucket()
    s3.client().put_object(Bucket=bucket, Key="in/一.jsonl", Body='{"text": "磨坊"}\n'.encode())
    source = schema.Source(format="jsonl", paths=[f"s3://{bucket}/in"])
    (unit,) = plan_source("web", source, tmp_path, 1000)

    def read() -> list[str]:
        records = read_unit(unit, source, schema.Read(), schema.Extract())
        return [text for record in records for text in record.batch.column("text").to_pylist()]

    assert read() == ["磨坊"]
    s3.check_rights_after(0)
    with pytest.raises(InputError, match="no permission"):
        read()
    s3.check_rights_after(float("inf"))
    s3.client().put_object(Bucket=bucket, Key="in/一.jsonl", Body='{"text": "河边"}\n'.encode())
    with pytest.raises(InputError, match="changed since it was planned"):
        read()
    s3.client().delete_object(Bucket=bucket, Key="in/一.jsonl")
    with pytest.raises(InputError, match="gone since it was planned"):
        read()
    for path in (f"s3://{bucket}/none/*.jsonl", "s3://never-made/in/*.jsonl", "s3://never-made/in"):
        with pytest.raises(GristmillError, match=r"nothing matches|no bucket"):
            plan_source("web", schema.Source(format="jsonl", paths=[path]), tmp_path, 1000)


def test_ledger__reads_columns_where_they_lie_and_says_what_the_store_refused(s3, run, tmp_path):
    rows = 200_000
    table = pa.table({"n": range(rows), "text": [f"文{n}" * 20 for n in range(rows)]})
    pq.write_table(table, tmp_path / "part", row_group_size=20_000)
    run.publish(tmp_path / "part", f"ledger/{'0' * 16}-00-{'1' * 16}.parquet")
    with Ledger(run) as ledger:
        found = ledger.row("SELECT count(*) AS rows, min(text) AS text FROM 'ledger/*.parquet' WHERE n = 77")
        assert found == {"rows": 1, "text": "文77" * 20}
        s3.check_rights_after(0)
        try:
            with pytest.raises(RecipeError, match="no permission"):
                ledger.row("SELECT sum(length(text)) AS n FROM 'ledger/*.parquet'")
        finally:
            s3.check_rights_after(float("inf"))
