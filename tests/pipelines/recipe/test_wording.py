"""Whatever is wrong with a value, the message is in our words: what is expected there, and what stands there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.wording import RecipePath, expected, place_of

SOURCE = {"format": "jsonl", "paths": "a"}
DECISION: dict[str, Any] = {"rules": [{"signal": "words", "at_least": 1}], "change": {"x": 1}}
RECIPE = {
    "gristmill": 1, "name": "x",
    "sources": {"web": {**SOURCE, "language": {"column": "lang"}, "columns": {"a": "string"}, "chat": {}},
                "pairs": {**SOURCE, "pairs": {}}, "prompts": {**SOURCE, "prompts": {}}},
    "classifiers": {"q": {"train": {"good": {"files": SOURCE}}}},
    "language_models": {"m": {"model": {"en": "a"}, "cutoffs": {"en": [1, 2]}, "train": {"en": {"files": {**SOURCE}}},
                              "training": {"prune": [0]}}},
    "lists": {"l": {"domains": "a"}},
    "labels": {"p": {"paths": "a", "columns": {"a": {"x": 1}}}},
    "decide": [
        {**DECISION, "pareto": {"signal": "q"}, "when": {"language": ["en"], "script": ["Latn"], "source": ["web"]}}
    ],
    "deduplicate": {"urls": {}, "passages": [{"unit": "sentence"}], "substrings": {}},
    "decontaminate": {"sets": {"e": {"paths": "a"}}},
    "gates": ["alarms == 0"], "train": {"options": {"a": 1}},
    "scrub": {"entities": ["EMAIL_ADDRESS"], "drop_above": {"all": 1},
              "models": [{"engine": "spacy", "model": "a", "lang": ["en"], "entities": {"PER": "PERSON"}}]},
}  # fmt: skip
LIBRARY = re.compile(
    r"Input|should|Field required|[Vv]alid (?:integer|string|list|dictionary|number|boolean)|unable to|not permitted"
    r"|(?:greater|less) than or|Value error|instance of|pattern|after validation|constrained|Literal|NoneType"
)
WRONG = [None, True, "", "x y", -1, 0.5, 1 << 70, [], [1], ["x", {}], {}, {"key": 1}, [[[]]]]


def places(value: Any, path: RecipePath = ()) -> Iterator[RecipePath]:
    """The path of everything inside a value."""
    for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, part)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, part))


def changed(value: Any, path: RecipePath, wrong: Any) -> Any:
    """The value with another one at a path."""
    if not path:
        return wrong
    first, *rest = path
    if isinstance(first, int):
        return [changed(value[first] if isinstance(value, list) else None, tuple(rest), wrong)]
    mapping = value if isinstance(value, dict) else {}
    return {**mapping, first: changed(mapping.get(first), tuple(rest), wrong)}


WHOLE = Recipe.model_validate(RECIPE).model_dump(mode="json")
"""Every key there is, with its default."""
PLACES = list(places(WHOLE))


def test_places__are_all_there_are():
    keys = {key for model in Recipe.model_json_schema()["$defs"].values() for key in model.get("properties", ())}
    assert keys - {part for path in PLACES for part in path} == {
        "sha256"
    }  # of a plugin, which is no mapping in a recipe


def around(path: RecipePath) -> dict[str, Any]:
    """The recipe without what has no part in a message about this place: reading it takes a quarter of the time."""
    sources = {name: made for name, made in WHOLE["sources"].items() if path[0] == "sources" or name == "web"}
    wanted = {"gristmill", "name", path[0], *(["classifiers"] if path[0] == "decide" else [])}
    return {"sources": sources, **{key: value for key, value in WHOLE.items() if key in wanted - {"sources"}}}


def what_is_wrong(file: Path) -> str:
    """The message about a recipe; "" for one that loads."""
    try:
        load(file)
    except RecipeError as error:
        return error.what
    return ""


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_message__is_in_our_words_at_every_key(tmp_path, path):
    file = tmp_path / "recipe.yaml"
    for wrong in WRONG:
        text = yaml.dump(changed(around(path), path, wrong), Dumper=yaml.CSafeDumper, sort_keys=False)
        file.write_text(text, encoding="utf-8")
        what = what_is_wrong(file)
        assert not LIBRARY.search(what), what
        assert not what or re.search(r"line \d+|the number|plugin", what), what


@pytest.mark.parametrize(
    ("path", "wrong", "message"),
    [
        (("sources",), {}, "sources: expected a mapping from names to sources, with at least one; got {}"),
        (("sources", "web"), "a.jsonl", "sources.web: expected a mapping with the keys format, paths, text"),
        (("sources", "web", "language"), {"colum": "lang"}, "unknown key 'colum'; did you mean 'column'?"),
        (("sources", "web", "language"), 5, "expected a text, or a mapping with the key column; got 5"),
        (("sources", "web"), {}, "sources.web.format: this key is required: the name of a format, such as jsonl"),
        (("sources", "web", "columns", "a"), "int", "unknown value 'int'; did you mean 'int64'?"),
        (("decide",), {"when": {}}, "decide: expected a list of entries"),
        (("decide", 0, "when", "language"), [], "expected a name, or a list of some; got []"),
        (("decide", 0, "when", "language"), [1], "decide[0].when.language[0]: expected a text; got 1"),
        (
            ("decide", 0, "change", "x"),
            "much",
            "expected a number, of a share also 70%, or null to turn the rule off; got 'much'",
        ),
        (("language",), {"characters": "al"}, "expected a whole number, at least 1"),
        (("language",), {"characters": "whol"}, "unknown value 'whol'; did you mean 'whole'?"),
        (("plan",), {"unit_bytes": True}, "expected a size such as 16MB, from 1 B to 1 EiB; got true"),
        (("tokens",), {"validation": "200%"}, "expected a share from 0 to 1, such as 0.01 or 1%; got '200%'"),
        (
            ("tokens",),
            None,
            "expected a mapping with the keys sequence_length, validation, test, packing, learn, ghost; got nothing",
        ),
        (("extract",), {"main_content": "maybe"}, "expected true or false; got 'maybe'"),
        (("otherwise",), "dorp", "unknown value 'dorp'; did you mean 'drop'?"),
        (
            ("deduplicate", "substrings"),
            {"min_tokens": 3},
            "expected a whole number, at least 8 and at most 1,048,576; got 3",
        ),
        (("deduplicate",), {"repeat": 0}, "repeat: expected a number, more than 0 and at most 1,000; got 0"),
        (("deduplicate",), {"urls": True}, "a mapping with the keys keep, date, www; write `{}` for the defaults"),
        (("deduplicate",), {"minhash": True}, "seed, recall; leave the key out for the defaults"),
        (("name",), "a b", "expected a name of letters, digits, '.', '_' and '-'; got 'a b'"),
        (("gristmill",), 2, "gristmill: expected the version of the recipe format, `1`; got 2"),
        (("train", "options", "a"), [1], "expected a text, or a whole number, or a number, or true or false; got [1]"),
    ],
)
def test_message__says_what_is_expected_and_what_is_there(tmp_path, path, wrong, message):
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(changed(RECIPE, path, wrong), sort_keys=False), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load(file)
    assert message in caught.value.what


def test_message__one_for_each_place(tmp_path):
    file = tmp_path / "recipe.yaml"
    recipe = changed(changed(RECIPE, ("sources", "web", "language"), 5), ("language",), {"characters": 0.5})
    file.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load(file)
    assert caught.value.what.startswith("2 problems")


def test_expected__of_a_place_that_nobody_knows():
    assert expected(place_of(("nothing",))[1]) == "nothing"
