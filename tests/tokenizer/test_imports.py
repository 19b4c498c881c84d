"""A training image holds torch, numpy, numba, pyarrow, sentencepiece, safetensors, pyyaml, rich and typer alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill import tokenizer

ABSENT = ["apache_beam", "pydantic", "fasttext", "xxhash", "datasets", "transformers", "scipy", "pandas", "torch"]


@pytest.mark.process
def test_tokenizer__imports_without_what_a_training_image_lacks():
    folder = Path(tokenizer.__file__).parent
    files = [path.relative_to(folder.parent) for path in folder.rglob("[a-z]*.py")]
    modules = [".".join(("gristmill", *file.with_suffix("").parts)) for file in files]
    code = f"import sys; sys.modules.update(dict.fromkeys({ABSENT})); import {', '.join(modules)}"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": "."})
