"""Tokenizers of every kind by path: the ids of their own libraries, and which are parts of characters."""

import numpy as np
import pytest
import sentencepiece
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from gristmill.tokenizer.huggingface import write_huggingface
from gristmill.tokenizer.opened import UnknownTokenizerError, open_tokenizer


@pytest.fixture(scope="module")
def byte_level(texts, tmp_path_factory):
    """A tokenizer.json of GPT-2's kind; 400 ids, so that Chinese characters are cut."""
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False))
    path = tmp_path_factory.mktemp("byte") / "tokenizer.json"
    made.save(str(path))
    return path


@pytest.fixture(scope="module")
def foreign_model(texts, tmp_path_factory):
    """A SentencePiece model of somebody else's options."""
    path = tmp_path_factory.mktemp("foreign") / "their.model"
    lines = [line for text in texts for line in text.split("\n")]
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=iter(lines), model_writer=file, vocab_size=520, model_type="bpe", byte_fallback=True,
            character_coverage=0.98, minloglevel=2,
        )  # fmt: skip
    return path


def lists(tokens, offsets):
    return [part.tolist() for part in np.split(tokens, offsets[1:-1])]


def test_ours__by_folder_and_by_file(encoder, texts):
    wanted = lists(*encoder.encode(texts, bos=False, eos=False))
    for path in (encoder.path, encoder.path.parent):
        opened = open_tokenizer(path)
        assert (opened.kind, opened.vocabulary) == (encoder.info.kind, encoder.vocabulary)
        assert lists(*opened.encode(texts)) == wanted
    assert opened.partial_V.sum() == 256


def test_tokenizer_json__of_ours_has_our_ids_and_bytes(encoder, texts, tmp_path):
    if encoder.info.kind == "unigram":
        pytest.skip("the library breaks ties otherwise (docs/training.md)")
    write_huggingface(encoder, tmp_path)
    opened = open_tokenizer(tmp_path)
    assert opened.kind == "tokenizers BPE"
    assert lists(*opened.encode(texts)) == lists(*open_tokenizer(encoder.path).encode(texts))
    assert np.array_equal(opened.partial_V, open_tokenizer(encoder.path).partial_V)


def test_byte_level__ids_of_the_library_and_which_are_no_character(byte_level, texts):
    opened, theirs = open_tokenizer(byte_level), tokenizers.Tokenizer.from_file(str(byte_level))
    assert lists(*opened.encode(texts)) == [theirs.encode(text, add_special_tokens=False).ids for text in texts]
    for number in range(opened.vocabulary):
        assert opened.partial_V[number] == ("\ufffd" in theirs.decode([number])), number


def test_sentencepiece__ids_of_the_library(foreign_model, texts):
    opened = open_tokenizer(foreign_model)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(foreign_model))
    assert lists(*opened.encode(texts)) == theirs.encode(texts)
    assert opened.partial_V.sum() == 256


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", b"{}", "no tokenizer.json"),
        ("a.json", b'{"model": {"type": "Telepathy"}}', "unknown kind, 'Telepathy'"),
        ("a.model", b"not a model", "no SentencePiece model"),
        ("notes.txt", "磨坊".encode(), "no SentencePiece model"),
        (None, b"", "holds neither"),
    ],
)
def test_unknown_kind__is_named(tmp_path, name, data, said):
    path = tmp_path
    if name:
        path = tmp_path / name
        path.write_bytes(data)
    with pytest.raises(UnknownTokenizerError, match=said) as caught:
        open_tokenizer(path)
    assert str(path) in str(caught.value)
    with pytest.raises(UnknownTokenizerError, match="is no file"):
        open_tokenizer(tmp_path / "absent")
