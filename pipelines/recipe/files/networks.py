"""Neural classifiers that a recipe names: a folder of transformers or ONNX, its files told by their content."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from gristmill.filters.placed import place
from gristmill.filters.quality.model_file import NoModelError
from gristmill.filters.quality.network import EXTRA, Network, NetworkFile, Runtime, missing_library
from gristmill.filters.quality.network_file import (
    MOST_TOKENS,
    Taken,
    check_weights,
    read_config,
    read_json,
    read_onnx,
)
from gristmill.pipelines.recipe.files.named_files import ProblemError, file_sha256

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
ONNX, WEIGHTS, SHARDS = "model.onnx", "model.safetensors", "model.safetensors.index.json"
BESIDE_ONNX = (".data", "_data")
"""What is added to the name of an ONNX file for the file of its weights."""
MODEL_FILES = ("model.ftz", "model.bin")
"""Of fastText, as `gristmill classifier train` names them."""
PICKLES = "pytorch_model.bin"

Get = Callable[[str], Path | None]
"""A path as the recipe has it -> the file on this machine; None where there is none."""


def network_place(path: str, get: Get) -> tuple[str, Runtime] | None:
    """(the path of its main file, what runs it), where a path names a neural classifier; None: something else."""
    top = path.rstrip("/")
    if top.endswith(".onnx"):
        return (top, "onnx") if get(top) else None
    if top.endswith((".bin", ".ftz")):
        return None
    if get(f"{top}/{ONNX}"):
        return f"{top}/{ONNX}", "onnx"
    if get(f"{top}/{WEIGHTS}"):
        return f"{top}/{WEIGHTS}", "torch"
    if get(f"{top}/{SHARDS}"):
        return f"{top}/{SHARDS}", "torch"
    if get(f"{top}/{CONFIG}") and not any(get(f"{top}/{name}") for name in MODEL_FILES):
        pickled = f"{PICKLES} can hold any program and is not read; " if get(f"{top}/{PICKLES}") else ""
        what = f"'{path}' has a {CONFIG} and no {WEIGHTS} or {ONNX}; {pickled}save the model again with save_pretrained"
        raise ProblemError("model", what)
    return None


def read_network(path: str, main: str, runtime: Runtime, max_tokens: int | None, get: Get) -> Network:
    """The network whose main file lies at `main`. Raises ProblemError."""
    if library := missing_library(runtime):
        raise ProblemError("model", f"'{path}' needs {library}; pip install 'gristmill[{EXTRA[runtime]}]'")
    try:
        return _read(path, main, runtime, max_tokens, get)
    except NoModelError as error:
        raise ProblemError("model", f"'{path}': {error}") from None


def _read(path: str, main: str, runtime: Runtime, max_tokens: int | None, get: Get) -> Network:
    folder, _, name = main.rpartition("/")
    found = dict(_files(folder, name, get))
    tokenizer_config = found.get(TOKENIZER_CONFIG)
    about = read_config(
        read_json(found[CONFIG], CONFIG),
        read_json(tokenizer_config, TOKENIZER_CONFIG) if tokenizer_config else {},
        transformers=runtime == "torch",
    )
    taken: Taken | None = None
    if runtime == "onnx":
        taken = _looked_at(str(found[name]), found[name].stat().st_size, found[name].stat().st_mtime_ns, about.labels)
    for one, file in found.items():
        if one.endswith(".safetensors"):
            check_weights(file, one, len(about.labels) if one == WEIGHTS else 0)
    sha256 = {one: file_sha256(file) for one, file in found.items()}
    whole = hashlib.sha256(json.dumps(sorted(sha256.items())).encode()).hexdigest()
    called = (folder or Path(path).name).rpartition("/")[2]
    kept_as = f"models/{whole[:16]}-{called.removeprefix(f'{whole[:16]}-')}"
    files = []
    for one, file in sorted(found.items()):
        files.append(NetworkFile(one, sha256[one], file.stat().st_size, f"{kept_as}/{one}"))
        place(files[-1], file)
    tokens = _tokens(about.limit, taken, max_tokens)
    return Network(
        called, whole, tuple(files), kept_as, about.labels, about.activation, tokens, about.pad, runtime, taken
    )


def _tokens(limit: int | None, taken: Taken | None, asked: int | None) -> int:
    if taken is not None and taken.tokens:
        limit = min(limit or taken.tokens, taken.tokens)
    if asked is not None and limit is not None and asked > limit:
        raise ProblemError("max_tokens", f"the model reads {limit} tokens at most; write so many or fewer")
    return asked or min(limit or MOST_TOKENS, MOST_TOKENS)


def _files(folder: str, main: str, get: Get) -> Iterator[tuple[str, Path]]:
    """(name, file) of all that the network is made of; config.json and tokenizer.json may lie a folder above an ONNX
    file, where Hugging Face's hub has them."""

    def at(name: str) -> Path | None:
        return get(f"{folder}/{name}" if folder else name)

    def needed(name: str, why: str) -> tuple[str, Path]:
        above = folder.rpartition("/")[0]
        file = at(name) or (get(f"{above}/{name}" if above else name) if main.endswith(".onnx") else None)
        if file is None:
            raise NoModelError(f"there is no {name} beside {main}; {why}")
        return name, file

    yield needed(CONFIG, "it names the labels: save the model with save_pretrained, or export it with its config")
    yield needed(TOKENIZER, "write it with AutoTokenizer.from_pretrained(...).save_pretrained(...)")
    if file := at(TOKENIZER_CONFIG):
        yield TOKENIZER_CONFIG, file
    names = [main, *(main + ending for ending in BESIDE_ONNX)] if main.endswith(".onnx") else [main]
    if main == SHARDS:
        shards = read_json(needed(SHARDS, "")[1], SHARDS).get("weight_map")
        if not isinstance(shards, dict) or not all(isinstance(one, str) and "/" not in one for one in shards.values()):
            raise NoModelError(f"{SHARDS} has no `weight_map`")
        names += sorted(set(shards.values()))
    for name in names:
        if name.endswith(BESIDE_ONNX):
            if file := at(name):
                yield name, file
        else:
            yield needed(name, "the model is not whole; copy all of its files")


@lru_cache(16)
def _looked_at(file: str, size: int, changed: int, labels: tuple[str, ...]) -> Taken:
    return read_onnx(Path(file), len(labels))
