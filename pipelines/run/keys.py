"""Step keys: hash of a step's resolved options, the code version and its inputs' keys; no paths, runner or workers."""

import hashlib
import json
from typing import Any

from gristmill.pipelines.processes.code import code_version

SCORE_CODE = (
    "filters",
    "pipelines/read",
    "pipelines/duplicates",
    "pipelines/records",
    "pipelines/recipe/columns.py",
    "pipelines/stages",
    "pipelines/storage/packed_rows.py",
    "pipelines/storage/parts.py",
    "tokenizer/chat",
    "tokenizer/models",
    "tokenizer/pieces.py",
)
DUPLICATES_CODE = (
    "filters/dedup",
    "filters/kernels",
    "pipelines/duplicates",
    "pipelines/records/rows.py",
    "pipelines/stages/duplicates",
    "pipelines/stages/exchange.py",
    "pipelines/stages/unit_rows.py",
    "pipelines/storage/packed_rows.py",
)
INSIDE_CODE = (*DUPLICATES_CODE, "filters/edits.py", "pipelines/stages/kept_texts.py")
PASSAGES_CODE = (*INSIDE_CODE, "filters/lists/addresses.py", "pipelines/stages/passages")
SUBSTRINGS_CODE = (*INSIDE_CODE, "pipelines/stages/substrings")
OVERLAPS_CODE = (
    "filters/contamination",
    "filters/edits.py",
    "filters/kernels",
    "pipelines/records/rows.py",
    "pipelines/stages/contamination/overlaps.py",
    "pipelines/stages/unit_rows.py",
    "pipelines/storage/packed_rows.py",
)
CONTAMINATION_CODE = (*DUPLICATES_CODE, "filters/contamination", "filters/edits.py", "pipelines/stages/contamination")
TEXT_CODE = SCORE_CODE
TOKEN_CODE = (
    "tokenizer",
    "pipelines/records/columns.py",
    "pipelines/stages/rendering.py",
    "pipelines/stages/tokenizer.py",
    "pipelines/storage/drawn.py",
    "pipelines/stages/tokens.py",
    "pipelines/storage/parts.py",
)
CODE = {
    "score": SCORE_CODE,
    "overlaps": OVERLAPS_CODE,
    "duplicates": DUPLICATES_CODE,
    "contamination": CONTAMINATION_CODE,
    "passages": PASSAGES_CODE,
    "substrings": SUBSTRINGS_CODE,
    "text": TEXT_CODE,
    "tokenizer": TOKEN_CODE,
    "tokens": TOKEN_CODE,
}
"""By stage: what its workers must have as the driver has it."""


def step_key(step: str, options: Any, code: tuple[str, ...], *upstream: str) -> str:
    """64 hex characters. `options` is any JSON value; `code` names files and folders of this repository."""
    text = json.dumps([step, options, code_version(code), *upstream], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
