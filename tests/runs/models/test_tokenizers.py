"""`gristmill tokenizer`, as its user meets it."""

import json

import pytest

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.errors import RecipeError


@pytest.fixture
def call(capsys):
    """Function: command line -> stdout, in this process."""

    def run(*arguments):
        app(["tokenizer", *map(str, arguments)], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_train_evaluate_compare(small_run, tmp_path, call):
    sizes = ("--vocabulary", 600, "--mb", 0.05)
    assert "600 ids" in call("train", "--on", small_run, *sizes, "--out", tmp_path / "a")
    call("train", "--on", small_run, *sizes, "--out", tmp_path / "b")
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    found = json.loads(call("evaluate", tmp_path / "a", "--on", small_run, "--json"))["tokenizers"]
    documents = json.loads((small_run / "manifest.json").read_text())["datasets"]["text"]["rows"]
    assert found[0]["all"]["documents"] == documents
    assert set(found[0]["languages"]) == {"en", "zh"}
    both = json.loads(call("compare", small_run, tmp_path / "a" / "tokenizer.json", "--on", small_run, "--json"))
    assert [one["kind"] for one in both["tokenizers"]] == ["bpe", "tokenizers BPE"]
    assert both["tokenizers"][1]["all"]["tokens"] == found[0]["all"]["tokens"]
    shown = call("compare", small_run, tmp_path / "a", "--on", small_run)
    assert "Renyi" in shown
    assert "zh" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "RUN"], "whose text is read"),
        (["evaluate", "--on", "RUN"], "takes one tokenizer"),
        (["compare", "RUN", "--on", "RUN"], "takes two tokenizers"),
        (["evaluate", "NOTES", "--on", "RUN"], "no SentencePiece model"),
        (["evaluate", "RUN", "--on", "OUT"], "not a run directory"),
        (["train", "--on", "RUN"], "a run and a folder"),
        (["train", "--on", "RUN", "--out", "FULL"], "not empty"),
        (
            ["train", "--on", "RUN", "--out", "OUT", "--vocabulary", "900000"],
            "more than the tokenizer's sample supports",
        ),
    ],
)
def test_refused__before_anything_is_written(small_run, tmp_path, call, arguments, said):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    places = {
        "RUN": small_run,
        "OUT": tmp_path / "out",
        "FULL": tmp_path / "full",
        "NOTES": tmp_path / "full" / "notes",
    }
    with pytest.raises(RecipeError, match=said):
        call(*(places.get(one, one) for one in arguments))
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
