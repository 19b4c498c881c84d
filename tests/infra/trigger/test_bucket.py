"""Runs on an object store: seen, claimed by conditional puts, trained on in a copy; the checkpoint goes back there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_a_run_in_a_bucket__is_trained_on_once_and_keeps_its_checkpoint(mill, s3, target, tmp_path):
    bucket = s3.bucket()
    client = s3.client()
    for file in (mill / "run").rglob("*"):
        if file.is_file() and "_work/tmp" not in str(file):
            client.upload_file(str(file), bucket, f"runs/good/{file.relative_to(mill / 'run')}")
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "watch", f"s3://{bucket}/runs"]
    line += ["--launch", str(target()), "--once", "--every", "1"]
    both = [subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600)[1] for process in both]
    logs = [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in s3.keys(bucket) if "log.txt" in key]
    assert [process.returncode for process in both] == [0, 0], (said, logs)
    assert all("succeeded" in text for text in said)
    keys = s3.keys(bucket, "runs/good/train/")
    begun = [key for key in keys if key.endswith("begun.json")]
    assert len(begun) == 1, keys
    assert sum(key.endswith("/step-000002/model.safetensors") for key in keys) == 1
    (log,) = (key for key in keys if key.endswith("/log.txt"))
    assert b"step 1 of 1" in client.get_object(Bucket=bucket, Key=log)["Body"].read()
    report = json.loads(client.get_object(Bucket=bucket, Key="runs/good/report/report.json")["Body"].read())
    assert [training["steps"] for training in report["training"]] == [2]

    # Another machine goes on from what is there.
    shutil.rmtree(tmp_path / "runs")
    for key in keys:
        if key.endswith("ended.json"):
            client.delete_object(Bucket=bucket, Key=key)
    code = f"""
from gristmill.infra.work.kept import fetch
from gristmill.pipelines.storage.store import Store
from pathlib import Path
name = {begun[0].split("/")[3]!r}
fetch(Store.at("s3://{bucket}/runs/good"), Path("there") / name, "train/" + name)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=os.environ)
    (model,) = Path(tmp_path / "there").rglob("step-000002/model.safetensors")
    assert (model.parent / "manifest.json").exists()
    assert (model.parent / "tokenizer" / "tokenizer.model").exists()
    assert json.loads((model.parents[1] / "chain.json").read_text())["checkpoint"] == "step-000002"
