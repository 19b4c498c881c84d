"""The Flex Template: made from the options of a run and of a job, valid by the schema, and as strict as they are."""

import json
import re

import pytest
from google.cloud.dataflow_v1beta3 import ContainerSpec
from google.protobuf import json_format

from gristmill.infra.dataflow.__main__ import main
from gristmill.infra.dataflow.template import GIVEN, METADATA, OURS, checked, metadata, spec
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.run.request import STAGES
from gristmill.pipelines.runners.dataflow.options import DataflowOptions, known

IMAGE = "europe-west4-docker.pkg.dev/mill-project/mill/gristmill:0.1.0"
GOOD = {
    "recipe": "gs://mill/recipes/磨坊.yaml",
    "out": "gs://mill/runs/web",
    "until": "text",
    "sample": "0.01",
    "max_num_workers": "8",
    "flexrs_goal": "COST_OPTIMIZED",
    "labels": "team=data,kind=web",
    "use_public_ips": "false",
    "subnetwork": "regions/europe-west4/subnetworks/private",
    "service_account_email": "worker@mill-project.iam.gserviceaccount.com",
    "machine_type": "n2-standard-8",
}
BAD = {
    "recipe": "/home/me/recipe.yaml",
    "out": "runs/web",
    "until": "the end",
    "sample": "1.5",
    "max_num_workers": "many",
    "flexrs_goal": "CHEAP",
    "use_public_ips": "no",
    "subnetwork": "private",
    "service_account_email": "me@example.com",
    "machine_type": "big",
}


def fits(name: str, value: str) -> bool:
    (one,) = (one for one in metadata()["parameters"] if one["name"] == name)
    return all(re.search(pattern, value) for pattern in one.get("regexes", []))


def test_metadata__is_what_the_options_say_and_stands_in_its_file():
    assert json.loads(METADATA.read_text("utf-8")) == checked(metadata(), "metadata"), (
        "python -m gristmill.infra.dataflow metadata"
    )
    names = [one["name"] for one in metadata()["parameters"]]
    assert len(names) == len(set(names))
    assert set(names) == {name for name, *_ in OURS} | (DataflowOptions.model_fields.keys() - GIVEN)
    assert [one["name"] for one in metadata()["parameters"] if not one["isOptional"]] == ["recipe", "out"]
    assert all(stage in str(metadata()) for stage in STAGES)


@pytest.mark.parametrize("name", GOOD)
def test_parameter__takes_what_a_job_takes(name):
    assert fits(name, GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_parameter__refuses_what_a_job_refuses(name):
    assert not fits(name, BAD[name])


def test_spec__is_valid_and_names_the_image():
    found = checked(spec(IMAGE), "spec")
    assert found["image"] == IMAGE
    assert found["sdkInfo"] == {"language": "PYTHON"}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda value: value.pop("image"), "spec"),
        (lambda value: value.update(image="no image"), "spec"),
        (lambda value: value["sdkInfo"].update(language="COBOL"), "spec"),
        (lambda value: value["metadata"]["parameters"][0].pop("helpText"), "spec"),
        (lambda value: value["metadata"]["parameters"][0].update(name="1st"), "spec"),
        (lambda value: value["metadata"]["parameters"][0].update(unknown=1), "spec"),
        (lambda value: value["metadata"]["parameters"][0].update(paramType="FILE"), "spec"),
    ],
)
def test_schema__finds_what_is_wrong(change, part):
    value = spec(IMAGE)
    change(value)
    with pytest.raises(RunnerError, match="no template"):
        checked(value, part)


def test_command__writes_the_template(tmp_path, capsys):
    assert main(["template", "--image", IMAGE, "--to", str(tmp_path / "t.json")]) == 0
    assert json.loads((tmp_path / "t.json").read_text("utf-8")) == spec(IMAGE)
    capsys.readouterr()
    assert main(["template", "--image", IMAGE.replace(":0.1.0", "")]) == 2
    assert "It lacks a tag" in capsys.readouterr().err


def test_launcher__leaves_out_what_nobody_knows():
    assert known(["--project=p", "--unknown=1", "--runner=x", "stray"]) == ["--project=p", "--runner=x"]


def within(part: object, whole: object) -> bool:
    """Whether what is said in one JSON is said in the other, which may say more (defaults)."""
    if isinstance(part, dict):
        return all(within(value, whole.get(key)) for key, value in part.items())
    if isinstance(part, list):
        return all(within(one, other) for one, other in zip(part, whole, strict=True))
    return part == whole


def test_spec__is_read_by_googles_own_messages_without_a_key_that_they_do_not_know():
    """ContainerSpec and what it holds, of google.dataflow.v1beta3, as its client publishes them."""
    written = spec(IMAGE)
    read = json_format.ParseDict(written, ContainerSpec.pb()())
    back = json_format.MessageToDict(read, always_print_fields_with_no_presence=True)
    assert within(written, back)
    written["metadata"]["parameters"][0]["paramTyp"] = "TEXT"
    with pytest.raises(json_format.ParseError, match="paramTyp"):
        json_format.ParseDict(written, ContainerSpec.pb()())
