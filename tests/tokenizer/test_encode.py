import json
import random
import shutil
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.models.bpe import SHORT_RUN
from gristmill.tokenizer.models.memory import LONGEST_KEY
from gristmill.tokenizer.models.runs import LONGEST_RUN
from gristmill.tokenizer.models.vocabulary import bpe_vocabulary
from gristmill.tokenizer.special_ids import BOS, EOS, FIRST_BYTE, RESERVED, SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, train

DENSE = ("abc", "磨坊面")
relaxed = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
odd = st.sampled_from([
    *SPECIAL_IDS, "<0x0A>", " ⁇ ", "\u2028", "\u3000", "\ufeff", "\u200d", "👩‍👩‍👧", "𠮷", "é", "e\u0301", "ﬁ", "①",
    "▁", "▅", "\n", "\n\n\n", "\t", "\r\n", "\0", "  ", "    ", "Ｈｅｌｌｏ，", "１２３", "「磨坊」", "，。！？；：“”",
    "磨坊的", "the mill", "grinds", "ing", "2026-08",
])  # fmt: skip
any_text = st.lists(odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=12).map("".join)


@given(st.lists(any_text, max_size=4))
@relaxed
def test_encode__decodes_to_the_text_exactly(encoder, texts):
    tokens, offsets = encoder.encode(texts)
    documents = [tokens[a:b].tolist() for a, b in pairwise(offsets)]
    assert [encoder.decode(ids) for ids in documents] == texts
    for ids in documents:
        assert (ids[0], ids[-1]) == (BOS, EOS)
        assert not set(ids[1:-1]) & set(SPECIAL_IDS.values()), "text must not produce a special id"


@given(st.lists(any_text.map(lambda text: text.replace("▁", "_")), max_size=4))
@relaxed
def test_encode__equals_sentencepiece(encoder, texts):
    tokens, offsets = encoder.encode(texts, bos=False, eos=False)
    expected = encoder.processor.encode(texts)
    assert [tokens[a:b].tolist() for a, b in pairwise(offsets)] == expected


def test_encode__equals_sentencepiece_on_documents(encoder, texts):
    tokens, offsets = encoder.encode(texts)
    expected = encoder.processor.encode(texts, add_bos=True, add_eos=True)
    assert tokens.tolist() == [number for ids in expected for number in ids]
    assert offsets.tolist() == np.cumsum([0] + [len(ids) for ids in expected]).tolist()
    assert (tokens.dtype, offsets.dtype) == (np.uint16, np.int64)


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def dense(request, tmp_path_factory) -> Encoder:
    """A vocabulary in which every two letters may stand side by side, so that a text of them is one run."""
    draw = random.Random(1)
    folder = tmp_path_factory.mktemp("dense")
    train(
        ["".join(draw.choices(DENSE[n % 2], k=300)) for n in range(200)], TokenizerOptions(request.param, 560), folder
    )
    return Encoder(folder)


@pytest.mark.parametrize("length", [2, 7, SHORT_RUN - 1, SHORT_RUN, SHORT_RUN + 1, 64, 65, 700, 5000])
def test_encode__runs_of_any_length_equal_sentencepiece(dense, length):
    draw = random.Random(length)
    runs = ["".join(draw.choices(DENSE[n % 2], k=length)) for n in range(3 + 2000 // length)]
    runs += [(letters * length)[:length] for letters in ("a", "ab", "磨", "abcabb", "  ", "坊磨磨")]
    tokens, offsets = dense.encode(runs, bos=False, eos=False)
    assert [tokens[a:b].tolist() for a, b in pairwise(offsets)] == dense.processor.encode(runs)


def test_encode__a_long_document_equals_sentencepiece(dense):
    """Pieces "a", "aa" or "aa", "a" differ by rounding only, and that depends on the score of everything before. Beyond
    -100,000 SentencePiece's unigram model counts from zero again."""
    draw = random.Random(4)
    ends = ["\n", "\n\n\n", " ", "   ", "𠮷", "𠮷𠮷𠮷", "e"]
    text = "".join(draw.choice("abc磨坊") * draw.randint(1, 9) + draw.choice(ends) for _ in range(20_000))
    text += "𠮷" * 20_000 + text[:9000]
    assert dense.ids(text) == dense.processor.encode(text)


def test_encode__a_run_beyond_all_bounds_still_decodes(dense):
    text = "".join(random.Random(2).choices("abc", k=LONGEST_RUN * 2 + 17))
    ids, expected = dense.ids(text), dense.processor.encode(text)
    assert dense.decode(ids) == text
    assert 0 < len(ids) - len(expected) < 6
    assert ids[: LONGEST_RUN // 9] == expected[: LONGEST_RUN // 9]


@pytest.mark.parametrize("spelt", [*list(SPECIAL_IDS)[:13], "<0x41>", "<|user|>hello<|end|>"])
def test_encode__a_special_piece_typed_in_a_text_stays_text(encoder, spelt):
    ids = encoder.ids(spelt)
    assert encoder.decode(ids) == spelt
    assert min(ids) >= len(SPECIAL_IDS)
    assert len(ids) > 1


def test_encode__newlines_and_tabs_are_one_piece(encoder):
    assert encoder.ids("\n\n") == [113]
    assert encoder.ids("\t\n") == [114, 112]


def test_encode__reads_every_kind_of_column(encoder, texts):
    expected = encoder.encode([*texts[:5], "", texts[6]])
    column = [texts[9], *texts[:5], None, texts[6]]
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(column, kind).slice(1)
        for given_as in (array, pa.chunked_array([array.slice(0, 2), array.slice(2)])):
            tokens, offsets = encoder.encode(given_as)
            assert tokens.tolist() == expected[0].tolist()
            assert offsets.tolist() == expected[1].tolist()


def test_encode__empty_input(encoder):
    tokens, offsets = encoder.encode([])
    assert (tokens.tolist(), offsets.tolist()) == ([], [0])
    tokens, offsets = encoder.encode([""], bos=False, eos=False)
    assert (tokens.tolist(), offsets.tolist()) == ([], [0, 0])
    assert encoder.encode([""])[0].tolist() == [BOS, EOS]


@pytest.mark.parametrize("num_threads", [2, 7])
def test_encode__threads_and_batches_change_nothing(encoder, texts, num_threads):
    tokens, offsets = encoder.encode(texts)
    threaded = encoder.encode(texts, num_threads=num_threads)
    assert tokens.tolist() == threaded[0].tolist()
    assert offsets.tolist() == threaded[1].tolist()
    alone = [encoder.encode([text])[0].tolist() for text in texts]
    assert tokens.tolist() == [number for ids in alone for number in ids]
    assert encoder.encode(texts[:2], num_threads=num_threads)[0].tolist() == tokens[: offsets[2]].tolist()


def test_encode__wide_ids_for_large_vocabularies(encoder, texts, monkeypatch):
    narrow, _ = encoder.encode(texts[:9])
    monkeypatch.setattr(encoder, "dtype", np.dtype(np.uint32))
    wide, _ = encoder.encode(texts[:9])
    assert wide.dtype == np.uint32
    assert wide.tolist() == narrow.tolist()


def test_decode__special_pieces_are_left_out_or_spelt(encoder):
    ids = [BOS, *encoder.ids("磨坊 mill"), SPECIAL_IDS["<extra_7>"], EOS]
    assert encoder.decode(ids) == "磨坊 mill"
    assert encoder.decode(np.array(ids), special=True) == "<bos>磨坊 mill<extra_7><eos>"


def test_decode__half_a_character(encoder):
    ids = [FIRST_BYTE + byte for byte in "磨".encode()]
    assert encoder.decode(ids[:2]) == "\ufffd"
    assert encoder.decode_bytes(ids[:2]) + encoder.decode_bytes(ids[2:]) == "磨".encode()


def test_encoder__reads_only_the_model_that_its_info_describes(encoder, tmp_path):
    shutil.copytree(encoder.path.parent, tmp_path / "changed")
    model = tmp_path / "changed" / "tokenizer.model"
    assert Encoder(model).ids("mill") == Encoder(model.parent).ids("mill") == encoder.ids("mill")
    model.write_bytes(model.read_bytes() + b"\n")
    with pytest.raises(ValueError, match=r"tokenizer\.model: not the model"):
        Encoder(tmp_path / "changed")
    (tmp_path / "changed" / "info.json").unlink()
    with pytest.raises(ValueError, match=r"no info\.json beside"):
        Encoder(tmp_path / "changed")


def test_encoder__header_names_tokenizer_and_special_ids(encoder):
    info = json.loads((encoder.path.parent / "info.json").read_text())
    header = encoder.header("step key")
    assert (header.tokenizer_sha256, header.vocabulary) == (info["sha256"], 580) == (encoder.sha256, encoder.vocabulary)
    assert header.special_ids == SPECIAL_IDS == info["special_ids"]


def test_vocabulary__refuses_pieces_that_ids_cannot_find():
    with pytest.raises(ValueError, match="'ab' holds a character"):
        bpe_vocabulary(["x"] * RESERVED + ["ab", "a"])


@given(st.data())
@relaxed
def test_memory__of_runs_changes_no_id(dense, data):
    """Runs of every length about that of a key, which repeat, share beginnings or ends, and meet in one slot."""
    draw = random.Random(data.draw(st.integers(0, 2**32)))
    runs = ["".join(draw.choices(DENSE[n % 2], k=draw.randint(1, LONGEST_KEY + 2))) for n in range(12)]
    runs += [run[:-1] for run in runs] + [run[1:] for run in runs]
    runs += [run[:8] + "".join(draw.choices("abc", k=draw.randint(1, 9))) for run in runs for _ in range(3)]
    texts = data.draw(st.lists(st.lists(st.sampled_from(runs), max_size=40).map("\0 ".join), min_size=1, max_size=4))
    tokens, offsets = dense.encode(texts, bos=False, eos=False)
    assert [tokens[a:b].tolist() for a, b in pairwise(offsets)] == dense.processor.encode(texts)
