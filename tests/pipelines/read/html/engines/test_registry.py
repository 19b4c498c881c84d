"""Every engine by its name; what is not installed, or cannot be, is said before anything runs."""

import importlib.util

import pytest

from gristmill.pipelines.read.html.engines.registry import ENGINES, engine, engine_version
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load

PROSE = "The old water mill stands by the river and grinds wheat for the village. 水磨坊坐落在河边，为全村人磨小麦。"
PAGE = f"<title> A\n mill </title><main><h1>Mill</h1><p>{PROSE}</p><p>{PROSE}</p></main>".encode()
INSTALLED = [name for name in ENGINES if name != "trafilatura" or importlib.util.find_spec("trafilatura")]


def test_engines__are_those_of_the_recipe() -> None:
    assert set(ENGINES) == set(schema.Extract.model_fields["engine"].annotation.__args__)


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("main_content", [True, False])
def test_engine__gives_text_and_title(name, main_content) -> None:
    page = read_page(PAGE, None, schema.Extract(engine=name, main_content=main_content))
    assert page.text.decode().count(PROSE) == 2
    assert (page.title, page.charset) == ("A mill", "utf-8")
    assert engine(name)("", b"", schema.Extract(engine=name)).text == b""


def test_version__of_what_an_engine_stands_on() -> None:
    assert engine_version("resiliparse") >= "2"
    assert engine_version("gristmill") == ""


@pytest.mark.parametrize(
    ("extract", "said"),
    [
        (
            "{engine: trafilatura}",
            "line 4  extract.engine: trafilatura is not installed; pip install 'gristmill[trafilatura]'",
        ),
        ("{engine: resiliparse, output: markdown}", "line 4  extract.output: resiliparse writes plain text only"),
        ("{engine: readability}", "line 4  extract.engine: "),
    ],
)
def test_recipe__names_an_engine_that_cannot_be_had(tmp_path, monkeypatch, extract, said) -> None:
    monkeypatch.setattr("gristmill.pipelines.recipe.check.find_spec", lambda name: None)
    (tmp_path / "r.yaml").write_text(
        f"gristmill: 1\nname: mill\nsources: {{web: {{format: html, paths: [a.html]}}}}\nextract: {extract}\n",
        encoding="utf-8",
    )
    with pytest.raises(Exception, match="extract") as caught:
        check(load(tmp_path / "r.yaml"))
    assert said in str(caught.value)
