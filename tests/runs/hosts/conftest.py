"""A store, a driver and two workers, each a host of its own; what docs/hosts.md tells a user to start is started."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gristmill.filters.kernels.jit import cache_folder
from gristmill.pipelines.runners.portable.engines import ENGINES, find_spark
from tests.runs.conftest import Corpus
from tests.runs.hosts.machines import Host, hosts, missing

WORKERS = ("worker-a", "worker-b")
STORE = "store:9000"
MASTER = "spark://spark-master:7077"
SERVICES = {"store": "store", "spark-master": "driver", "job-manager": "driver"}
ON_SPARK = ("--runner", "spark", "--workers", "2", "--", f"--spark_master_url={MASTER}")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAGRISTMILLHOSTS00",
    "AWS_SECRET_ACCESS_KEY": "s3cret/of+the/hosts",
    "AWS_ENDPOINT_URL": f"http://{STORE}",
    "AWS_DEFAULT_REGION": "us-east-1",
}
GRISTMILL = [sys.executable, "-m", "gristmill.pipelines.cli.main"]
CACHE = "/root/.cache/gristmill"
_SERVE = """
import time
from moto.server import ThreadedMotoServer
ThreadedMotoServer("0.0.0.0", 9000, verbose=False).start()
time.sleep(1e9)
"""
# Each is a program of one of the hosts: this machine cannot reach the store.
_UPLOAD = """
import boto3, pathlib, sys
bucket, folder = sys.argv[1:]
client = boto3.client("s3")
client.create_bucket(Bucket=bucket)
for file in sorted(pathlib.Path(folder).rglob("*")):
    if file.is_file():
        client.upload_file(str(file), bucket, f"in/{file.relative_to(folder)}")
"""
_DIGESTS = """
import boto3, hashlib, json, sys
client = boto3.client("s3")
found = {}
for page in client.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1], Prefix=sys.argv[2]):
    for item in page.get("Contents", ()):
        body = client.get_object(Bucket=sys.argv[1], Key=item["Key"])["Body"].read()
        found[item["Key"].removeprefix(sys.argv[2])] = hashlib.sha256(body).hexdigest()
print(json.dumps(found))
"""
_WAIT = """
import boto3, sys, time
client = boto3.client("s3")
while not client.list_objects_v2(Bucket=sys.argv[1], Prefix=sys.argv[2]).get("Contents"):
    time.sleep(0.3)
"""
_OUTSIDE = ("_work", "_plan", "report", "run.json", "run.lock", "run.log")


@dataclass
class Fleet:
    """The hosts, and what runs on them."""

    hosts: dict[str, Host]
    logs: Path

    def start(self, host: str, name: str, line: list[str], listens: str = "", **more: str) -> None:
        """Start a daemon on a host and wait until it listens at HOST:PORT, as seen from there."""
        log = self.log(host, name)
        process = self.hosts[host].start(line, log, **more)
        if listens:
            self.hosts[host].wait_for(listens, process, log)

    def start_pool(self, host: str, **more: str) -> None:
        """A worker pool, where the executors of that host expect it, instead of the one that runs there."""
        self.hosts[host].run(["sh", "-c", "test ! -e /run/pool || { kill $(cat /run/pool); sleep 1; }"])
        pool = f"{sys.executable} -m gristmill.infra.worker_pool --host 127.0.0.1 --port 50000"
        self.start(host, "pool", ["sh", "-c", f"echo $$ >/run/pool; exec {pool}"], "127.0.0.1:50000", **more)

    def log(self, host: str, name: str) -> Path:
        """What a daemon says."""
        return self.logs / f"{host}-{name}.log"

    def program(self, code: str, *arguments: str, seconds: float = 300) -> str:
        """Run Python code on the driver's host, which reaches the store. Returns what it prints."""
        done = self.hosts["driver"].run([sys.executable, "-c", code, *arguments], seconds)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def upload(self, bucket: str, folder: str) -> None:
        """Make a bucket and put a folder of the driver's host under in/."""
        self.program(_UPLOAD, bucket, folder)

    def wait_for_object(self, bucket: str, prefix: str) -> None:
        """Until the bucket holds something that begins so."""
        self.program(_WAIT, bucket, prefix, seconds=900)

    def digests(self, bucket: str, run: str) -> dict[str, str]:
        """As the fixture of that name: path -> sha256, of what must not depend on how the run went."""
        found = json.loads(self.program(_DIGESTS, bucket, f"{run}/"))
        return {path: digest for path, digest in found.items() if path.split("/")[0] not in _OUTSIDE}

    def gristmill(self, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """Run the command on the driver's host."""
        return self.hosts["driver"].run([*GRISTMILL, *arguments], seconds, COLUMNS="200")


@pytest.fixture(scope="module")
def fleet(small_run, tmp_path_factory) -> Iterator[Fleet]:
    """Hosts with an S3 server and compiled kernels (a local run has made them), and nothing else started."""
    assert not missing(), missing()
    with hosts("store", "driver", *WORKERS, services=SERVICES) as found:
        made = Fleet(found, tmp_path_factory.mktemp("logs"))
        kernels = cache_folder()
        for name in ("driver", *WORKERS):
            found[name].environment |= CREDENTIALS
            # Its name is known to nobody else.
            found[name].environment["SPARK_LOCAL_HOSTNAME"] = found[name].address
            found[name].copy(kernels, f"{CACHE}/{kernels.name}")
        made.start("store", "s3", [sys.executable, "-c", _SERVE], STORE)
        yield made


@pytest.fixture(scope="module")
def mill(fleet, small: Corpus) -> str:
    """The recipe's path on the driver's host: its input is on the store, in the bucket `mill`, its models are there."""
    driver = fleet.hosts["driver"]
    driver.copy(small.folder, "/root/corpus")
    fleet.upload("mill", "/root/corpus")
    text = small.recipe.read_text(encoding="utf-8")
    text = text.replace('"web-*', '"s3://mill/in/web-*').replace("table.p", "s3://mill/in/table.p")
    driver.write("/root/corpus/mill.yaml", text.encode())
    return "/root/corpus/mill.yaml"


@pytest.fixture(scope="module")
def spark(fleet: Fleet) -> Fleet:
    """A master on the driver's host; on each worker's host a Spark worker and a worker pool, as docs/hosts.md says."""
    jars = prepared("spark")
    fleet.hosts["driver"].copy(jars, f"{CACHE}/{jars.name}")
    launcher, deploy = f"{find_spark()}/bin/spark-class", "org.apache.spark.deploy"
    home = {"SPARK_HOME": str(find_spark())}
    master = [launcher, f"{deploy}.master.Master", "--host", "0.0.0.0"]
    fleet.start("driver", "master", master, "spark-master:7077", **home)
    for name in WORKERS:
        sizes = ["--cores", "1", "--memory", "2g", "--work-dir", "/tmp/spark"]
        worker = [launcher, f"{deploy}.worker.Worker", "--host", fleet.hosts[name].address, *sizes, MASTER]
        fleet.start(name, "spark", worker, **home)
        fleet.start_pool(name)
    return fleet


def prepared(engine: str) -> Path:
    """The engine's jars on this machine, fetched where they are not there."""
    subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", engine, "prepare"], check=True)
    return ENGINES[engine].jars
