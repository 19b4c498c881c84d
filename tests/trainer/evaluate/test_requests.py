"""Likelihoods against a row at a time and transformers; continuations against transformers' own generation."""

import math
import re

import pytest
import torch

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import Turn
from gristmill.tokenizer.special_ids import BOS, END, EOS
from gristmill.trainer.checkpoint.huggingface import write_transformers
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.requests.generation import Prompt, write_until
from gristmill.trainer.evaluate.requests.likelihood import log_likelihoods, rolling
from gristmill.trainer.evaluate.requests.text import LibraryCodec, Pair, decode, encode_pairs
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.model.transformer import Tokens

TEXTS = [
    ("the old mill", " turns slowly by river"),
    ("老磨坊在", "河边慢慢转动"),
    ("", "his dog"),
    ("the old mill ", "turns"),
    ("the old mill turns slowly by river while miller counts sacks", " of grain"),
]


def by_hand(model, pair):
    """A row at a time, all logits, without padding."""
    context = model.config.context
    row = (pair.context + pair.continuation)[-(context + 1) :]
    with torch.no_grad():
        logits = model.logits(model(Tokens(torch.tensor([row[:-1]]))))[0].double()
    log_p = logits.log_softmax(-1)[-len(pair.continuation) :]
    targets = torch.tensor(pair.continuation)
    return float(log_p.gather(1, targets[:, None]).sum()), bool((log_p.argmax(-1) == targets).all())


@pytest.mark.parametrize("at_once", [1, 40, 4096])
def test_likelihoods_are_those_of_rows_by_themselves(long_model, codec, at_once):
    pairs = encode_pairs(codec, TEXTS)
    for pair, found in zip(pairs, log_likelihoods(long_model, pairs, at_once), strict=True):
        wanted, greedy = by_hand(long_model, pair)
        assert found.log_probability == pytest.approx(wanted, abs=1e-4)
        assert (found.greedy, found.tokens, found.cut) == (greedy, len(pair.continuation), 0)


def test_the_likeliest_continuation_is_greedy(long_model):
    with torch.no_grad():
        best = int(long_model.logits(long_model(Tokens(torch.tensor([[BOS, 300]]))))[0, -1].argmax())
    right, wrong = log_likelihoods(long_model, [Pair([BOS, 300], [best]), Pair([BOS, 300], [best - 1])])
    assert (right.greedy, wrong.greedy) == (True, False)
    assert right.log_probability > wrong.log_probability


def test_a_long_context_loses_its_beginning_and_it_is_said(tiny_model):
    pair = Pair([BOS, *range(120, 160)], [200, 201])
    (found,) = log_likelihoods(tiny_model, [pair])
    assert found.cut == len(pair.context) + 2 - 33
    assert found.log_probability == pytest.approx(by_hand(tiny_model, pair)[0], abs=1e-4)


def test_an_answer_longer_than_the_context_is_refused(tiny_model):
    with pytest.raises(InputError, match="an answer has 33 tokens, the model reads 1 to 32"):
        log_likelihoods(tiny_model, [Pair([BOS], [130] * 33)])
    with pytest.raises(InputError, match="0 tokens"):
        log_likelihoods(tiny_model, [Pair([BOS], [])])


def test_spaces_go_to_the_continuation_and_borders_are_cut_as_in_running_text(codec):
    alike, same, chinese, empty = encode_pairs(
        codec, [("the old mill", " turns"), ("the old mill ", "turns"), ("老磨", "坊在河边"), ("", "坊在")]
    )
    assert alike == same
    assert [*alike.context[1:], *alike.continuation] == codec.encode(["the old mill turns"])[0]
    assert empty.context == [BOS]
    for pair, text in ((chinese, "老磨坊在河边"), (empty, "坊在")):
        assert decode(codec, pair.context + pair.continuation) == text
        assert pair.continuation


def test_what_reaches_over_a_border_is_encoded_apart(codec):
    pieces = [codec.encoder.processor.id_to_piece(n) for n in range(371, codec.encoder.vocabulary)]
    whole = next(piece for piece in pieces if len(piece) == 2 and piece[0] >= "\u4e00" and piece[0] in pieces)
    (pair,) = encode_pairs(codec, [(whole[0], whole[1])])
    assert pair.apart
    assert decode(codec, pair.continuation) == whole[1]


@pytest.mark.parametrize("length", [1, 31, 32, 33, 70])
def test_rolling_windows_judge_each_id_once(tiny_model, length):
    ids = [120 + number % 200 for number in range(length)]
    pairs = rolling(ids, BOS, 32)
    assert [number for pair in pairs for number in pair.continuation] == ids
    assert pairs[0].context == [BOS]
    assert all(len(pair.context) == 1 for pair in pairs)
    assert all(math.isfinite(one.log_probability) for one in log_likelihoods(tiny_model, pairs))


@pytest.fixture
def exported(long_model, codec, tmp_path):
    write_transformers(long_model, tmp_path / "hf", codec.encoder)
    return tmp_path / "hf"


def test_likelihoods_and_continuations_are_those_of_transformers(long_model, codec, exported):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(exported, dtype=torch.float32).eval()
    pairs = encode_pairs(codec, TEXTS)
    for pair, found in zip(pairs, log_likelihoods(long_model, pairs), strict=True):
        with torch.no_grad():
            logits = theirs(torch.tensor([(pair.context + pair.continuation)[:-1]])).logits[0]
        log_p = logits.double().log_softmax(-1)[-len(pair.continuation) :]
        wanted = float(log_p.gather(1, torch.tensor(pair.continuation)[:, None]).sum())
        assert found.log_probability == pytest.approx(wanted, abs=1e-4)
    prompts = [Prompt(pair.context) for pair in pairs]
    greedy = Sampling(temperature=0)
    written = write_until(long_model, codec, prompts, until=[], most_tokens=24, sampling=greedy, rows_at_once=2)
    for prompt, (ours,) in zip(prompts, written, strict=True):
        with torch.no_grad():
            ids = theirs.generate(
                torch.tensor([prompt.ids]), max_new_tokens=24, do_sample=False, eos_token_id=[EOS, END], pad_token_id=0
            )[0, len(prompt.ids) :].tolist()
        wanted = [number for number in ids if number not in (EOS, END, 0)]
        assert ours.text == decode(codec, wanted)
        assert ours.ended == (EOS in ids or END in ids)


def test_a_library_tokenizer_gives_the_same_requests(codec, exported):
    pytest.importorskip("tokenizers")
    theirs = LibraryCodec(exported, BOS, (END, EOS))
    texts = ["the old mill", " turns", "老磨坊在河边", "", "a <eos> in a text"]
    assert theirs.encode(texts) == codec.encode(texts)
    assert encode_pairs(theirs, TEXTS) == encode_pairs(codec, TEXTS)
    ids = codec.encode(["老磨坊 turns"])[0]
    assert decode(theirs, [BOS, *ids, EOS]) == "老磨坊 turns"
    with pytest.raises(ConfigError, match="whose pieces are bytes"):
        theirs.pieces()


def test_a_tokenizer_that_puts_nothing_before_a_text_gets_nothing(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        ["the old mill turns"], tokenizers.trainers.BpeTrainer(special_tokens=["<|end|>"], initial_alphabet=alphabet)
    )
    made.save(str(tmp_path / "tokenizer.json"))
    codec = LibraryCodec(tmp_path, 0, (0,))
    mill, none, chinese = encode_pairs(codec, [("the old", " mill"), ("", "the"), ("水", "车")])
    assert decode(codec, mill.context) == "the old"
    assert none.context == [0], "something has to stand before the first token"
    assert decode(codec, chinese.context + chinese.continuation) == "水车"
    pieces = codec.pieces()
    for text in ("the old mill\n", "水车 🌾 é\x00", "".join(map(chr, range(256)))):
        assert b"".join(pieces[number] for number in codec.encode([text])[0]) == text.encode()
    assert pieces[0] == b"", "nothing but an end is a special id"
    with pytest.raises(InputError, match="cannot be read"):
        LibraryCodec(tmp_path / "nowhere", 0, (0,))


def test_stop_strings_end_a_row_at_once_and_are_left_out(long_model, codec):
    prompts = [Prompt([BOS, *codec.encode([text])[0]], (number,)) for number, text in enumerate(["the old", "磨坊"])]
    sampling = Sampling(temperature=1.0, top_p=1.0, seed=4)
    options = {"most_tokens": 40, "sampling": sampling, "samples": 3}
    free = write_until(long_model, codec, prompts, until=[], **options)
    stop = next(found[0] for rows in free for one in rows if (found := re.search(r"(?<=.{6})[a-z]{2}", one.text)))
    held = write_until(long_model, codec, prompts, until=[stop, "never there"], **options)
    for rows, cut in zip(free, held, strict=True):
        for one, short in zip(rows, cut, strict=True):
            assert short.text == one.text.split(stop)[0]
            assert stop not in short.text
            assert short.ended == (one.ended or stop in one.text)
            assert short.tokens <= one.tokens
    assert any(short.tokens < 40 for rows in held for short in rows)


def test_samples_do_not_hang_on_what_else_is_asked(long_model, codec):
    prompts = [Prompt([BOS, 300 + number], (number,)) for number in range(5)]
    options = {"until": ["。"], "most_tokens": 12, "sampling": Sampling(temperature=1.0, seed=2), "samples": 2}
    together = write_until(long_model, codec, prompts, **options)
    alone = [write_until(long_model, codec, [prompt], rows_at_once=1, **options)[0] for prompt in prompts]
    assert together == alone
    assert together[0][0] != together[0][1]


def test_more_tokens_than_the_model_reads_are_refused(tiny_model, codec):
    with pytest.raises(ConfigError, match="32 tokens are to be written, the model reads 32"):
        write_until(tiny_model, codec, [Prompt([BOS])], until=[], most_tokens=32, sampling=Sampling(temperature=0))


def test_a_conversation_is_what_training_renders_and_others_know_none(codec, exported):
    turns = [Turn("system", "老"), Turn("user", "the mill")]
    assert codec.conversation(turns) == render(codec.encoder, turns, generation=True).ids.tolist()
    offered = codec.conversation(turns, [{"type": "function"}])
    assert "<tools>" in decode(codec, offered)
    pytest.importorskip("tokenizers")
    with pytest.raises(ConfigError, match="knows no turns"):
        LibraryCodec(exported, BOS, (END, EOS)).conversation(turns)
