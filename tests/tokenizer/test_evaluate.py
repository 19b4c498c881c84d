import dataclasses

import pytest

from gristmill.tokenizer.evaluate import ALL, Figures, evaluate, merged
from gristmill.tokenizer.special_ids import FIRST_BYTE
from gristmill.tokenizer.train import TokenizerInfo


def test_evaluate__counts_by_hand(encoder):
    batch = ["the mill  grinds", "磨坊", None, "𠮷\n", "river"]
    figures = evaluate(encoder, batch, ["en", "zh", "zh", None, "en"])
    assert list(figures) == ["", "en", "zh"]
    english, chinese, nameless = figures["en"], figures["zh"], figures[""]
    assert (english.documents, english.bytes, english.characters, english.words) == (2, 21, 21, 4)
    assert english.tokens == len(encoder.ids(batch[0])) + len(encoder.ids("river"))
    assert (chinese.documents, chinese.bytes, chinese.characters, chinese.words) == (2, 6, 2, 1)
    assert encoder.ids("𠮷\n") == [FIRST_BYTE + byte for byte in "𠮷".encode()] + [112]
    assert (nameless.tokens, nameless.byte_tokens, nameless.words) == (5, 4, 1)
    assert [part.unknown + part.round_trip_errors for part in figures.values()] == [0, 0, 0]


def test_evaluate__a_wrong_decoder_is_noticed(encoder, monkeypatch):
    monkeypatch.setattr(type(encoder), "decode", lambda self, ids: "mill")
    assert evaluate(encoder, ["mill", "磨坊"], ["en", "en"])["en"].round_trip_errors == 1


def test_merged__batches_add_up_to_the_whole(encoder, texts):
    languages = ["zh" if "磨" in text else "en" for text in texts]
    parts = [evaluate(encoder, texts[n : n + 50], languages[n : n + 50]) for n in range(0, 300, 50)]
    whole = merged(parts)
    assert whole == merged([evaluate(encoder, texts, languages)])
    assert list(whole) == [ALL, "en", "zh"]
    assert whole[ALL] == whole["en"] + whole["zh"]
    assert whole[ALL].documents == 300
    assert merged([]) == {ALL: Figures()}


def test_figures__ratios(encoder):
    figures = Figures(documents=1, bytes=30, characters=20, words=5, tokens=10, byte_tokens=2)
    ratios = figures.as_dict()
    assert (ratios["tokens_per_word"], ratios["tokens_per_character"], ratios["bytes_per_token"]) == (2, 0.5, 3)
    assert ratios["byte_token_share"] == pytest.approx(0.2)
    assert Figures().as_dict()["tokens_per_word"] == 0


def test_figures__travel_in_tokenizer_json(encoder, texts, tmp_path):
    figures = merged([evaluate(encoder, texts, ["en"] * 300)])
    evaluation = {language: part.as_dict() for language, part in figures.items()}
    info = dataclasses.replace(encoder.info, evaluation=evaluation)
    info.save(tmp_path)
    assert TokenizerInfo.load(tmp_path) == info
