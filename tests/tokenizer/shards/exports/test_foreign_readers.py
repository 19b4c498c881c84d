"""Every format, read by the project that it is for (`make test-exports` installs them): the ids of the shards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.tokenizer.shards.exports.formats import FORMATS, outputs_of
from gristmill.tokenizer.shards.exports.writing import write_export

READERS = os.environ.get("GRISTMILL_READERS", "")
NEED_NOTHING = ("nanogpt", "llmc")
FLAT = ("nanogpt", "llmc")


@pytest.mark.parametrize("content", ["documents", "rows"])
@pytest.mark.parametrize("width", ["uint16", "uint32"])
@pytest.mark.parametrize("name", FORMATS)
def test_read_back(made, rows_by_hand, tmp_path, name, width, content):
    if content not in FORMATS[name].contents or (name, width) == ("nanogpt", "uint32"):
        pytest.skip("the format does not hold it, which test_formats.py tests")
    if not READERS and name not in NEED_NOTHING:
        pytest.skip("needs the foreign projects: make test-exports")
    shards = made[width]
    folder = tmp_path / "export"
    write_export(folder, {"to": name}, outputs_of(name, shards.asked(content)))
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), READERS]))
    settings = {**os.environ, "PYTHONPATH": path, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1",
                "TMPDIR": str(tmp_path)}  # fmt: skip
    script = Path(__file__).with_name("read_back.py")
    done = subprocess.run(
        [sys.executable, str(script), name, str(folder)], capture_output=True, text=True, env=settings
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for split, documents in shards.documents.items():
        wanted = rows_by_hand(shards, split) if content == "rows" else [ids for _, ids in documents]
        assert found[split] == ([[n for ids in wanted for n in ids]] if name in FLAT else wanted)
