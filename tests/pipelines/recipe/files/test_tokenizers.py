"""Tokenizers that a recipe names by path: what is taken, and mistakes that are told before anything runs."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import dump, load

BASE = "gristmill: 1\nname: a\nsources: {web: {format: jsonl, paths: '*.jsonl'}}\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with a tokenizer.json of GPT-2's kind, a broken one, and notes."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(["the mill", "磨坊"], trainer)
    made.save(str(tmp_path / "bare.json"))
    made.add_special_tokens(["</s>"])
    made.save(str(tmp_path / "tokenizer.json"))
    about = json.loads((tmp_path / "tokenizer.json").read_bytes())
    about["model"]["type"] = "Telepathy"
    (tmp_path / "odd.json").write_text(json.dumps(about))
    (tmp_path / "notes.txt").write_text("磨坊")
    return tmp_path


def loaded(folder, tokenizer, more=""):
    (folder / "recipe.yaml").write_text(f"{BASE}tokenizer: {tokenizer}\n{more}", encoding="utf-8")
    found = load(folder / "recipe.yaml")
    check(found)
    return found.recipe


def test_path__taken_with_its_hash_and_kept_in_the_run(folder):
    recipe = loaded(folder, "{path: tokenizer.json}")
    taken = recipe.taken_tokenizer
    assert [file.name for file in taken.files] == ["tokenizer.json"]
    kept = loaded(folder, "{path: ./tokenizer.json, eos: </s>}").taken_tokenizer
    assert kept.kept_as == taken.kept_as
    assert kept.key != taken.key == [taken.files[0].sha256, None, None]
    assert f"path: {taken.kept_as}/tokenizer.json" in dump(recipe)


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [
        ("{path: tokenizr.json}", "'tokenizr.json' is no file"),
        ("{path: notes.txt}", "no SentencePiece model, and no tokenizer.json"),
        ("{path: odd.json}", "unknown kind, 'Telepathy'"),
        ("{path: bare.json}", "nothing says which token ends a document: write `eos: TOKEN`"),
        ("{path: tokenizer.json, eos: <end>}", "`eos: <end>` is outside its vocabulary; its special tokens are </s>"),
        ("{path: tokenizer.json, from: runs/web}", "give `path` or `from`, not both"),
        ("{eos: </s>}", "are of a tokenizer that `path` names"),
    ],
)
def test_mistakes__named_with_their_line(folder, tokenizer, said):
    with pytest.raises(RecipeError) as error:
        loaded(folder, tokenizer)
    assert said in str(error.value)
    assert "line 4" in str(error.value)


def test_conversations__need_a_tokenizer_of_our_own(folder):
    (folder / "recipe.yaml").write_text(
        BASE.replace("'*.jsonl'", "'*.jsonl', chat: {}") + "tokenizer: {path: tokenizer.json}\n"
    )
    with pytest.raises(RecipeError, match="chat need the roles' ids"):
        check(load(folder / "recipe.yaml"))
