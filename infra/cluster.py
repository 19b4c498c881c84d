"""`gristmill cluster spark|flink prepare|up|down|status`: a small cluster on loopback, to try a recipe on.

`up` starts a job server, a worker pool and, for Spark, a standalone master with two workers; each heads a process group
of its own, noted with its start time, so that `down` ends exactly what `up` started.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from gristmill.infra.prepare import differing, pins, prepare
from gristmill.pipelines.errors import Exit, GristmillError, RunnerError
from gristmill.pipelines.processes.identity import born
from gristmill.pipelines.runners.portable.engines import (
    ENGINES,
    FLINK,
    QUICK_JVM,
    SPARK,
    Engine,
    Launch,
    find_spark,
    free_port,
    reachable,
)

WORKERS = 2
START_SECONDS = 120.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Daemon:
    """A process group that we started."""

    name: str
    pid: int
    started: int
    """Clock ticks since boot, from /proc: a process id alone may be someone else's by now."""

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return start_time(self.pid) == self.started

    def end(self) -> None:
        """SIGTERM to the group, SIGKILL to what is left of it."""
        if not self.alive:
            return
        os.killpg(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def start_time(pid: int) -> int | None:
    """When a process started, None if it is gone or a zombie."""
    ticks = born(pid)
    return int(ticks) if ticks else None


class Cluster:
    """The local cluster of one engine: its folder holds the state, the logs and all temporary files."""

    def __init__(self, engine: Engine):
        self.engine, self.folder = engine, engine.state
        self.daemons: list[Daemon] = []

    def up(self) -> dict:
        """Start everything and wait until it answers. Raises RunnerError, with nothing left running."""
        if any(daemon.alive for daemon in self._noted()):
            fix = f"gristmill cluster {self.engine.name} down"
            raise RunnerError("a local cluster is up already", where=str(self.folder), fix=fix)
        prepare(self.engine)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            master = self._spark() if self.engine is SPARK else str(FLINK.default_master)
            pool, job = free_port(), free_port()
            self._start("worker pool", [sys.executable, "-m", "gristmill.infra.worker_pool", f"--port={pool}"])
            launch = Launch(self.engine, master, WORKERS)
            self._start("job server", launch.command(job, self.folder))
            for port in (pool, job):
                self._wait(port)
        except BaseException:
            self._end()
            raise
        addresses = {"job_endpoint": f"127.0.0.1:{job}", "worker_pool": f"127.0.0.1:{pool}", "cores": WORKERS}
        state = {"master": master, **addresses, "daemons": [asdict(daemon) for daemon in self.daemons]}
        (self.folder / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        return state

    def down(self) -> int:
        """End what `up` started and remove its folder. Returns how many processes still ran."""
        self.daemons = self._noted()
        running = sum(daemon.alive for daemon in self.daemons)
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)
        return running

    def status(self) -> tuple[list[str], bool]:
        """Lines for a terminal, and whether all is well."""
        wrong = differing(self.engine.jars, pins(self.engine))
        lines = [f"class path  {f'not prepared ({wrong[0]})' if wrong else self.engine.jars}"]
        daemons = self._noted()
        for daemon in daemons:
            lines.append(f"{daemon.name:<12}{'up' if daemon.alive else 'gone'}, process {daemon.pid}")
        if daemons:
            state = json.loads((self.folder / "state.json").read_text(encoding="utf-8"))
            lines += [f"{name:<12}{state[name]}" for name in ("master", "job_endpoint", "worker_pool")]
            lines.append(f"logs        {self.folder}")
        else:
            lines.append("cluster     down")
        return lines, not wrong and bool(daemons) and all(daemon.alive for daemon in daemons)

    def _noted(self) -> list[Daemon]:
        file = self.folder / "state.json"
        return [Daemon(**noted) for noted in json.loads(file.read_text())["daemons"]] if file.exists() else []

    def _spark(self) -> str:
        launcher, host = f"{find_spark()}/bin/spark-class", "--host=127.0.0.1"
        port = free_port()
        master = f"spark://127.0.0.1:{port}"
        deploy = "org.apache.spark.deploy"
        ports = [f"--port={port}", f"--webui-port={free_port()}"]
        self._start("master", [launcher, f"{deploy}.master.Master", *_apart([host, *ports])])
        self._wait(port)
        for number in range(1, WORKERS + 1):
            sizes = [
                "--cores=1",
                "--memory=2g",
                f"--work-dir={self.folder}/work-{number}",
                f"--webui-port={free_port()}",
            ]
            self._start(f"worker {number}", [launcher, f"{deploy}.worker.Worker", *_apart([host, *sizes]), master])
        return master

    def _start(self, name: str, command: list[str]) -> None:
        local = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(self.folder), "TMPDIR": str(self.folder)}
        spark: dict[str, str] = {}
        if self.engine is SPARK:
            spark = {"SPARK_HOME": str(find_spark()), "SPARK_PUBLIC_DNS": "127.0.0.1"}
            spark["SPARK_DAEMON_JAVA_OPTS"] = " ".join(QUICK_JVM)
        if name.startswith("worker "):
            # Every job leaves its jars in the worker's folder.
            swept = {"enabled": "true", "interval": 60, "appDataTtl": 300}
            options = [f"-Dspark.worker.cleanup.{key}={value}" for key, value in swept.items()]
            spark["SPARK_WORKER_OPTS"] = " ".join(options)
        with (self.folder / f"{name.replace(' ', '-')}.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **local, **spark},
            )
        self.daemons.append(Daemon(name, process.pid, start_time(process.pid) or 0))

    def _wait(self, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not reachable(f"127.0.0.1:{port}"):
            gone = [daemon.name for daemon in self.daemons if not daemon.alive]
            if gone or time.monotonic() > deadline:
                name = gone[0] if gone else self.daemons[-1].name
                log = self.folder / f"{name.replace(' ', '-')}.log"
                said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise RunnerError(f"the {name} did not start", where=str(log), fix=f"it said: {''.join(said)[:300]}")
            time.sleep(0.2)

    def _end(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.end()


def _apart(arguments: list[str]) -> list[str]:
    """Spark's daemons read `--name value` only."""
    return [part for argument in arguments for part in argument.split("=", 1)]


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns its exit code; `status` returns 1 where something is missing."""
    parser = argparse.ArgumentParser(prog="gristmill cluster", description="A small cluster on this machine.")
    parser.add_argument("engine", choices=sorted(ENGINES))
    parser.add_argument("action", choices=("prepare", "up", "down", "status"))
    chosen = parser.parse_args(arguments)
    cluster = Cluster(ENGINES[chosen.engine])
    try:
        if chosen.action == "prepare":
            print(f"class path: {prepare(cluster.engine)}")
        elif chosen.action == "up":
            state = cluster.up()
            print(f"{chosen.engine} is up: master {state['master']}, job endpoint {state['job_endpoint']}")
            print(f"run on it:  gristmill run RECIPE --runner {chosen.engine}")
        elif chosen.action == "down":
            print(f"ended {cluster.down()} processes")
        else:
            lines, well = cluster.status()
            print("\n".join(lines))
            return Exit.OK if well else 1
    except GristmillError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
