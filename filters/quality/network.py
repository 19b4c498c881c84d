"""A classifier that is a neural network: transformers' folder by torch, or ONNX by onnxruntime; both are extras.

A document's numbers do not depend on what else is in its batch: a batch has a fixed shape, [ROWS, a multiple of STEP],
filled up, and one thread computes it.
"""

# Letters: D documents, R rows of a batch, T tokens, L labels.
import inspect
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from gristmill.filters.placed import placed_at
from gristmill.filters.quality.model_file import NoModelError
from gristmill.filters.quality.network_file import Activation, Taken, open_onnx

ROWS, STEP = 8, 32
LETTERS = 64
"""Characters of a text that are looked at for each token that is read; more where those did not give enough tokens."""
Runtime = Literal["torch", "onnx"]
LIBRARIES: dict[Runtime, tuple[str, ...]] = {
    "torch": ("torch", "transformers", "tokenizers"),
    "onnx": ("onnxruntime", "tokenizers"),
}
EXTRA: dict[Runtime, str] = {"torch": "hf-classifier", "onnx": "onnx"}
Compute = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(tokens, mask, kind of each token), int64[R, T] -> float32[R, L]."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A file of a network, by its content."""

    name: str
    """In the network's folder."""
    sha256: str
    bytes: int
    kept_as: str


@dataclass(frozen=True, slots=True)
class Network:
    """A neural classifier by its content. taken: of ONNX, what its inputs are called."""

    name: str
    """As the recipe names it."""
    sha256: str
    """Of the names and contents of its files."""
    files: tuple[NetworkFile, ...]
    kept_as: str
    """The folder in which a run directory keeps them."""
    labels: tuple[str, ...]
    activation: Activation
    max_tokens: int
    pad: int | None
    runtime: Runtime
    taken: Taken | None = None

    @property
    def feeding(self) -> str:
        """How a text is read, and by which libraries: their numbers are part of what the model says."""
        return (
            f"{self.max_tokens} tokens by {', '.join(f'{name} {_version(name)}' for name in LIBRARIES[self.runtime])}"
        )

    @property
    def is_share(self) -> bool:
        """Whether it gives probabilities; else a number of any size (a regression)."""
        return self.activation != "none"

    def probabilities(self, text: pa.Array) -> np.ndarray:
        """float64[texts, labels] of a large_string column: probabilities, or of a regression the number itself."""
        tokenizer, compute = load_network(self)
        tokens = [_encoded(tokenizer, one, self.max_tokens) for one in text.fill_null("").to_pylist()]
        value_DL = np.zeros((len(text), len(self.labels)))
        for rows, inputs in self._batches(tokens):
            logits_RL = compute(*inputs)[: len(rows)].astype(np.float64)
            value_DL[rows] = _activated(logits_RL, self.activation)
        return value_DL

    def _batches(self, tokens: list[np.ndarray]) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """(documents, their tokens, mask, kinds), by length; where nothing may fill up, each by itself."""
        most, wide = (ROWS, STEP) if self.pad is not None else (1, 1)
        if self.taken is not None:
            most, wide = self.taken.rows or most, self.taken.tokens or wide
        length_D = np.array([one.shape[1] for one in tokens], np.int64)
        wide_D = np.maximum(-(-length_D // wide), 1) * wide
        if self.taken is None or not self.taken.tokens:
            wide_D = np.minimum(wide_D, max(self.max_tokens, 1))
        for width in np.unique(wide_D).tolist():
            rows = np.flatnonzero(wide_D == width)
            for start in range(0, len(rows), most):
                some = rows[start : start + most]
                inputs = [np.full((most, width), fill, np.int64) for fill in (self.pad or 0, 0, 0)]
                for place, row in enumerate([*some, *[some[0]] * (most - len(some))]):
                    length = length_D[row]
                    inputs[0][place, :length], inputs[2][place, :length] = tokens[row]
                    inputs[1][place, :length] = 1
                yield some, inputs


def _encoded(tokenizer: Any, text: str, most: int) -> np.ndarray:
    """int32[2, T]: the first `most` tokens of a text with the marks around them, and the kind of each."""
    found = tokenizer.encode(text[: LETTERS * most])
    if len(text) > LETTERS * most and not found.overflowing:
        found = tokenizer.encode(text)
    return np.array([found.ids, found.type_ids], np.int32)


def _activated(logits_RL: np.ndarray, activation: Activation) -> np.ndarray:
    if activation == "none":
        return logits_RL
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-logits_RL))
    power_RL = np.exp(logits_RL - logits_RL.max(axis=1, keepdims=True))
    return power_RL / power_RL.sum(axis=1, keepdims=True)


def missing_library(runtime: Runtime) -> str | None:
    """A library that it needs and that is not installed."""
    return next((name for name in LIBRARIES[runtime] if not _version(name)), None)


@cache
def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


@cache
def load_network(network: Network) -> tuple[Any, Compute]:
    """(tokenizer, what computes), loaded once per process: before a fork, so that workers share it.

    Raises KeyError where a file was not placed, and NoModelError for one that cannot be loaded.
    """
    import tokenizers

    folder = _folder(network)
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises Exception itself
        raise NoModelError(f"'{network.name}': its tokenizer.json cannot be read: {str(error)[:200]}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(network.max_tokens)
    return tokenizer, _onnx(network, folder) if network.runtime == "onnx" else _torch(network, folder)


def _folder(network: Network) -> Path:
    """Where its files lie side by side under their own names; links, where they do not."""
    places = [Path(placed_at(file.sha256)) for file in network.files]
    if len({place.parent for place in places}) == 1 and all(
        place.name == file.name for place, file in zip(places, network.files, strict=True)
    ):
        return places[0].parent
    folder = Path(tempfile.mkdtemp(prefix="gristmill-network-"))
    for place, file in zip(places, network.files, strict=True):
        (folder / file.name).symlink_to(place.resolve())
    return folder


def _onnx(network: Network, folder: Path) -> Compute:
    import onnxruntime

    assert network.taken is not None
    taken = network.taken
    file = next(folder / one.name for one in network.files if one.name.endswith(".onnx"))
    session = open_onnx(file, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)

    def compute(*inputs: np.ndarray) -> np.ndarray:
        by_name = dict(zip(("input_ids", "attention_mask", "token_type_ids"), inputs, strict=True))
        fed = {name: by_name[name].astype(kind) for name, kind in taken.inputs}
        found: np.ndarray = session.run([taken.output], fed)[0]
        return found

    return compute


def _torch(network: Network, folder: Path) -> Compute:
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        model, told = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # many kinds: an unknown model_type, shapes that differ, a damaged file
        raise NoModelError(
            f"'{network.name}': transformers cannot load it: {str(error).splitlines()[0][:200]}"
        ) from None
    if told["missing_keys"]:
        missing = ", ".join(sorted(told["missing_keys"])[:3])
        raise NoModelError(f"'{network.name}' lacks weights of its architecture: {missing}")
    model.eval()
    takes_kinds = "token_type_ids" in inspect.signature(model.forward).parameters

    def compute(*inputs: np.ndarray) -> np.ndarray:
        tokens, mask, kinds = map(torch.from_numpy, inputs)
        more = {"token_type_ids": kinds} if takes_kinds else {}
        with torch.inference_mode():
            found: np.ndarray = model(input_ids=tokens, attention_mask=mask, **more).logits.numpy()
        return found

    return compute
