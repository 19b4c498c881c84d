"""`gristmill cluster spark|flink prepare`: fetch the jars of our POM with Maven and check every one."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import JARS_LIST, SPARK, Engine, find_java, find_spark

COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


def prepare(engine: Engine) -> Path:
    """Make the class path of an engine ready. Returns its folder. Raises RunnerError; a bad download is never used."""
    find_java()
    if engine is SPARK:
        find_spark()
    pinned = pins(engine)
    if differing(engine.jars, pinned):
        _fetch(engine, pinned)
    return engine.jars


def pins(engine: Engine) -> dict[str, str]:
    """File name -> sha256, as checked in beside the POM."""
    lines = (Path(__file__).parent / engine.name / JARS_LIST).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def differing(folder: Path, pinned: dict[str, str]) -> list[str]:
    """What is not as pinned: missing, extra or changed files, sorted. A folder without our list was not finished."""
    found = {file.name: file for file in folder.glob("*.jar")}
    wrong = {name for name in found.keys() & pinned.keys() if _sha256(found[name]) != pinned[name]}
    unfinished = set() if (folder / JARS_LIST).exists() else {JARS_LIST}
    return sorted(wrong | (found.keys() ^ pinned.keys()) | unfinished)


def _fetch(engine: Engine, pinned: dict[str, str]) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise RunnerError("Maven is needed once, to fetch the job server", where="PATH", fix="apt-get install maven")
    engine.jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=engine.jars.parent, prefix=f"{engine.folder}-") as scratch:
        fresh = Path(scratch) / "jars"
        pom = Path(__file__).parent / engine.name / "pom.xml"
        options = [f"--file={pom}", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        done = subprocess.run([mvn, "--batch-mode", "--quiet", COPY, *options], stdout=sys.stderr, check=False)
        if done.returncode:
            fix = "see Maven's message above; behind a mirror, name it in ~/.m2/settings.xml"
            raise RunnerError("Maven could not fetch the job server", where=str(pom), fix=fix)
        shutil.copy(pom.parent / JARS_LIST, fresh)
        if wrong := differing(fresh, pinned):
            fix = "do not use this mirror; if the POM was changed, check in the new list with it"
            raise RunnerError(f"{len(wrong)} jars differ from the pinned list: {wrong[0]}", where=str(pom), fix=fix)
        shutil.rmtree(engine.jars, ignore_errors=True)
        fresh.rename(engine.jars)


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
