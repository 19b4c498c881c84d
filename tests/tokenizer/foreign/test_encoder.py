"""Ids of tokenizers that others trained, against the library `tokenizers` and SentencePiece themselves."""

import json
import random
import shutil
from itertools import pairwise

import numpy as np
import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from gristmill.tokenizer.foreign.classes import CLASS, NEWLINE, SPACE, classes
from gristmill.tokenizer.foreign.description import UnknownTokenizerError, describe
from gristmill.tokenizer.foreign.encoder import ForeignEncoder, open_encoder, take
from gristmill.tokenizer.foreign.make_classes import PATTERNS, matching

odd = st.sampled_from([
    "'s", "'S", "'ſ", "'LL", "'re", "'VE ", "'", "''d", " ", "  ", "\n", "\r\n", " \n ", "\t",
    "\u3000", "\u00a0", "\u2028",
    "1", "12345", "½", "Ⅷ", "１２", "_", "--", "...", "！", "磨坊", "e\u0301",
    "각", "\u1100\u1161", "≠", ">\u0338", "👩‍👩‍👧", "\0",
    "<|endoftext|>", "<tool_call>", "<tool_", "</tool_call>", "don't", "aaaa", "the mill",
])  # fmt: skip
any_text = st.lists(odd | st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=14).map("".join)
relaxed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def library(folder) -> Tokenizer:
    """What our ids must be equal to. What spells a special token is text."""
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.encode_special_tokens = True
    return made


def ids_of(made: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [one.ids for one in made.encode_batch(texts, add_special_tokens=False)]


def lists(encoder, texts: list[str]) -> list[list[int]]:
    tokens, offsets = encoder.encode(texts, bos=False, eos=False)
    return [tokens[a:b].tolist() for a, b in pairwise(offsets)]


@pytest.fixture(scope="module")
def both(theirs):
    take(theirs)
    return open_encoder(theirs), library(theirs)


def test_byte_level__is_compiled_and_equals_tokenizers(both, real_texts):
    encoder, made = both
    assert encoder.info.kind == "byte_bpe"
    assert lists(encoder, real_texts) == ids_of(made, real_texts)
    assert [encoder.decode(ids) for ids in lists(encoder, CHINESE_AND_CODE)] == CHINESE_AND_CODE


CHINESE_AND_CODE = [
    "河边的磨坊从早春到深秋都在磨小麦。",
    "def grind(x):\n\treturn x  # 磨\n",
    "<tool_call>{}</tool_call>",
]


@given(texts=st.lists(any_text, max_size=4))
@relaxed
def test_byte_level__any_text_equals_tokenizers(both, texts):
    encoder, made = both
    assert lists(encoder, texts) == ids_of(made, texts)


def test_byte_level__merges_are_taken_by_rank_where_several_make_a_piece(tmp_path):
    """Two merges make `aaa`; the rank between them belongs to another one, and decides."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*alphabet, "aa", "aaa", "ba", "</s>"]
    for first, second in (("a aa", "aa a"), ("aa a", "a aa")):
        merges = ["a a", first, "b a", second]
        about = {
            "model": {"type": "BPE", "vocab": {p: n for n, p in enumerate(pieces)}, "merges": merges},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "added_tokens": [{"id": len(pieces) - 1, "content": "</s>", "special": True, "single_word": False,
                              "lstrip": False, "rstrip": False, "normalized": False}],
        }  # fmt: skip
        folder = tmp_path / first
        folder.mkdir()
        (folder / "tokenizer.json").write_text(json.dumps(about))
        take(folder)
        draw = random.Random(1)
        words = ["".join(draw.choices("aab", k=n)) for n in range(1, 120)]
        assert lists(ForeignEncoder(folder), words) == ids_of(library(folder), words)


@pytest.mark.parametrize("suffix", [None, "</w>"], ids=["ours", "tokenizers"])
def test_merges_that_are_left_out_at_random_are_not(theirs, real_texts, tmp_path, suffix):
    """`dropout` of a file is for trainings that encode as they go; ours must give the same ids every time."""
    about = json.loads((theirs / "tokenizer.json").read_bytes())
    for name, dropout in (("without", None), ("with", 0.5)):
        about["model"] |= {"end_of_word_suffix": suffix, "dropout": dropout}
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text(json.dumps(about))
        take(tmp_path / name)
    wanted = ids_of(library(tmp_path / "without"), real_texts[:60])
    assert lists(open_encoder(tmp_path / "with"), real_texts[:60]) == wanted


def test_byte_level__documents_stand_between_their_ends(both, real_texts):
    encoder, made = both
    tokens, offsets = encoder.encode(real_texts, num_threads=2)
    expected = [[encoder.bos, *ids, encoder.eos] for ids in ids_of(made, real_texts)]
    assert [tokens[a:b].tolist() for a, b in pairwise(offsets)] == expected
    names = {number: piece for piece, number in made.get_vocab().items()}
    assert names[encoder.eos] in ("<|endoftext|>", "<|end_of_text|>")
    assert names[encoder.bos] in ("<|endoftext|>", "<|begin_of_text|>")
    assert encoder.decode(expected[0]) == real_texts[0]


def test_classes__are_those_of_the_library():
    class_C = classes() & CLASS
    for number, pattern in PATTERNS.items():
        mine = class_C == number if number != SPACE else np.isin(class_C, (SPACE, NEWLINE))
        assert np.array_equal(mine, matching(pattern)), pattern


def sentencepiece_folder(texts, folder, **options):
    lines = [line for text in texts for line in text.split("\n")]
    with (folder / "tokenizer.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=iter(lines), model_writer=file, vocab_size=520, model_type="bpe", byte_fallback=True,
            character_coverage=0.98, minloglevel=2, **options,
        )  # fmt: skip
    return folder


def test_sentencepiece__ids_and_text_are_its_own(texts, tmp_path):
    sentencepiece_folder(texts, tmp_path)
    info = take(tmp_path)
    encoder = open_encoder(tmp_path)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    assert (info.kind, info.special_ids) == ("sentencepiece", {"<bos>": 1, "<eos>": 2, "<pad>": 2, "<unk>": 0})
    assert lists(encoder, texts[:50]) == processor.encode(texts[:50])
    assert encoder.decode([1, *processor.encode("a mill 磨坊"), 2]) == "a mill 磨坊"
    assert encoder.partial_V.sum() == 256


def test_library__reads_what_our_loops_do_not_know(texts, tmp_path):
    """Llama 2's kind: spaces as U+2581, byte fallback."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    special = ["<unk>", "<s>", "</s>", *bytes_]
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False))
    made.save(str(tmp_path / "tokenizer.json"))
    info, encoder = take(tmp_path), open_encoder(tmp_path)
    assert (info.kind, info.special_ids["<bos>"], info.special_ids["<eos>"]) == ("tokenizers", 1, 2)
    assert lists(encoder, texts) == ids_of(library(tmp_path), texts)
    assert encoder.decode(lists(encoder, ["a mill"])[0]) == "a mill"


@pytest.mark.parametrize("change", [
    {"pre_tokenizer": {"type": "Whitespace"}}, {"normalizer": {"type": "Lowercase"}},
    {"model": {"byte_fallback": True}}, {"model": {"end_of_word_suffix": "</w>"}},
    {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}},
])  # fmt: skip
def test_split__other_kinds_are_left_to_the_library(theirs, change):
    about = json.loads((theirs / "tokenizer.json").read_bytes())
    for name, value in change.items():
        about[name] = about[name] | value if name == "model" else value
    assert describe(json.dumps(about).encode()).split() is None


def faulty(theirs, folder, change) -> None:
    about = json.loads((theirs / "tokenizer.json").read_bytes())
    change(about)
    (folder / "tokenizer.json").write_text(json.dumps(about))


def unfinished(about):
    about["model"]["merges"].append(["q", "磨坊zz"])


@pytest.mark.parametrize(("change", "said"), [
    (lambda about: about["model"].update(type="Huffman"), "unknown kind, 'Huffman'"),
    (unfinished, "outside its vocabulary"),
    (lambda about: about.update(added_tokens=[]), "write `eos: TOKEN`; it has no special token"),
    (lambda about: about.pop("model"), "no tokenizer.json"),
    (lambda about: about["model"].update(vocab=3), "vocabulary cannot be read"),
])  # fmt: skip
def test_take__names_what_is_wrong(theirs, tmp_path, change, said):
    faulty(theirs, tmp_path, change)
    with pytest.raises(UnknownTokenizerError, match=said.replace("(", r"\(")):
        take(tmp_path)
    assert not (tmp_path / "info.json").exists()


def test_take__ends_that_the_recipe_or_the_files_name(theirs, tmp_path):
    shutil.copy(theirs / "tokenizer.json", tmp_path)
    ids = describe((theirs / "tokenizer.json").read_bytes()).all_ids
    assert take(tmp_path, eos="Z", bos="!").special_ids["<eos>"] == ids["Z"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "Y"}, "bos_token": None}))
    assert take(tmp_path).special_ids["<eos>"] == ids["Y"]
    with pytest.raises(UnknownTokenizerError, match="`eos: <nope>` is outside its vocabulary"):
        take(tmp_path, eos="<nope>")


def test_take__neither_json_nor_model(tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(b"\x00\x01 nothing")
    with pytest.raises(UnknownTokenizerError, match="no SentencePiece model"):
        take(tmp_path)
