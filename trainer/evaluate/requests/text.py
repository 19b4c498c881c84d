"""Text to ids and back, as requests need it, and how a context and its continuation are cut into ids."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import Turn, offering
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.codecs import without_dropout
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.tokenizer.foreign.spelling import byte_characters
from gristmill.tokenizer.special_ids import END, EOS
from gristmill.trainer.errors import ConfigError, InputError


class TextCodec(Protocol):
    """A tokenizer. No text yields a special id."""

    bos: int
    """What stands before a text that has no context."""
    before: tuple[int, ...]
    """What stands before every context, as the tokenizer puts it: `<bos>` before ours, as before every document of the
    training; nothing before GPT-2's."""
    ends: tuple[int, ...]
    """What ends a generation."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text, without special ones."""

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """UTF-8, perhaps cut inside a character; special ids give nothing."""

    def conversation(self, turns: Sequence[Turn], tools: Sequence[Any] = ()) -> list[int]:
        """A conversation up to the assistant's turn, as training renders it; `tools`: definitions that it offers.
        Raises ConfigError for a tokenizer that knows no turns."""

    def pieces(self) -> list[bytes]:
        """The bytes of every id; of special ones none. Raises ConfigError for a tokenizer whose ids are no bytes."""


class OwnCodec:
    """The tokenizer of a run, whoever trained it: a folder with info.json."""

    def __init__(self, folder: Path):
        self.encoder = open_encoder(folder)
        self.bos = self.encoder.bos
        self.before: tuple[int, ...] = (self.bos,)
        self.ends: tuple[int, ...] = (self.encoder.eos,) if self.encoder.info.is_foreign else (END, EOS)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Of a `TextCodec`."""
        ids, offsets = self.encoder.encode(list(texts), bos=False, eos=False)
        return [ids[a:b].tolist() for a, b in pairwise(offsets)]

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """Of a `TextCodec`."""
        return self.encoder.decode_bytes(ids)

    def conversation(self, turns: Sequence[Turn], tools: Sequence[Any] = ()) -> list[int]:
        """Of a `TextCodec`."""
        if self.encoder.info.is_foreign:
            raise _knows_no_turns(self.encoder.path.name)
        return render(self.encoder, offering(turns, tools), generation=True).ids.tolist()

    def pieces(self) -> list[bytes]:
        """Of a `TextCodec`."""
        return pieces_of(self.encoder)


class LibraryCodec:
    """tokenizer.json of a transformers folder, read by the library `tokenizers`."""

    def __init__(self, folder: Path, bos: int, ends: tuple[int, ...]):
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise InputError(
                "a transformers folder is read with the library `tokenizers`, which is not installed",
                where=str(folder),
                fix="pip install tokenizers, or name the checkpoint itself",
            ) from error
        try:
            self.tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises Exception itself
            raise InputError(
                f"tokenizer.json cannot be read ({type(error).__name__})",
                where=str(folder / "tokenizer.json"),
                fix="save the tokenizer again: AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)",
            ) from error
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.tokenizer.encode_special_tokens = True  # a text that spells <eos> is text
        without_dropout(self.tokenizer)
        self.bos, self.ends = bos, ends
        with_special: list[int] = self.tokenizer.encode("a").ids
        plain = self.encode(["a"])[0]
        self.before: tuple[int, ...] = tuple(with_special[: max(0, with_special.index(plain[0]))])

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Of a `TextCodec`."""
        return [found.ids for found in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def decode_bytes(self, ids: Sequence[int]) -> bytes:
        """Of a `TextCodec`. Pieces that stand for a part of a character are not told apart: U+FFFD comes out."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True).encode()

    def conversation(self, turns: Sequence[Turn], tools: Sequence[Any] = ()) -> list[int]:
        """Of a `TextCodec`: its template is another library's."""
        raise _knows_no_turns("tokenizer.json")

    def pieces(self) -> list[bytes]:
        """Of a `TextCodec`: byte-level ones (GPT-2, Llama 3, Qwen) spell each byte as a character of its own."""
        decoder = json.loads(self.tokenizer.to_str()).get("decoder") or {}
        if decoder.get("type") != "ByteLevel":
            raise ConfigError(
                "structured output needs a tokenizer whose pieces are bytes",
                where="tokenizer.json",
                fix="a tokenizer of a run, or a byte-level one (its decoder is ByteLevel)",
            )
        byte_of = byte_characters()
        added = self.tokenizer.get_added_tokens_decoder()
        spelt = {number: piece for piece, number in self.tokenizer.get_vocab(with_added_tokens=True).items()}
        return [
            b"" if number in added or number not in spelt else bytes(byte_of[one] for one in spelt[number])
            for number in range(max(spelt) + 1)
        ]


def _knows_no_turns(where: str) -> ConfigError:
    return ConfigError(
        "this tokenizer knows no turns of a conversation",
        where=where,
        fix="a checkpoint or export with the tokenizer of a run; or a task whose doc_to_text is a template",
    )


def pieces_of(encoder: Encoder) -> list[bytes]:
    """The bytes of every id of a run's tokenizer; of special ones none."""
    return [encoder.decode_bytes([number]) for number in range(encoder.vocabulary)]


def decode(codec: TextCodec, ids: Sequence[int]) -> str:
    """The text of ids; what is no UTF-8 becomes U+FFFD."""
    return codec.decode_bytes(ids).decode(errors="replace")


@dataclass(frozen=True)
class Pair:
    """A context and what is judged after it, as ids."""

    context: list[int]
    """With what the tokenizer puts before it; never empty."""
    continuation: list[int]
    apart: bool = False
    """Encoded apart from its context: together, a piece would reach over the border."""


def encode_pairs(codec: TextCodec, pairs: Sequence[tuple[str, str]]) -> list[Pair]:
    """(context, continuation) as lm-evaluation-harness cuts them (`_encode_pair` of 0.4.13), where that spells them.

    Spaces at the end of a context belong to the continuation; both are encoded as one text, of which the continuation
    is what follows as many ids as the context has by itself: a word at the border is cut as in running text. Where a
    piece of the whole reaches over the border (Chinese, without a delimiter), those ids would spell something else, or
    nothing: there the continuation is encoded by itself.
    """
    moved = [_moved(context, continuation) for context, continuation in pairs]
    contexts = list(dict.fromkeys(context for context, _ in moved))
    ids_of = dict(zip(contexts, codec.encode(contexts), strict=True))
    whole = codec.encode([context + continuation for context, continuation in moved])
    over = [ids[: len(ids_of[context])] != ids_of[context] for (context, _), ids in zip(moved, whole, strict=True)]
    alone = iter(codec.encode([continuation for (_, continuation), apart in zip(moved, over, strict=True) if apart]))
    found = []
    for (context, _), ids, apart in zip(moved, whole, over, strict=True):
        first = ids_of[context]
        found.append(Pair(context_ids(codec, first), next(alone) if apart else ids[len(first) :], apart))
    return found


def context_ids(codec: TextCodec, ids: Sequence[int]) -> list[int]:
    """A context as the model reads it; of none `bos` alone."""
    return [*codec.before, *ids] or [codec.bos]


def _moved(context: str, continuation: str) -> tuple[str, str]:
    kept = context.rstrip()
    return (kept, context[len(kept) :] + continuation) if context else (context, continuation)
