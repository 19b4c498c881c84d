"""Spark and Flink as this package knows them: class path, Java, and the command line of Beam's job server.

The class path is prepared once (`gristmill cluster spark prepare`) because Beam's shaded job-server jars are not in
every registry; which jars go first was found by running them (docs/running.md).
"""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import RunnerError

JARS_LIST = "jars.sha256.txt"
SPARK_VERSION = "3.5.8"
OLDEST_JAVA, NEWEST_JAVA = 11, 21
"""Java releases that Spark 3.5 and Flink 1.19 name as supported; 17 is the one that everything here was run on."""

# On Flink a job begins again after the kept process has been forgotten.
_FLINK_ENVIRONMENT_SECONDS = 20
_FLINK_SETTINGS = f"""\
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 2
restart-strategy.fixed-delay.delay: {_FLINK_ENVIRONMENT_SECONDS + 5} s
"""


@dataclass(frozen=True)
class Engine:
    """A cluster software that Beam has a job server for."""

    name: str
    driver: str
    """Main class of the job server."""
    folder: str
    """Name of its prepared class path below the cache."""
    master_option: str
    """Beam's own option that names the cluster."""
    jar_option: str
    environment_seconds: int
    """How long Beam keeps a Python process for the stages to come."""
    default_master: str | None
    """What is used where no master is named; None: one must be named."""

    @property
    def jars(self) -> Path:
        """Where `prepare` puts the verified jars."""
        return cache_root() / self.folder

    @property
    def state(self) -> Path:
        """Where `up` writes what it started."""
        return cache_root() / f"cluster-{self.name}"


SPARK = Engine(
    name="spark",
    driver="org.apache.beam.runners.spark.SparkJobServerDriver",
    folder="spark-3-beam-2.62.0",
    master_option="spark_master_url",
    jar_option="spark_job_server_jar",
    environment_seconds=600,
    default_master=None,
)
FLINK = Engine(
    name="flink",
    driver="org.apache.beam.runners.flink.FlinkJobServerDriver",
    folder="flink-1.19-beam-2.62.0",
    master_option="flink_master",
    jar_option="flink_job_server_jar",
    environment_seconds=_FLINK_ENVIRONMENT_SECONDS,
    default_master="[local]",
)
ENGINES = {engine.name: engine for engine in (SPARK, FLINK)}

PARTITIONS_PER_CORE = 8
"""Of Spark's shuffles. Units are dealt out in partitions: the last one that runs holds up the stage."""
QUICK_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For JVMs that move blocks while Python works: half the CPU time of a small job, which the second compiler takes."""
# Beam keeps a Python process that has died: every later task of that executor fails at once. So what fails is tried on
# another executor, and an executor where something failed is replaced; a node is not blamed.
_RETRIES: dict[str, Any] = {
    "task.maxFailures": 5,
    "stage.maxConsecutiveAttempts": 20,  # what a lost executor had ready for the next stage is made again each time
    "excludeOnFailure.enabled": "true",
    "excludeOnFailure.killExcludedExecutors": "true",
    "excludeOnFailure.task.maxTaskAttemptsPerExecutor": 1,
    "excludeOnFailure.task.maxTaskAttemptsPerNode": 4,
    "excludeOnFailure.stage.maxFailedTasksPerExecutor": 1,
    "excludeOnFailure.stage.maxFailedExecutorsPerNode": 1000,
    "excludeOnFailure.application.maxFailedTasksPerExecutor": 1,
    "excludeOnFailure.application.maxFailedExecutorsPerNode": 1000,
}
# A job-server jar sends all that is in it to executors. There Beam's Google Cloud file system meets Spark's guava 14,
# and the first task of each is lost: that must not shut an executor out, nor use up the tries of a task that comes to
# one fresh executor after the other.
_SPARED_FIRST_TASK = (
    "excludeOnFailure.stage.maxFailedTasksPerExecutor",
    "excludeOnFailure.application.maxFailedTasksPerExecutor",
)
_TRIES = ("task.maxFailures", "excludeOnFailure.task.maxTaskAttemptsPerNode")


# Spark brings slf4j 2 and a jackson of its own; Beam's older ones in front of them break its logging and its JSON. To
# leave Beam's out is not enough: the manifest of beam-sdks-java-core names them, so Spark's have to come first.
_SPARKS_OWN = re.compile(r"slf4j-api|jackson-(core|annotations|databind)-")
# Enough for executors, which have Spark's jars already: a tenth of the bytes. Not Beam's Google Cloud file system: on
# an executor it meets Spark's guava 14 and costs each its first task.
_FOR_EXECUTORS = re.compile(r"beam-(?!.*(google-cloud|expansion|transform-service))|byte-buddy|joda-time")
_OPENED = [f"java.{name}" for name in ("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "util")]
_OPENED += [f"java.util.concurrent{name}" for name in ("", ".atomic")]
_OPENED += [f"sun.{name}" for name in ("nio.ch", "nio.cs", "security.action", "util.calendar")]


def cache_root() -> Path:
    """The folder of everything that can be made again."""
    root = os.environ.get("GRISTMILL_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "gristmill"


def find_java() -> str:
    """Path of a Java that these engines run on. Raises RunnerError if there is none."""
    fix = "install a Java 17 runtime (apt-get install openjdk-17-jre-headless), or set JAVA_HOME"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        raise RunnerError("no Java found", where=f"JAVA_HOME={home}" if home else "PATH", fix=fix)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or not OLDEST_JAVA <= int(found[1]) <= NEWEST_JAVA:
        version = found[1] if found else "unknown"
        raise RunnerError(f"Java {version} does not run Spark 3.5 or Flink 1.19", where=java, fix=fix)
    return java


def find_spark() -> Path:
    """The Spark distribution inside PyPI's `pyspark`. Raises RunnerError where it is missing or of another version."""
    fix = f"pip install 'gristmill[spark]' (pyspark=={SPARK_VERSION})"
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise RunnerError("no Spark found", where="the Python package pyspark", fix=fix)
    version = metadata.version("pyspark")
    if version != SPARK_VERSION:
        # Driver and executors exchange Java objects: another version fails in the middle of a job (Beam issue 21092).
        raise RunnerError(f"Spark {SPARK_VERSION} is needed, found {version}", where=found.origin, fix=fix)
    return Path(found.origin).parent


def class_path(engine: Engine) -> str:
    """The prepared class path. Raises RunnerError if `prepare` has not been run, or if a file is gone."""
    listed = engine.jars / JARS_LIST
    fix = f"gristmill cluster {engine.name} prepare"
    if not listed.exists():
        raise RunnerError(f"the {engine.name} job server is not prepared", where=str(engine.jars), fix=fix)
    names = [line.split()[1] for line in listed.read_text(encoding="utf-8").splitlines()]
    missing = [name for name in names if not (engine.jars / name).exists()]
    if missing:
        raise RunnerError(f"{len(missing)} prepared jars are gone", where=str(engine.jars / missing[0]), fix=fix)
    if engine is SPARK:
        spark = find_spark() / "jars"
        own = sorted(str(jar) for jar in spark.glob("*.jar") if _SPARKS_OWN.match(jar.name))
        names = [name for name in names if not _SPARKS_OWN.match(name)]
        # Then Beam's jars: its guava 33 must win over Spark's 14, which lacks methods that Beam calls.
        return ":".join([*own, *(str(engine.jars / name) for name in names), f"{spark}/*"])
    return ":".join(str(engine.jars / name) for name in names)


def executor_jars(engine: Engine) -> list[str]:
    """What a job of the prepared class path sends to executors; empty where the engine knows by itself."""
    if engine is not SPARK:
        return []
    return [str(jar) for jar in sorted(engine.jars.glob("*.jar")) if _FOR_EXECUTORS.match(jar.name)]


def java_opens() -> list[str]:
    """What the JVM of a job server has to let Beam and Spark look into."""
    return [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]


@dataclass(frozen=True)
class Launch:
    """What a job server is to be started with."""

    engine: Engine
    master: str
    cores: int
    """Cores of the cluster, as far as known; shuffles get four partitions for each."""
    jar: str | None = None
    properties: tuple[str, ...] = ()
    """JVM options of the user; they come last and win."""

    def command(self, port: int, scratch: Path) -> list[str]:
        """The job server on a loopback port, everything temporary below `scratch`. Raises RunnerError."""
        java = find_java()
        program = ["-jar", self.jar] if self.jar else ["-cp", class_path(self.engine), self.engine.driver]
        ports = ["--job-host=127.0.0.1", f"--job-port={port}", "--artifact-port=0", "--expansion-port=-1"]
        master = f"--{self.engine.master_option.replace('_', '-')}={self.master}"
        jvm = ["-Xmx2g", *QUICK_JVM, f"-Djava.io.tmpdir={scratch}", *self._engine_properties(scratch), *self.properties]
        if self.engine is FLINK:
            (scratch / "flink-conf.yaml").write_text(_FLINK_SETTINGS, encoding="utf-8")
            ports.append(f"--flink-conf-dir={scratch}")
        return [java, *java_opens(), *jvm, *program, master, *ports, f"--artifacts-dir={scratch}/artifacts"]

    def _engine_properties(self, scratch: Path) -> list[str]:
        if self.engine is not SPARK:
            return []
        # Without it a job can run on two partitions for ever: a standalone cluster reports its cores too late.
        parallelism = PARTITIONS_PER_CORE * self.cores
        values: dict[str, object] = {"default.parallelism": parallelism, "local.dir": scratch, "ui.enabled": "false"}
        values["executor.cores"] = 1  # as many SDK processes as cores: Beam starts one for each executor
        values["executor.defaultJavaOptions"] = " ".join(QUICK_JVM)
        values |= _RETRIES
        if self.jar:
            values |= dict.fromkeys(_SPARED_FIRST_TASK, 2) | {name: _RETRIES[name] + self.cores for name in _TRIES}
        if self.local:
            values["driver.host"] = "127.0.0.1"
        return [f"-Dspark.{name}={value}" for name, value in values.items()]

    @property
    def local(self) -> bool:
        """Whether the cluster can reach this process by 127.0.0.1."""
        return self.master.startswith(("local", "[local]")) or is_loopback(self.master)


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT, with or without a scheme, is on this machine's loopback."""
    host = address.split("://")[-1].rsplit(":", 1)[0]
    return host in ("localhost", "[::1]") or host.startswith("127.")


def reachable(address: str) -> bool:
    """Whether anything listens at HOST:PORT, with or without a scheme."""
    host, _, port = address.split("://")[-1].rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return True
    except (OSError, ValueError):
        return False


def free_port() -> int:
    """A port on loopback that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
