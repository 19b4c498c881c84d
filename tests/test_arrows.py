"""Who may import whom, at run time: the training image holds torch, numpy, numba, pyarrow and little else."""

import subprocess
import sys

import pytest

TRAINING_IMAGE_LACKS = ("apache_beam", "pydantic", "fasttext", "presidio_analyzer", "duckdb", "filters", "pipelines")


@pytest.mark.parametrize(
    "package", ["trainer.__main__", "tokenizer.encode", "tokenizer.train", "tokenizer.shards.packing"]
)
def test_trainer_and_tokenizer_run_without_the_pipeline(package):
    """Importing these in a process where the forbidden packages cannot be found."""
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {TRAINING_IMAGE_LACKS!r}:
            raise ImportError('not in the training image: ' + name)
sys.meta_path.insert(0, Refuse())
sys.argv = ['trainer', '--help']
import importlib
importlib.import_module({package!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
