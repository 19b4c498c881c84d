"""A user's own code: declared like ours, checked like ours, named in the step keys, and forgotten with its recipe."""

import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill import scrub
from gristmill.filters.pii.engine import UNREAD, Scrubber
from gristmill.filters.presets import PRESETS
from gristmill.filters.signals import SIGNALS, score
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.stages.preload import preload
from gristmill.pipelines.stages.replay import Failure, survive

PLUGIN = '''
import numpy as np
import gristmill

@gristmill.signal(unit="share", scripts="any")
def capitals(counts):
    """Share of characters that are capitals. 大写字母所占比例。"""
    return np.array([sum(map(str.isupper, text)) / max(1, len(text)) for text in counts.texts])

gristmill.preset(gristmill.Preset("calm@me", "mine", (gristmill.Rule("calm", "capitals", "<=", 0.3, "a guess"),)))
'''
RECIPE = """\
gristmill: 1
name: own
sources: {web: {format: jsonl, paths: "*.jsonl"}}
plugins: [mine.py]
decide: [{presets: [calm@me]}]
"""


def loaded(folder: Path, plugin: str = PLUGIN, recipe: str = RECIPE) -> LoadedRecipe:
    (folder / "mine.py").write_text(plugin, encoding="utf-8")
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return load(folder / "recipe.yaml")


@pytest.fixture(autouse=True)
def _forget():
    yield
    from gristmill.pipelines.recipe.files.plugins import declare_plugins

    declare_plugins([])


def test_plugin__its_signal_and_preset_are_known_and_checked(tmp_path) -> None:
    check(loaded(tmp_path))
    assert SIGNALS["capitals"].summary.startswith("Share of characters")
    assert "calm@me" in PRESETS
    with pytest.raises(RecipeError, match=r"unknown preset 'calm@mee'; did you mean 'calm@me'"):
        check(loaded(tmp_path, recipe=RECIPE.replace("[calm@me]", "[calm@mee]")))


def test_plugin__another_recipe_does_not_see_it(tmp_path) -> None:
    loaded(tmp_path)
    loaded(tmp_path, recipe=RECIPE.replace("plugins: [mine.py]\n", ""))
    assert "capitals" not in SIGNALS
    assert "calm@me" not in PRESETS


def test_plugin__changed_and_read_again(tmp_path) -> None:
    first = loaded(tmp_path).sha256
    second = loaded(tmp_path, PLUGIN.replace("0.3", "0.4"))
    assert PRESETS["calm@me"].rules[0].threshold == 0.4
    assert second.sha256 != first
    assert loaded(tmp_path).sha256 == first


def test_plugin__travels_with_the_recipe_to_another_process(tmp_path) -> None:
    raw = pickle.dumps(loaded(tmp_path).recipe)
    (tmp_path / "mine.py").unlink()
    code = "import pickle, sys; pickle.load(sys.stdin.buffer)\n"
    code += "from gristmill.filters.signals import SIGNALS; SIGNALS['capitals']"
    subprocess.run([sys.executable, "-c", code], input=raw, check=True)


def test_plugin__the_run_directory_keeps_its_code(tmp_path) -> None:
    recipe = loaded(tmp_path).recipe
    kept = tmp_path / recipe.plugins[0].kept_as
    kept.parent.mkdir()
    kept.write_text(recipe.plugins[0].source, encoding="utf-8")
    (tmp_path / "again.yaml").write_text(dump(recipe), encoding="utf-8")
    again = load(tmp_path / "again.yaml")
    assert again.recipe.plugins[0].sha256 == recipe.plugins[0].sha256


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def capitals", "def capitals:", r"SyntaxError.*\n.*mine.py:6"),
        ("import numpy as np", "import numpy as np\n1 / 0", r"ZeroDivisionError.*\n.*mine.py:3"),
        ("def capitals", "def plain_words", r"'plain_words' is Gristmill's own already"),
        ("calm@me", "gopher@paper", r"'gopher@paper' is Gristmill's own already"),
        ('"calm@me"', '"calm"', r"does not say whose numbers"),
        ('"any"', '"every"', r"scripts is 'every'; it is one of any, spaced, Hani"),
        ("for text in counts.texts])", "for text in counts.texts][:1])", r"an array of shape .1,. for 4 texts"),
        ('    """Share of characters that are capitals. 大写字母所占比例。"""\n', "", r"has no docstring"),
        (PLUGIN, "x = 1\n", r"declares nothing"),
        (PLUGIN, " \n", r"the plugin 'mine.py' is empty"),
        ("import numpy as np", "raise SystemExit(3)", r"fails: SystemExit: 3\n.*mine.py:2"),
        ("return np.array(", "return iter(", r"gives a list_iterator, not an array of numbers\n.*mine.py:5"),
        ("return np.array(", "np.array(", r"gives nan|gives one NoneType for 4 texts"),
        (
            "return np.array(",
            "return len(counts.texts); np.array(",
            r"gives one int for 4 texts, not a number for each",
        ),
        ("return np.array(", "return np.ones((4, 2)); np.array(", r"gives an array of shape \(4, 2\) for 4 texts"),
        ("return np.array(", "return np.full(4, np.inf); np.array(", r"gives an infinite number"),
        ("return np.array(", "import sys; sys.exit(); np.array(", r"the signal 'capitals' ends the program"),
        ('"<="', '"<"', r"the rule 'calm' compares by '<'; it is one of >=, <=\n.*mine.py:10"),
        ("0.3,", '"0.3",', r"the threshold of 'calm' is '0.3'; it is a number"),
        ("0.3,", 'float("nan"),', r"the threshold of 'calm' is nan"),
        ('"a guess"', '"a guess", "en"', r"has the languages en; write a set of codes"),
        ('"a guess"', '"a guess", {"english"}', r"has the languages english; write a set of codes"),
        (",)))", ")))", r"of one rule: \(rule,\)"),
        (
            PLUGIN[PLUGIN.index("gristmill.preset(") :],
            'gristmill.preset("calm@me")\n',
            r"a gristmill.Preset.* is expected",
        ),
        (PLUGIN[PLUGIN.index("gristmill.preset(") :], 'gristmill.preset(gristmill.Preset("a@b", "", ()))', r"no rules"),
        (
            "@gristmill.signal",
            PLUGIN[PLUGIN.index("@") : PLUGIN.index("gristmill.preset(")] + "@gristmill.signal",
            r"'capitals' is declared by mine.py already.*\n.*mine.py:10",
        ),
        (
            PLUGIN,
            '@__import__("gristmill").reader("x", suffixes=".x")\ndef read(file): ...\n',
            r"are '.x'; write them like",
        ),
        (
            PLUGIN,
            '@__import__("gristmill").reader("x", suffixes=["x"])\ndef read(file): ...\n',
            r"write them like \('.note',\)",
        ),
    ],
)
def test_plugin__what_is_wrong_is_named_with_its_line(tmp_path, old, new, words) -> None:
    with pytest.raises(RecipeError, match=words):
        loaded(tmp_path, PLUGIN.replace(old, new))


def test_preset__of_an_unknown_signal(tmp_path) -> None:
    wrong = PLUGIN.replace('"calm", "capitals"', '"calm", "capitols"')
    with pytest.raises(
        RecipeError, match=r"line 5 .*calm@me/calm asks for no known signal: 'capitols'; did you mean 'cap"
    ):
        check(loaded(tmp_path, wrong))


def test_package__declared_again_after_another_recipe(tmp_path, monkeypatch) -> None:
    """Python imports a package once; what it declared then is declared whenever a recipe names it."""
    (tmp_path / "calm_filters.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "calm-1.dist-info").mkdir()
    (tmp_path / "calm-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: calm\nVersion: 1\n")
    (tmp_path / "calm-1.dist-info" / "entry_points.txt").write_text("[gristmill.plugins]\ncalm = calm_filters\n")
    monkeypatch.syspath_prepend(tmp_path)
    named = RECIPE.replace("mine.py", "calm")
    check(loaded(tmp_path, recipe=named))
    loaded(tmp_path, recipe=RECIPE.replace("plugins: [mine.py]\n", ""))
    assert "calm@me" not in PRESETS
    check(loaded(tmp_path, recipe=named))
    assert "calm@me" in PRESETS
    sys.modules.pop("calm_filters")


def test_signal__that_fails_on_some_texts_costs_these(tmp_path) -> None:
    """What only a longer text brings to light is told of it, without its words, and ends no run."""
    late = PLUGIN.replace(
        "return np.array(", "return np.array([np.inf if len(t) > 80 else 0.0 for t in counts.texts])\n    ("
    )
    recipe = loaded(tmp_path, late.replace("max(1, len(text))", "1")).recipe
    text = pa.array(["short", "long " * 40, "short again"], pa.large_string())

    def step(batch: pa.RecordBatch) -> list[float]:
        return score(batch["text"], ["capitals"])["capitals"].tolist()

    found = list(survive(step, pa.record_batch({"text": text})))
    (failure,) = [one for one in found if isinstance(one, Failure)]
    assert failure.row == 1
    assert failure.error.startswith("the signal 'capitals' gives an infinite number")
    first = loaded(
        tmp_path, PLUGIN.replace("return np.array(", "if len(counts.texts) < 4: 1 / 0\n    return np.array(")
    )
    preload(first.recipe)  # of two pages
    assert recipe.plugins


def test_plugin__that_is_not_there(tmp_path) -> None:
    with pytest.raises(RecipeError, match=r"cannot be read: No such file"):
        loaded(tmp_path, recipe=RECIPE.replace("mine.py", "yours.py"))
    with pytest.raises(RecipeError, match=r"no plugin 'french'[\s\S]*entry point"):
        loaded(tmp_path, recipe=RECIPE.replace("mine.py", "french"))
    with pytest.raises(RecipeError, match=r"line 4  plugins: expected a list of file names"):
        loaded(tmp_path, recipe=RECIPE.replace("[mine.py]", "{a: b}"))


RECOGNIZER = """
import re
import gristmill

@gristmill.recognizer("EMPLOYEE_ID", "Number of an employee")
def employee_ids(text):
    return [match.span() for match in re.finditer(r"\\bE-[0-9]{6}\\b|工号[0-9]{6}", text)]
"""


def test_recognizer__is_looked_for_like_ours(tmp_path) -> None:
    recipe = RECIPE.replace("decide: [{presets: [calm@me]}]", "scrub: {entities: [EMPLOYEE_ID]}")
    check(loaded(tmp_path, RECOGNIZER, recipe))
    assert scrub(["I am E-123456.", "我的工号１２３４５６，邮箱zhang@qq.com"]).to_pylist() == [
        "I am <EMPLOYEE_ID>.", "我的<EMPLOYEE_ID>，邮箱<EMAIL_ADDRESS>",
    ]  # fmt: skip
    check(loaded(tmp_path, RECOGNIZER.replace("{6}", "{4}"), recipe))
    assert scrub(["E-123456 E-1234"]).to_pylist() == ["E-123456 <EMPLOYEE_ID>"], "the changed one, not a kept copy"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"EMPLOYEE_ID"', '"employee"', "not written like EMPLOYEE_ID"),
        ('"EMPLOYEE_ID"', '"EMAIL_ADDRESS"', "is Gristmill's own already"),
        ("return [", "return [(0, 99)] or [", r"gives \(0, 99\) in a text of 0 characters\n.*mine.py:5"),
        ("return [", "return None and [", "gives a NoneType, not .start, end. pairs"),
        ("return [", "return text and [", "gives a str, not .start, end. pairs"),
        ("return [", "return [match for match in re.finditer('7', text)] or [", "gives Match, not a pair .start, end."),
        ("return [", "return [m.group() for m in re.finditer('7', text)] or [", "gives str, not a pair"),
        ("return [", "return [(0.0, 1.0)] or [", r"gives \(0.0, 1.0\), not a pair \(start, end\) of integers"),
        ("return [", "return [(2, 2)] or [", r"gives \(2, 2\) in a text"),
        ("return [", "raise SystemExit or [", "the recognizer of 'EMPLOYEE_ID' ends the program"),
    ],
)
def test_recognizer__what_is_wrong_is_named(tmp_path, old, new, words) -> None:
    with pytest.raises(RecipeError, match=words):
        loaded(tmp_path, RECOGNIZER.replace(old, new), RECIPE.replace("decide: [{presets: [calm@me]}]\n", ""))


def test_recognizer__that_fails_on_a_text_shows_nothing_of_it(tmp_path) -> None:
    late = RECOGNIZER.replace("return [", "1 / (len(text) < 60)\n    return [")
    loaded(tmp_path, late, RECIPE.replace("decide: [{presets: [calm@me]}]\n", ""))
    assert Scrubber(None).scrub("I am E-123456.") == "I am <EMPLOYEE_ID>."
    assert Scrubber(None).scrub("I am E-123456. " * 9) == UNREAD
