"""The image without Docker: the steps of its Dockerfile agree with pyproject.toml, constraints and lock file.

`make test-image` does these steps in a clean environment and runs jobs in it.
"""

import re
import tomllib
from importlib.metadata import version

import pytest
import yaml

from gristmill.infra.dataflow import __main__ as command
from gristmill.infra.dataflow.image import LEFT_OUT, LOCK, PYTHON, ROOT, differing, pins, wanted
from gristmill.pipelines.errors import RunnerError

DOCKERFILE = (ROOT / "infra" / "dataflow" / "Dockerfile").read_text("utf-8")
IMAGE = "europe-west4-docker.pkg.dev/mill-project/mill/gristmill:0.1.0"


def test_lock__is_that_of_the_requirements_under_the_constraints():
    assert differing() == [], "python -m gristmill.infra.dataflow lock"
    text = LOCK.read_text("utf-8")
    assert not LEFT_OUT & pins(text).keys()
    assert not [name for name in pins(text) if name.startswith("nvidia")]
    assert text.count("--hash=sha256:") > len(pins(text))
    assert len(wanted()) > 20


def test_lock__that_has_been_left_behind_is_noticed(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text("utf-8").replace('"regex>=2025.1"', '"regex>=2999"')
    )
    text = (ROOT / "constraints.txt").read_text("utf-8")
    (tmp_path / "constraints.txt").write_text(re.sub(r"(?m)^rich==.*", "rich==15.9.9", text))
    problems = differing(tmp_path)
    assert any("regex>=2999 is not in the lock" in one for one in problems)
    assert any(one.startswith("rich is") for one in problems)


def test_dockerfile__installs_the_lock_and_the_package_and_nothing_at_start():
    copied = {word for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.M) for word in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    linked = {link.name for link in (ROOT / "gristmill").iterdir() if link.is_symlink()}
    assert linked | {"gristmill", "pyproject.toml", "constraints.txt", "README.md", "infra/dataflow/lock.txt"} == copied
    installs = re.findall(r"^RUN pip install (.+)$", DOCKERFILE, re.M)
    assert [("--no-deps" in line, "--require-hashes" in line) for line in installs] == [(True, True), (True, False)]
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert "pip" not in re.sub(r"(?m)^#.*", "", last)
    assert 'ENTRYPOINT ["/opt/apache/beam/boot"]' in last
    launcher = re.search(r"FLEX_TEMPLATE_PYTHON_PY_FILE=\S+/site-packages/gristmill/(\S+)", last)
    assert launcher is not None
    assert (ROOT / launcher[1]).exists()


def test_dockerfile__has_one_version_of_python_and_of_beam():
    versions = set(re.findall(r"(?:python:|python|python_|beam_python)(3\.\d+)", DOCKERFILE))
    assert versions == {PYTHON}
    assert f"python{PYTHON.replace('.', '')}-template-launcher-base" in DOCKERFILE
    beam = re.search(r"apache/beam_python[\d.]+_sdk:([\d.]+)", DOCKERFILE)
    assert beam is not None
    assert beam[1] == pins(LOCK.read_text("utf-8"))["apache-beam"] == version("apache-beam")
    assert "latest" not in re.sub(r"(?m)^#.*", "", DOCKERFILE)


def test_cloud_build__builds_this_dockerfile_and_pushes_the_image():
    found = yaml.safe_load((ROOT / "infra" / "dataflow" / "cloudbuild.yaml").read_text("utf-8"))
    (step,) = found["steps"]
    assert step["name"] == "gcr.io/cloud-builders/docker"
    assert "--file=infra/dataflow/Dockerfile" in step["args"]
    assert {"--tag=${_IMAGE}", "--build-arg=IMAGE=${_IMAGE}"} <= set(step["args"])
    assert found["images"] == ["${_IMAGE}"]
    assert found["substitutions"].keys() == {"_IMAGE"}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert found["substitutions"]["_IMAGE"].endswith(f":{version}")


def test_build__without_gcloud_and_docker_says_what_to_run(monkeypatch, capsys):
    monkeypatch.setattr(command.shutil, "which", lambda name: None)
    assert command.main(["build", "--image", IMAGE]) == 6
    said = capsys.readouterr().err
    assert "neither gcloud nor docker is here" in said
    assert "gcloud builds submit" in said
    assert "docker build --file=infra/dataflow/Dockerfile" in said


@pytest.mark.parametrize("there", ["gcloud", "docker"])
def test_build__calls_what_is_there(monkeypatch, capsys, there):
    called = []

    def run(line, **options):
        called.append(line)
        return command.argparse.Namespace(returncode=0)

    monkeypatch.setattr(command.shutil, "which", lambda name: name if name == there else None)
    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main(["build", "--image", IMAGE]) == 0
    assert {line[0] for line in called} == {there}
    assert IMAGE in capsys.readouterr().out
    monkeypatch.setattr(command.subprocess, "run", lambda line, **_: command.argparse.Namespace(returncode=1))
    assert command.main(["build", "--image", IMAGE]) == 6


def test_build__refuses_a_lock_that_was_left_behind(monkeypatch, capsys):
    monkeypatch.setattr(command.image, "differing", lambda: ["rich is 1 in the lock and 2 in constraints.txt"])
    assert command.main(["build", "--image", IMAGE]) == 6
    assert "python -m gristmill.infra.dataflow lock" in capsys.readouterr().err


def test_check__names_what_an_environment_lacks(monkeypatch):
    monkeypatch.setattr(command.image, "not_installed", lambda: ["rich==1: absent"])
    with pytest.raises(RunnerError, match="rich==1: absent"):
        command.image.check()
