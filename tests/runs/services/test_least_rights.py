"""The rights in infra/iam/s3.json are enough for a run, a look at it and its report; and each of them is needed."""

import json
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from gristmill.pipelines.errors import GristmillError, causes
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute
from tests.runs.test_same_bytes import DATASETS

pytestmark = [pytest.mark.process, pytest.mark.slow]
POLICY = json.loads((Path(__file__).parents[3] / "infra" / "iam" / "s3.json").read_text("utf-8"))


SIMPLE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id}
  table: {format: parquet, paths: table.parquet, id: id}
"""
"""It asks the store for all that a run asks for; its rules, models and lists ask for nothing more."""


@pytest.fixture
def confined(s3, small, small_run, tmp_path):
    """Function: action to leave out, or None -> (recipe, address of the run, keys of a user with those rights).

    `small_run` has compiled the kernels: a command has five minutes.
    """
    source, runs = s3.bucket(), s3.bucket()
    for file in (*small.folder.glob("web-*.jsonl"), small.folder / "table.parquet"):
        s3.client().upload_file(str(file), source, f"in/{file.name}")

    def write(text: str) -> Path:
        text = text.replace('"web-*', f'"s3://{source}/in/web-*').replace("table.p", f"s3://{source}/in/table.p")
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "recipe.yaml"

    for name in ("grades.csv", "asked.jsonl", "en.arpa", "zh.arpa"):
        (tmp_path / name).symlink_to(small.folder / name)

    def call(without: str | None):
        policy = json.loads(json.dumps(POLICY).replace("INPUT", source).replace("RUNS", runs))
        for statement in policy["Statement"]:
            actions = statement["Action"]
            kept = [one for one in ([actions] if isinstance(actions, str) else actions) if one != without]
            statement["Action"] = kept or ["s3:ListAllMyBuckets"]
        # moto asks for the right to remove many objects at once at the bucket, AWS at each object.
        policy["Statement"] += (
            []
            if without == "s3:DeleteObject"
            else [{"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{runs}"}]
        )
        given = s3.user(policy)
        s3.check_rights_after(0)
        S3FileSystem.clear_instance_cache()  # another test's, of another user
        return write(SIMPLE if without else small.recipe.read_text(encoding="utf-8")), f"s3://{runs}/run", given

    yield call
    s3.check_rights_after(float("inf"))


def test_rights__are_enough_for_all_that_a_host_does(confined, command, monkeypatch, tmp_path, small_run):
    """And every stage writes what it writes in a local run."""
    recipe, out, given = confined(None)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for line in (
        ("run", recipe, "--out", out, "--workers", "2"),
        ("status", out),
        ("report", out, "--save", tmp_path / "page.html"),
        ("verify", out),
        ("clean", out),
    ):
        done = command(*line)
        assert done.returncode == 0, (line, done.stderr)
        if line[0] == "run":
            manifests = (Store.at(place).read_bytes("manifest.json") for place in (out, small_run))
            theirs, ours = (json.loads(raw)["datasets"] for raw in manifests)
            assert [theirs[name]["content"] for name in DATASETS] == [ours[name]["content"] for name in DATASETS]


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_rights__without_one_the_run_says_that_it_lacks_permission(confined, monkeypatch, action):
    recipe, out, given = confined(action)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Exception, match="no permission") as caught:
        execute(Request(recipe, out, workers=1, until="score"))
    known = next(cause for cause in causes(caught.value) if isinstance(cause, GristmillError))
    assert "no permission" in known.what
    assert known.exit_code in (2, 3)
