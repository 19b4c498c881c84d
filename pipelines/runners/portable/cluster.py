"""Which cluster, and with which options: the three ways to name one, tried in a fixed order.

1. a running job server (`--job_endpoint`, or the one that `gristmill cluster ... up` left running);
2. a job-server jar (`--spark_job_server_jar`, `--flink_job_server_jar`) against a master;
3. the prepared class path against a master (`--spark_master_url`, `--flink_master`).
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.runners.portable.engines import (
    ENGINES,
    SPARK,
    Engine,
    Launch,
    class_path,
    executor_jars,
    find_java,
    is_loopback,
    reachable,
)
from gristmill.pipelines.runners.portable.runner import ClusterRunner
from gristmill.pipelines.runners.portable.spark_master import check as check_master

REMOTE_CORES = 16
"""Taken where a cluster's size is not known: 64 shuffle partitions; `--workers` says better."""
SERVER_LOG = "job-server.log"
"""Where the job server that `gristmill cluster ... up` started writes to, in the folder of its state."""
POOL = "localhost:50000"
"""Where every worker host of a cluster that is not ours is expected to run a worker pool."""
_NAMES_A_CLUSTER = {"job_endpoint", "job_server_jvm_properties", "spark_master_page"}
_NAMES_A_CLUSTER |= {option for engine in ENGINES.values() for option in (engine.master_option, engine.jar_option)}


@dataclass(frozen=True)
class Named:
    """A cluster as found: the runner for it, Beam's arguments, and which way it was named."""

    runner: ClusterRunner
    arguments: list[str]
    note: str


def find_cluster(name: str, workers: int, beam_args: Sequence[str]) -> Named:
    """The cluster that the arguments after `--` name. Raises RecipeError for none, RunnerError for a dead one."""
    engine = ENGINES[name]
    ours, rest = split_arguments(beam_args)
    jar, master = ours.get(engine.jar_option), ours.get(engine.master_option)
    if endpoint := ours.get("job_endpoint"):
        arguments = _arguments(engine, rest, is_loopback(endpoint), workers or os.cpu_count() or 1)
        return _running(engine, endpoint, arguments, f"job endpoint {endpoint}")
    state = read_state(engine)
    if state and not jar and not master:
        pool = ["--environment_type=EXTERNAL", f"--environment_config={state['worker_pool']}"]
        arguments = _arguments(engine, [*pool, *rest], True, workers or state["cores"])
        started = f"the one that `gristmill cluster {name} up` started"
        note = f"job endpoint {state['job_endpoint']}, {started}"
        return _running(engine, state["job_endpoint"], arguments, note, ours=True)
    launch = _launch(engine, jar, master, workers, ours.get("job_server_jvm_properties", ""))
    way = f"job-server jar {jar}" if jar else f"prepared class path {engine.jars}"
    told = ""
    if launch.master.startswith("spark://") and not jar:  # whose version is not known
        told = check_master(launch.master, ours.get("spark_master_page"))
    arguments = _arguments(engine, rest, launch.local, launch.cores)
    runner = ClusterRunner(launch=launch, jars=() if jar else executor_jars(engine))
    return Named(runner, arguments, "; ".join(filter(None, (f"{name}: {way} against {launch.master}", told))))


def _running(engine: Engine, endpoint: str, arguments: list[str], note: str, ours: bool = False) -> Named:
    if not reachable(endpoint):
        fix = f"start the job server, or `gristmill cluster {engine.name} up`, or leave --job_endpoint out"
        raise RunnerError("no job server answers", where=endpoint, fix=fix)
    runner = ClusterRunner(endpoint=endpoint)
    if ours:
        # Spark has one job at a time in a job server, so what its log says is about ours; Flink may have several.
        log = engine.state / SERVER_LOG if engine is SPARK else None
        runner = ClusterRunner(endpoint=endpoint, log=log, jars=executor_jars(engine))
    return Named(runner, arguments, f"{engine.name}: {note}")


def _launch(engine: Engine, jar: str | None, master: str | None, workers: int, properties: str) -> Launch:
    master = master or engine.default_master
    where = f"--runner {engine.name}"
    if master is None:
        fix = f"`gristmill cluster {engine.name} up` for one on this machine, or add `-- --{engine.master_option}=spark://HOST:7077`"
        raise RecipeError("no cluster is named", where=where, fix=fix)
    if engine is SPARK and not master.startswith(("spark://", "local")):
        raise RecipeError(f"'{master}' is no Spark master", where=where, fix="write spark://HOST:PORT, or local[N]")
    if not master.startswith(("local", "[")) and not reachable(master):
        fix = f"check the URL, and that the master runs; `gristmill cluster {engine.name} status` for a local one"
        raise RunnerError("the master does not answer", where=master, fix=fix)
    find_java()
    if jar is None:
        class_path(engine)
    elif not Path(jar).is_file():
        raise RecipeError("no such job-server jar", where=jar, fix=f"correct --{engine.jar_option}")
    launch = Launch(engine, master, 1, jar, tuple(properties.split()))
    cores = workers or ((os.cpu_count() or 1) if launch.local else REMOTE_CORES)
    return Launch(engine, master, cores, jar, tuple(properties.split()))


def split_arguments(beam_args: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """-> (the options that name a cluster, all others). Both `--a=b` and `--a b` are understood."""
    ours: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(beam_args)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        name = name.removeprefix("--")
        if not argument.startswith("--") or name not in _NAMES_A_CLUSTER:
            rest.append(argument)
            continue
        value = value if equals else next(waiting, "")
        if not value:
            raise RecipeError(f"--{name} has no value", where="the arguments after --", fix=f"write --{name}=...")
        ours[name] = f"{ours[name]} {value}" if name in ours and name.endswith("properties") else value
    return ours, rest


def _arguments(engine: Engine, given: list[str], local: bool, cores: int) -> list[str]:
    """Options that a job needs and Beam's defaults get wrong; what the user gives comes last and wins."""
    defaults = [f"--environment_cache_millis={engine.environment_seconds * 1000}", "--sdk_worker_parallelism=1"]
    if engine is SPARK:
        # One SDK process for each one-core executor; Beam's MEMORY_ONLY computes a stage again where memory is short.
        defaults.append("--storage_level=MEMORY_AND_DISK")
    else:
        defaults.append(f"--parallelism={cores}")
        defaults[1] = f"--sdk_worker_parallelism={cores}"
    if not any(argument.startswith("--environment_type") for argument in given):
        if local:
            defaults.append("--environment_type=LOOPBACK")
        else:
            defaults += ["--environment_type=EXTERNAL", f"--environment_config={POOL}"]
    return [*defaults, *given]


def read_state(engine: Engine) -> dict[str, Any] | None:
    """What `gristmill cluster ... up` started, if anything."""
    file = engine.state / "state.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
