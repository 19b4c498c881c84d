"""A tokenizer as the files that transformers, vLLM and lm-evaluation-harness load: the same ids, no code of ours.

tokenizer.json         vocabulary, merges or scores, what is special (the format of the library `tokenizers`)
tokenizer_config.json  the class that reads it, BOS, EOS and padding, the longest input
chat_template.jinja    how a conversation becomes text
"""

import json
import shutil
from pathlib import Path
from typing import Any

from gristmill.tokenizer.chat.template import CHAT_TEMPLATE, MARK
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.encoder import FILES as FOREIGN_FILES
from gristmill.tokenizer.foreign.encoder import ForeignEncoder
from gristmill.tokenizer.special_ids import BOS, FIRST_BYTE, RESERVED, SPECIAL_IDS, WHITESPACE_PIECES
from gristmill.tokenizer.train import SPACE_PIECE

TOKENIZER_FILE, CONFIG_FILE, CHAT_FILE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
FILES = (TOKENIZER_FILE, CONFIG_FILE, CHAT_FILE)

WHITESPACE_IDS = {piece: len(SPECIAL_IDS) + n for n, piece in enumerate(WHITESPACE_PIECES)}

NO_TEXT_SCORE = -10_000.0
"""Of pieces that no text may become (unigram): far below any path through learnt ones. `tokenizers` has them in its
lattice, where SentencePiece has not, and would read a page's "<0x0A>" as one byte (it still does where one of those
characters has no piece, since it scores unknown ones lower than any piece)."""


def write_huggingface(encoder: Encoder, folder: Path, longest: int | None = None) -> None:
    """Writes FILES into a folder that there is; equal tokenizers give equal bytes. Those of others are copied.

    `longest`: tokens that the model reads; None where there is no model yet.
    """
    if isinstance(encoder, ForeignEncoder):
        for name in FOREIGN_FILES:
            if (file := encoder.path.with_name(name)).exists():
                shutil.copyfile(file, folder / name)
        return
    _write_json(folder / TOKENIZER_FILE, _tokenizer(encoder))
    _write_json(folder / CONFIG_FILE, _config(longest))
    (folder / CHAT_FILE).write_text(CHAT_TEMPLATE, encoding="utf-8")


def _tokenizer(encoder: Encoder) -> dict[str, Any]:
    """tokenizer.json. Spaces are spelt as spaces, so that nothing is normalised but the template's marks, and a text's
    own U+2581 stays apart."""
    bos = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added({**SPECIAL_IDS, **(WHITESPACE_IDS if encoder.info.kind == "bpe" else {})}),
        "normalizer": {"type": "Replace", "pattern": {"Regex": "(?<=<)" + MARK}, "content": ""},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, bos, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [BOS], "tokens": ["<bos>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": _bpe(encoder) if encoder.info.kind == "bpe" else _unigram(encoder),
    }


def _added(pieces: dict[str, int]) -> list[dict[str, Any]]:
    """Pieces that are cut out of a text before anything else, the longest one wherever it stands. SentencePiece does so
    with those of white space where it merges; its unigram model has them in the lattice."""
    return [
        {
            "id": number, "content": piece, "special": piece in SPECIAL_IDS,
            "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
        }
        for piece, number in pieces.items()
    ]  # fmt: skip


def _bpe(encoder: Encoder) -> dict[str, Any]:
    """Every way in which two pieces make a third, in the order of the third: SentencePiece merges what has the lowest
    id."""
    ids = {piece: number for number, piece in enumerate(_spelt(encoder))}
    learnt = list(ids)[RESERVED:]
    known = set(learnt)
    merges = [
        [piece[:cut], piece[cut:]]
        for piece in learnt
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]
    return {
        "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": True, "ignore_merges": False,
        "vocab": ids, "merges": merges,
    }  # fmt: skip


def _unigram(encoder: Encoder) -> dict[str, Any]:
    scores = encoder.scores()
    scores[: len(SPECIAL_IDS)] = scores[FIRST_BYTE:RESERVED] = NO_TEXT_SCORE
    vocabulary = list(zip(_spelt(encoder), scores.tolist(), strict=True))
    return {"type": "Unigram", "unk_id": SPECIAL_IDS["<unk>"], "vocab": vocabulary, "byte_fallback": True}


def _spelt(encoder: Encoder) -> list[str]:
    pieces = [encoder.processor.id_to_piece(number) for number in range(encoder.vocabulary)]
    return [piece if n < RESERVED else piece.replace(SPACE_PIECE, " ") for n, piece in enumerate(pieces)]


def _config(longest: int | None) -> dict[str, Any]:
    """tokenizer_config.json: the class is the one that takes tokenizer.json as it is, whatever the model's family."""
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
        "mask_token": "<mask>", "sep_token": "<sep>", "cls_token": "<cls>",
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    return config if longest is None else config | {"model_max_length": longest}


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
