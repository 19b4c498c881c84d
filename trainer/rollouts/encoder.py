"""The tokenizer of a model that talks."""

from pathlib import Path

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.trainer.errors import MismatchError


def chat_encoder(folder: Path) -> Encoder:
    """A folder with the tokenizer of a run or a checkpoint. Raises MismatchError where it has no ids of roles."""
    encoder = open_encoder(folder)
    if encoder.info.is_foreign:
        raise MismatchError(
            "conversations and tasks need the ids of roles, which only tokenizers trained here have",
            where=str(encoder.path),
            fix="train on a run without `tokenizer: {path: ...}`; `generate`, `eval` and `export` take this model",
        )
    return encoder
