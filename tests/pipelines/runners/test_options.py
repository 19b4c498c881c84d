"""From a runner's name and a budget to a runner; what cannot be kept is refused."""

import pickle

import apache_beam
import pytest
import typer
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, SetupOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from typer.testing import CliRunner

from gristmill.pipelines.cli.running.run import BEAM_ARGS, run
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.runners.budget import Budget
from gristmill.pipelines.runners.local import runner as local
from gristmill.pipelines.runners.local.runner import LocalRunner
from gristmill.pipelines.runners.options import choose


def test_local__workers_and_budgets():
    chosen = choose("local", 3, budget=Budget(memory=3_000_000_000, disk=5))
    assert isinstance(chosen.runner, LocalRunner)
    assert (chosen.workers, chosen.note) == (3, "")
    assert chosen.runner.pool.memory_bytes == 1_000_000_000
    assert chosen.runner.budget.disk == 5


@pytest.mark.parametrize("version", ["2.76.0", "2.78.1", "2.770.0", "3.0.0"])
def test_untested_beam__one_process_and_a_note(monkeypatch, version):
    monkeypatch.setattr(apache_beam, "__version__", version)
    chosen = choose("local", 4, budget=Budget(memory=10**10))
    assert type(chosen.runner) is FnApiRunner
    assert chosen.workers == 1
    assert chosen.note == f"one process only, no budgets: Beam {version} is not one of the tested versions (2.77)"


def test_another_system__one_process_and_a_note(monkeypatch):
    monkeypatch.setattr(local.sys, "platform", "darwin")
    chosen = choose("local", 4)
    assert type(chosen.runner) is FnApiRunner
    assert chosen.note == "one process only: forking workers is not safe on darwin"


@pytest.mark.parametrize("name", ["fnapi", "spark", "flink", "portable"])
@pytest.mark.parametrize(("budget", "option"), [(Budget(memory=10**10), "--memory"), (Budget(disk=1), "--disk")])
def test_other_runners__keep_no_budget(name, budget, option):
    with pytest.raises(RecipeError, match=f"the {name} runner keeps no budget") as caught:
        choose(name, 2, budget=budget)
    assert caught.value.where == option


def test_memory__too_little_names_what_is_needed():
    with pytest.raises(RecipeError, match="too little for 4 workers") as caught:
        choose("local", 4, budget=Budget(memory=10**9))
    assert "at least 1024MB" in caught.value.fix


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--memory", "much", "'much' is not a size"),
        ("--memory", "infGB", "'infGB' is not a size"),
        ("--disk", "-1GB", "'-1GB' is no budget"),
        ("--disk", "0", "'0' is no budget"),
    ],
)
def test_command__refuses_what_is_no_size(tmp_path, option, value, message):
    (tmp_path / "web.jsonl").write_text('{"text": "水磨坊"}\n', encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("gristmill: 1\nname: mill\nsources: {web: {format: jsonl, paths: web.jsonl}}\n", encoding="utf-8")
    app = typer.Typer()
    app.command(context_settings=BEAM_ARGS)(run)
    done = CliRunner().invoke(app, [str(recipe), "--out", str(tmp_path / "run"), option, value])
    assert isinstance(done.exception, RecipeError)
    assert done.exception.what.startswith(message)
    assert done.exception.where == option
    assert not (tmp_path / "run").exists()


def test_views_of_options__made_once_and_of_one_mind():
    """Each builds a parser of arguments, and Beam asks for one at every transform."""
    options = choose("local", 1, ["--temp_location=/tmp/here", "--requirements_file=r.txt"]).options
    view = options.view_as(SetupOptions)
    assert options.view_as(SetupOptions) is view
    assert view.requirements_file == "r.txt"
    assert options.view_as(GoogleCloudOptions).temp_location == "/tmp/here"
    view.save_main_session = True
    plain = PipelineOptions(["--temp_location=/tmp/here", "--requirements_file=r.txt", "--save_main_session"])
    assert options.get_all_options(drop_default=True) == plain.get_all_options(drop_default=True)
    assert pickle.loads(pickle.dumps(options)).view_as(SetupOptions).save_main_session
