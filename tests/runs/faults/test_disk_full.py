"""A full disk: a real one, small and mounted for the test, under the real command. One message, then it goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.pipelines.errors import shortage

pytestmark = pytest.mark.process
UNSHARE = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
GRISTMILL = [sys.executable, "-m", "gristmill.pipelines.cli.main"]


def mountable() -> bool:
    line = [*UNSHARE, "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /tmp"]
    return subprocess.run(line, capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(
    not mountable(), reason="cannot mount a small disk here: run as root, or allow user namespaces"
)


@pytest.fixture
def small_disk(tmp_path):
    """Function: megabytes, [(bytes free or None, command line), ...] -> what each command did."""

    def call(megabytes: int, *steps: tuple[int | None, list]) -> list[dict]:
        folder = tmp_path / "disk"
        folder.mkdir()
        script = [sys.executable, str(Path(__file__).with_name("small_disk.py")), str(folder), str(megabytes)]
        wanted = json.dumps([{"free": free, "line": [str(word) for word in line]} for free, line in steps])
        done = subprocess.run([*UNSHARE, *script], input=wanted, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


@needs_mount
def test_full_disk__one_message_and_the_run_goes_on_when_there_is_space(small_disk, corpus, calm, digests, tmp_path):
    line = [*GRISTMILL, "run", corpus.recipe, "--out", tmp_path / "disk" / "run", "--runner"]
    kept = sum(file.stat().st_size for file in (calm / "models").rglob("*") if file.is_file())  # before anything runs
    full, done = small_disk(200, (300_000 + kept, [*line, "fnapi"]), (None, [*line, "local"]))
    assert full["code"] == 6
    assert full["output"].count("the disk is full\n") == 1
    assert "free some space, then run the same command again" in full["output"]
    assert not (tmp_path / "disk-0" / "run" / "manifest.json").exists()
    assert json.loads((tmp_path / "disk-0" / "run" / "run.json").read_text())["status"] == "failed"
    assert done["code"] == 0, done["output"]
    assert digests(tmp_path / "disk-1" / "run") == digests(calm)


SHUFFLE = """
import sys
from pathlib import Path
import apache_beam as beam
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.local.runner import LocalRunner

class Write(beam.DoFn):
    def process(self, megabytes: int):
        yield megabytes % 3, bytes(megabytes << 20)

def run(sizes):
    try:
        with beam.Pipeline(runner=LocalRunner(2, scratch=Path(sys.argv[1]))) as pipeline:
            made = pipeline | beam.Create(sizes, reshuffle=False) | beam.ParDo(Write())
            made | beam.GroupByKey() | beam.MapTuple(lambda key, blocks: sum(map(len, blocks)))
    except RunnerError as error:
        print(repr(str(error)))
    else:
        print("done")
    assert not list(Path(sys.argv[1]).glob("gristmill-shuffle-*"))

run([200])           # more than there is: the kernel refuses, in a worker
run([1, 1])
run([9] * 11)        # less than there is, but the reserve is touched: refused when the task comes back
"""


@needs_mount
def test_scratch_on_a_full_disk__one_message_and_nothing_is_left(small_disk, tmp_path):
    (ran,) = small_disk(150, (None, [sys.executable, "-c", SHUFFLE, tmp_path / "disk"]))
    refused, worked, reserve = (line for line in ran["output"].splitlines() if line.startswith(("'the", "done")))
    assert refused.startswith("'the disk is full\\n  where: a worker of the local runner\\n  fix:   free some space")
    assert worked == "done"
    assert reserve.startswith("'the disk is full: ")
    assert ran["code"] == 0


def test_full_disk__is_known_by_what_the_kernel_says():
    """/dev/full refuses every write: this one needs no mount, so it runs everywhere."""
    with pytest.raises(OSError, match="No space") as caught, open("/dev/full", "wb", buffering=0) as file:
        file.write(b"x")
    assert shortage(RuntimeError("in step x"), "here") is None
    wrapped = RuntimeError("in step x")
    wrapped.__cause__ = caught.value
    found = shortage(wrapped, "here")
    assert found is not None
    assert (found.what, found.where, found.exit_code) == ("the disk is full", "here", 6)
