"""Step keys: hash of a step's resolved options, the code version and its inputs' keys; no paths, runner or workers."""

import functools
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

SCORE_CODE = (
    "filters",
    "pipelines/read",
    "pipelines/records",
    "pipelines/recipe/columns.py",
    "pipelines/stages",
    "pipelines/storage/parts.py",
    "tokenizer/chat",
    "tokenizer/models",
    "tokenizer/pieces.py",
)
DUPLICATES_CODE = ("filters/dedup", "filters/kernels", "pipelines/stages/duplicates", "pipelines/stages/exchange.py")
TEXT_CODE = SCORE_CODE
TOKEN_CODE = (
    "tokenizer",
    "pipelines/stages/rendering.py",
    "pipelines/stages/tokenizer.py",
    "pipelines/stages/tokens.py",
    "pipelines/storage/parts.py",
)
LIBRARIES = (
    "pyarrow",
    "numpy",
    "resiliparse",
    "chardet",
    "brotli",
    "pypdfium2",
    "fasttext",
    "presidio-analyzer",
    "phonenumbers",
    "sentencepiece",
)
"""Libraries whose version can change a dataset's bytes."""


def step_key(step: str, options: Any, code: tuple[str, ...], *upstream: str) -> str:
    """64 hex characters. `options` is any JSON value; `code` names files and folders of this repository."""
    text = json.dumps([step, options, code_version(code), *upstream], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def code_version(code: tuple[str, ...]) -> str:
    """Hash of the source and data files of some places, and of the versions of the libraries they stand on."""
    digest = hashlib.sha256()
    for place in code:
        target = ROOT / place
        for file in sorted(target.rglob("*")) if target.is_dir() else [target]:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(ROOT)).encode() + b"\x00" + file.read_bytes())
    for name in LIBRARIES:
        try:
            digest.update(f"{name}={version(name)}".encode())
        except PackageNotFoundError:
            continue
    return digest.hexdigest()
