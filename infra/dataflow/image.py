"""What the image holds: a lock file, made from pyproject.toml and constraints.txt, and whether that is installed."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gristmill.pipelines.errors import RunnerError

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("lock.txt")
EXTRA = "gcp"
LEFT_OUT = {"torch"}
"""Training's alone: two gigabytes that no worker of a pipeline loads."""
PROGRAMS = (
    "gristmill.infra.dataflow.launch",
    "apache_beam.runners.worker.sdk_worker_main",
    "apache_beam.runners.dataflow.internal.apiclient",
    "gcsfs",
)
"""What runs in the image: the template's launcher, Beam's worker, and what they send and store with."""
BUILT_WITH = ("setuptools>=77",)
"""The image builds our own wheel with it."""
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)


def wanted(root: Path = ROOT) -> list[str]:
    """Requirements of the image, as pyproject.toml has them."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"][EXTRA]]
    return [one for one in named if canonicalize_name(Requirement(one).name) not in LEFT_OUT]


def pins(text: str) -> dict[str, str]:
    """Package -> version of a lock or constraints file."""
    return {canonicalize_name(name): found for name, found in _PIN.findall(text)}


def write_lock(root: Path = ROOT, uv: str = "uv") -> None:
    """Resolve the requirements under the constraints, with the hash of every file. Raises RunnerError."""
    command = [uv, "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORM, "--constraint", f"{root}/constraints.txt"]
    asked = "\n".join([*wanted(root), *BUILT_WITH])
    try:
        done = subprocess.run([*command, "--allow-unsafe"], input=asked, capture_output=True, text=True)
    except FileNotFoundError:
        raise RunnerError("no uv found", where="PATH", fix="pip install uv") from None
    if done.returncode:
        raise RunnerError(f"the lock cannot be made: {done.stderr.strip()[-500:]}", where=str(LOCK), fix="see above")
    head = "# Made by `python -m gristmill.infra.dataflow lock` from pyproject.toml and constraints.txt."
    LOCK.write_text(f"{head}\n{done.stdout}", encoding="utf-8")


def differing(root: Path = ROOT) -> list[str]:
    """How the lock disagrees with pyproject.toml and constraints.txt; empty where it does not."""
    locked, constrained = pins(LOCK.read_text(encoding="utf-8")), pins((root / "constraints.txt").read_text("utf-8"))
    problems = []
    for one in map(Requirement, wanted(root)):
        found = locked.get(canonicalize_name(one.name))
        if found is None or not one.specifier.contains(found, prereleases=True):
            problems.append(f"{one} is not in the lock ({found or 'absent'})")
    for name, found in locked.items():
        if constrained.get(name, found) != found:
            problems.append(f"{name} is {found} in the lock and {constrained[name]} in constraints.txt")
    return problems


def not_installed() -> list[str]:
    """What this environment lacks of the lock or has in another version, and what its packages lack of each other."""
    problems = []
    locked = pins(LOCK.read_text(encoding="utf-8"))
    for name, wanted_version in locked.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "absent"
        if found != wanted_version:
            problems.append(f"{name}=={wanted_version}: {found}")
    for name in [*locked, "gristmill"]:
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for need in map(Requirement, needs):
            other = canonicalize_name(need.name)
            if (need.marker is None or need.marker.evaluate({"extra": ""})) and other not in {*locked, *LEFT_OUT}:
                problems.append(f"{name} needs {need}, which the lock lacks")
    return problems


def check() -> None:
    """Raises RunnerError where this environment is not what the image has to be: each program of it loads."""
    problems = not_installed()
    if not problems:
        done = subprocess.run([sys.executable, "-c", f"import {', '.join(PROGRAMS)}"], capture_output=True, text=True)
        problems = [done.stderr.strip()[-800:]] if done.returncode else []
    if problems:
        what = f"{len(problems)} things are not as the lock says:\n    " + "\n    ".join(problems[:20])
        raise RunnerError(what, where=sys.prefix, fix="install the lock file, then gristmill without its dependencies")
