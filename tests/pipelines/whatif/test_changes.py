"""What a user names, and what of the recipe that is: unknown names get the nearest one."""

import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.whatif.changes import Changes, edits_of

RECIPE = Recipe.model_validate(
    {
        "gristmill": 1,
        "name": "mill",
        "sources": {"web": {"format": "jsonl", "paths": "x.jsonl"}},
        "decide": [
            {"when": {"language": "en"}, "presets": ["gopher@paper"], "change": {"gopher@paper/words_min": 40}},
            {
                "when": {"language": "zh"},
                "presets": ["chinese@gristmill", "any@gristmill"],
                "rules": [{"signal": "characters", "at_least": 100, "at_most": 9000}],
            },
        ],
    }
)


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        (Changes(["gopher@paper/words_min=30"]), [(("decide", 0, "change", "gopher@paper/words_min"), 30)]),
        (Changes(["stop_words=1.5"]), [(("decide", 0, "change", "gopher@paper/stop_words"), 1.5)]),
        (Changes(["recipe/characters_min=0.5"]), [(("decide", 1, "rules", 0, "at_least"), 0.5)]),
        (Changes(["recipe/characters_max=null"]), [(("decide", 1, "change", "recipe/characters_max"), None)]),
        (Changes((), ["gopher@paper/words_min"]), [(("decide", 0, "change", "gopher@paper/words_min"), None)]),
        (Changes(["gopher@paper/top_2grams=15%"]), [(("decide", 0, "change", "gopher@paper/top_2grams"), 0.15)]),
        (Changes(["language/threshold=70%"]), [(("language", "threshold"), 0.7)]),
        (Changes(["language/threshold=0.7"]), [(("language", "threshold"), 0.7)]),
        (Changes(otherwise="drop"), [(("otherwise",), "drop")]),
        (Changes((), (), ["c4@tfds"]), [(("decide", 0, "presets"), ["gopher@paper", "c4@tfds"])]),
        (
            Changes((), (), (), ["gopher@paper"]),
            [(("decide", 0, "presets"), []), (("decide", 0, "change"), {})],
        ),
        (
            Changes(["fineweb@datatrove/short_lines=0.5"], (), ["fineweb@datatrove"]),
            [
                (("decide", 0, "presets"), ["gopher@paper", "fineweb@datatrove"]),
                (("decide", 0, "change", "fineweb@datatrove/short_lines"), 0.5),
            ],
        ),
    ],
)
def test_edits(changes, edits):
    assert edits_of(RECIPE, changes) == edits


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (Changes(["gopher@paper/word_min=30"]), "did you mean 'gopher@paper/words_min'"),
        (Changes(["deduplicate.minhash.threshold=0.8"]), "`deduplicate` holds no rules: change the recipe"),
        (Changes(["gopher@paper/words_min"]), "has no bound"),
        (Changes(["gopher@paper/words_min=many"]), "'many' is no number"),
        (Changes(["gopher@paper/words_min=nan"]), "no bound"),
        (Changes(["gopher@paper/words_min=30%"]), "'plain_words' is no share"),
        (Changes(["gopher@paper/top_2grams=ten%"]), "'ten%' is no number"),
        (Changes(["gopher@paper/words_min=30"], entry=1), "no rule 'gopher@paper/words_min'"),
        (Changes(["words_min=3"]), "gopher@paper/words_min, any@gristmill/words_min; write one"),
        (Changes(["words_min=3"], entry=7), "no entry 7"),
        (Changes((), (), ["gopher@papre"]), "did you mean 'gopher@paper'"),
        (Changes((), (), ["gopher@paper"], entry=1), "is not valid for"),
        (Changes((), (), ["gopher@paper"]), "there already"),
        (Changes((), (), (), ["c4@tfds"]), "no preset 'c4@tfds'"),
        (Changes(otherwise="maybe"), "write keep or drop"),
        (Changes(["gopher@paper/words_min=30", "gopher@paper/words_min=40"]), "given two bounds: 30 and 40"),
        (Changes(["gopher@paper/words_min=30"], ["gopher@paper/words_min"]), "given two bounds: off and 30"),
        (Changes(["gopher@paper/top_2grams=15"]), "a share, which is never 15"),
        (Changes(["gopher@paper/top_2grams=-0.1"]), "a share, which is never -0.1"),
    ],
)
def test_slips__say_what_there_is(changes, said):
    with pytest.raises(RecipeError, match=said):
        edits_of(RECIPE, changes)
