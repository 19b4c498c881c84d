"""Launch files, each by its own tool: yamllint, hadolint, shellcheck, cfn-lint; and against what they are made from."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from cfnlint import lint
from cfnlint.config import ManualArgs
from packaging.specifiers import SpecifierSet

from gristmill.pipelines.runners.dataflow.access import check
from gristmill.pipelines.runners.dataflow.options import parse
from gristmill.pipelines.runners.portable.engines import QUICK_JVM, SPARK, Launch
from tests.google_cloud.rights import given, needed

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
BIN = Path(sys.executable).parent
DOCKERFILES = sorted(INFRA.rglob("*Dockerfile"))
SCRIPTS = [*sorted(INFRA.rglob("*.sh")), ROOT / ".ci" / "run"]


def said(*line: object) -> str:
    """What a tool complains about."""
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_yaml():
    assert said(BIN / "yamllint", "--strict", "--config-file", ROOT / ".yamllint.yaml", INFRA) == ""


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_dockerfile(file):
    assert said(BIN / "hadolint", file) == ""


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_script(file):
    assert said(BIN / "shellcheck", file) == ""


@pytest.mark.parametrize(
    ("tool", "name", "text"),
    [
        ("yamllint", "bad.yaml", "a:  1\na: 2\n"),
        ("hadolint", "Dockerfile", "FROM python\nRUN cd /tmp && pip install x\n"),
        ("shellcheck", "bad.sh", "#!/bin/bash\nrm -rf $1/*\n"),
    ],
)
def test_tools__find_what_is_wrong(tmp_path, tool, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert said(BIN / tool, tmp_path / name) != ""


def test_image__holds_the_whole_package_under_the_constraints():
    text = (INFRA / "images" / "worker.Dockerfile").read_text("utf-8")
    copied = {word for line in re.findall(r"^COPY (?!--)(.+)$", text, re.M) for word in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    linked = {link.name for link in (ROOT / "gristmill").iterdir() if link.is_symlink()}
    assert linked | {"gristmill", "pyproject.toml", "constraints.txt", "README.md"} == copied
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = re.search(r"--constraint constraints\.txt '\.\[([\w,]+)\]'", text)
    assert extras is not None
    assert set(extras[1].split(",")) <= project["optional-dependencies"].keys()
    versions = set(re.findall(r"(?:FROM python:|python)(3\.\d+)", text))
    assert len(versions) == 1
    assert SpecifierSet(project["requires-python"]).contains(versions.pop() + ".0")
    tags = [file.read_text("utf-8") for file in INFRA.rglob("kustomization.yaml")]
    assert all(f"newTag: {project['version']}" in tag for tag in tags if "newTag" in tag)


def test_spark_defaults__are_what_a_run_sets_on_its_own(tmp_path):
    lines = (INFRA / "spark" / "spark-defaults.conf").read_text("utf-8").splitlines()
    written = dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))
    properties = Launch(SPARK, "spark://host:7077", 4)._engine_properties(tmp_path)
    ours = dict(one.removeprefix("-D").split("=", 1) for one in properties)
    del ours["spark.local.dir"], ours["spark.default.parallelism"]  # of a machine, of a cluster
    assert {**ours, "spark.executor.memory": "1g"} == written
    assert written["spark.executor.defaultJavaOptions"] == " ".join(QUICK_JVM)


def linted(policy: dict) -> list[str]:
    """What cfn-lint says of a policy: its grammar, and whether each action exists."""
    resource = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": resource}}
    return [match.message for match in lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"]))]


def test_rights_on_s3():
    policy = json.loads((INFRA / "iam" / "s3.json").read_text("utf-8"))
    assert linted(policy) == []
    policy["Statement"][2]["Action"][0] = "s3:GetObjekt"
    assert "getobjekt" in linted(policy)[0]


ROLE = {
    "type": "object",
    "required": ["title", "includedPermissions"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 100},
        "description": {"type": "string", "maxLength": 300},
        "stage": {"enum": ["ALPHA", "BETA", "GA"]},
        "includedPermissions": {
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "string", "pattern": r"^[a-z]+(\.[a-zA-Z]+){2}$"},
        },
    },
}
MEMBER = r"^serviceAccount:[a-z][a-z0-9-]{4,28}[a-z0-9]@PROJECT\.iam\.gserviceaccount\.com$"
POLICY = {
    "type": "object",
    "required": ["bindings"],
    "additionalProperties": False,
    "properties": {
        "bindings": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["role", "members"],
                "additionalProperties": False,
                "properties": {
                    "role": {"type": "string", "pattern": r"^(projects/[\w-]+/)?roles/[\w.]+$"},
                    "members": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": MEMBER}},
                },
            },
        }
    },
}


@pytest.mark.parametrize(
    ("name", "schema"),
    [("gcs-input", ROLE), ("gcs-bucket", ROLE), ("gcs-runs", ROLE), ("vertex", ROLE), ("dataflow", POLICY)],
)
def test_rights_on_google_cloud(name, schema):
    """As the IAM API documents a Role and a Policy."""
    document = json.loads((INFRA / "iam" / f"{name}.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    assert not re.search(r"roles/(owner|editor)|[Aa]dmin|\*", json.dumps(document))


def test_rights_of_who_starts_a_job__cover_what_is_asked_before_it(google):
    check(parse(google.arguments)[0], google.address)
    asked = needed(google.ask("log"))
    assert asked <= given("gristmill-launcher")
    assert {"storage.buckets.get", "artifactregistry.repositories.downloadArtifacts"} <= asked
