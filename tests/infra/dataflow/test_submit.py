"""The Flex Template from end to end against Google's services on loopback: written, launched, followed, concluded."""

import pytest

from gristmill.infra.dataflow.__main__ import main
from tests.google_cloud.fixture import IMAGE, PROJECT, REGION
from tests.runs.services.test_dataflow import RECIPE, recipe  # noqa: F401 - a fixture

pytestmark = pytest.mark.process
TEMPLATE = "gs://mill/templates/gristmill.json"


@pytest.fixture
def arguments(google) -> list[str]:
    """Of `submit`, behind the recipe."""
    assert main(["template", "--image", f"localhost:{google.port}/{IMAGE}", "--to", TEMPLATE]) == 0
    place = [f"--project={PROJECT}", f"--region={REGION}", "--temp_location=gs://mill/temp"]
    return ["--out", "gs://mill/run", "--template", TEMPLATE, "--", *place, f"--dataflow_endpoint={google.address}"]


def test_launcher_that_fails__says_why(google, arguments, recipe, capsys):  # noqa: F811
    recipe.write_text(RECIPE.replace("in/*.jsonl", "none/*.jsonl"), encoding="utf-8")
    assert main(["submit", str(recipe), *arguments]) == 6
    said = capsys.readouterr().err
    assert "gs://mill/none" in said
    assert "fix:" in said


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        (("--template", "gs://mill/templates/none.json"), "there is no template", 2),
        (("--out", "runs/here"), "the run cannot lie on this machine", 2),
        (("--region=europe-west4", "--region=mars-north1"), "there is no Dataflow in the region 'mars-north1'", 6),
        (("--project=mill-project", "--project="), "--project", 2),
    ],
)
def test_wrong__is_named(google, arguments, recipe, capsys, change, said, code):  # noqa: F811
    old, new = change
    at = arguments.index(old)
    arguments[at if old.startswith("--") and "=" in old else at + 1] = new
    assert main(["submit", str(recipe), *arguments]) == code
    assert said in capsys.readouterr().err
    assert google.ask("jobs") == []


def test_recipe_that_names_files_of_this_machine(google, arguments, recipe, capsys):  # noqa: F811
    (recipe.parent / "grades.csv").write_text("id,grade\nenglish-1,good\n", encoding="utf-8")
    labels = "labels: {grades: {paths: grades.csv, key: id, columns: {grade: {good: 1, bad: 0}}}}\n"
    recipe.write_text(RECIPE.replace("deduplicate:", f"{labels}deduplicate:"), encoding="utf-8")
    assert main(["submit", str(recipe), *arguments]) == 2
    assert "this recipe names files of this machine" in capsys.readouterr().err


def test_cost__of_a_run_that_has_none(google, tmp_path, capsys):
    (tmp_path / "recipe.yaml").write_text("[]", encoding="utf-8")
    assert main(["cost", "gs://mill/nothing"]) == 2
    assert "knows no cost" in capsys.readouterr().err
