"""What AutoTokenizer makes of the files: the ids of our encoder, which are SentencePiece's."""

import pytest
from hypothesis import given
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.huggingface import FILES, write_huggingface
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS, FIRST_BYTE, PAD, SPECIAL_IDS, SYSTEM, USER
from gristmill.tokenizer.train import TokenizerOptions, train
from tests.tokenizer.test_encode import any_text, relaxed

CONVERSATION = [
    {"role": "system", "content": "你是磨坊主。"},
    {"role": "user", "content": "How much flour\n\nis left?"},
    {"role": "assistant", "content": "三袋，about 75 kg."},
]


@pytest.fixture(scope="module")
def loaded(encoder, tmp_path_factory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp("hf")
    write_huggingface(encoder, folder, 64)
    return AutoTokenizer.from_pretrained(folder)


def ids(loaded: PreTrainedTokenizerFast, text: str) -> list[int]:
    return loaded(text, add_special_tokens=False)["input_ids"]


def test_auto_tokenizer__ids_equal_ours_on_documents(encoder, loaded, texts):
    for text in texts:
        assert ids(loaded, text) == encoder.ids(text)
        assert loaded.decode(encoder.ids(text)) == text


@given(any_text)
@relaxed
def test_auto_tokenizer__ids_equal_ours_on_any_text(encoder, loaded, text):
    if encoder.info.kind == "unigram":
        text = text.replace("<0x", "<0")  # read as bytes where one of the characters has no piece: NO_TEXT_SCORE
    found = loaded(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert loaded.decode(found, skip_special_tokens=False) == text
    if encoder.info.kind == "bpe":  # in unigram of paths with equal scores either: floats here, doubles there
        assert found == encoder.ids(text)


@pytest.mark.parametrize("text", [
    "水", "磨坊", "a\n\nb", "\n\n\n", "\tx", "  two  spaces", "▁", "𠮷 and 👩‍👩‍👧", "１２３，abc磨坊", "\ufeff", "",
])  # fmt: skip
def test_auto_tokenizer__what_other_loaders_lose(encoder, loaded, text):
    assert ids(loaded, text) == encoder.ids(text)
    assert loaded.decode(ids(loaded, text)) == text


def test_auto_tokenizer__a_byte_piece_spelt_in_a_text_is_text(encoder, loaded, texts, tmp_path):
    if encoder.info.kind == "unigram":  # its lattice holds such pieces; where the characters have pieces, no path does
        train(texts + ["0 x < A > E 6"] * 20, TokenizerOptions("unigram", 600, 1.0), tmp_path)
        encoder = Encoder(tmp_path)
        write_huggingface(encoder, tmp_path)
        loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert ids(loaded, "磨坊<0x0A><0xE6>") == encoder.ids("磨坊<0x0A><0xE6>")


def test_auto_tokenizer__special_ids(loaded):
    assert (loaded.bos_token_id, loaded.eos_token_id, loaded.pad_token_id) == (BOS, EOS, PAD)
    assert {piece: loaded.convert_tokens_to_ids(piece) for piece in SPECIAL_IDS} == SPECIAL_IDS
    assert loaded.convert_tokens_to_ids("<0x00>") == FIRST_BYTE
    assert loaded("磨坊")["input_ids"][0] == BOS, "a prompt begins as every document of the training does"
    assert loaded.decode(loaded("磨坊 mill")["input_ids"], skip_special_tokens=True) == "磨坊 mill"
    assert set(loaded("a")) == {"input_ids", "attention_mask"}, "more would be refused by a model's generate()"
    assert loaded.model_max_length == 64


def test_auto_tokenizer__a_special_piece_spelt_in_a_text_can_be_kept_text(encoder, loaded):
    if encoder.info.kind == "unigram":
        pytest.skip("the small vocabulary has no piece for '<': NO_TEXT_SCORE")
    text = "write <eos> or <|user|>"
    assert loaded(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] == encoder.ids(text)


def test_chat_template__turns_are_ids_of_roles_and_the_mask_is_what_the_assistant_writes(encoder, loaded):
    rendered = loaded.apply_chat_template(CONVERSATION, return_dict=True, return_assistant_tokens_mask=True)
    system, user, answer = (encoder.ids(turn["content"]) for turn in CONVERSATION)
    expected = [BOS, SYSTEM, *system, END, USER, *user, END, ASSISTANT, *answer, END]
    assert rendered["input_ids"] == expected
    learnt = len(answer) + 1
    assert rendered["assistant_masks"] == [0] * (len(expected) - learnt) + [1] * learnt
    asked = loaded.apply_chat_template(CONVERSATION[:2], add_generation_prompt=True, return_dict=True)
    assert asked["input_ids"] == expected[:-learnt]


def test_chat_template__refuses_an_unknown_role(loaded):
    with pytest.raises(Exception, match="a role is system, user, assistant or tool, not editor"):
        loaded.apply_chat_template([{"role": "editor", "content": "x"}])


def test_write_huggingface__same_bytes_again(encoder, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_huggingface(Encoder(encoder.path), tmp_path / name)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
