"""What the files of a neural classifier say: labels, how numbers become probabilities, how many tokens it reads.

A folder as transformers' `save_pretrained` writes it (config.json, tokenizer.json, model.safetensors), or the same
with a model.onnx. Looked at without torch and transformers, so that a recipe is checked at once.
"""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gristmill.filters.quality.model_file import MOST_LABELS, NoModelError

Activation = Literal["softmax", "sigmoid", "none"]
MOST_TOKENS = 512
"""Of a text, where the recipe does not say it: what most published classifiers were trained on."""
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
NUMBERS = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
LOGITS = "logits"
HEADS = ("classifier", "score")
"""What the last layer is called in most architectures of transformers."""
POSITIONS_BEHIND_PADDING = ("roberta", "camembert", "mpnet", "longformer")
"""Architectures (parts of model_type) whose positions are counted from behind the padding token's number."""


@dataclass(frozen=True, slots=True)
class NetworkAbout:
    """What config.json and tokenizer_config.json say. limit: tokens that the model can read; None: any number. pad: the
    token that fills up; None: it has none."""

    labels: tuple[str, ...]
    activation: Activation
    limit: int | None
    pad: int | None


def read_config(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any], transformers: bool) -> NetworkAbout:
    """transformers: whether that library will build the model from it. Raises NoModelError."""
    architectures = config.get("architectures") or []
    if transformers and not any(str(one).endswith("ForSequenceClassification") for one in architectures):
        what = ", ".join(map(str, architectures)) or "no architecture"
        raise NoModelError(f"config.json names {what}, which classifies no texts; a ...ForSequenceClassification does")
    if transformers and not isinstance(config.get("model_type"), str):
        raise NoModelError("config.json says no `model_type`")
    labels = _labels(config)
    problem = config.get("problem_type")
    # As transformers' own pipeline has it (TextClassificationPipeline.postprocess).
    activation: Activation = "softmax"
    if problem == "regression":
        activation = "none"
    elif problem == "multi_label_classification" or len(labels) == 1:
        activation = "sigmoid"
    pad = config.get("pad_token_id")
    pad = pad if isinstance(pad, int) and pad >= 0 else None
    return NetworkAbout(labels, activation, _limit(config, tokenizer_config, pad), pad)


def _labels(config: Mapping[str, Any]) -> tuple[str, ...]:
    named = config.get("id2label")
    if named is None:
        count = config.get("num_labels", 2)  # transformers' default, which it does not write
        return tuple(f"LABEL_{number}" for number in range(count if isinstance(count, int) else 2))
    try:
        by_number = {int(number): str(label) for number, label in named.items()}
    except (AttributeError, ValueError):
        raise NoModelError("config.json has an `id2label` that is no mapping of numbers to labels") from None
    if not by_number or sorted(by_number) != list(range(len(by_number))):
        raise NoModelError("config.json has an `id2label` whose numbers are not 0, 1, 2 ...")
    if len(by_number) > MOST_LABELS:
        raise NoModelError(f"the model has {len(by_number):,} labels, and {MOST_LABELS:,} are the most")
    if len(set(by_number.values())) < len(by_number):
        raise NoModelError("config.json gives two labels one name in `id2label`")
    return tuple(by_number[number] for number in range(len(by_number)))


def _limit(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any], pad: int | None) -> int | None:
    told = tokenizer_config.get("model_max_length")
    limits = [int(told)] if isinstance(told, int | float) and 0 < told < 1 << 20 else []
    places = config.get("max_position_embeddings")
    if isinstance(places, int) and places > 0:
        behind = any(part in str(config.get("model_type")) for part in POSITIONS_BEHIND_PADDING)
        limits.append(places - (pad + 1 if behind and pad is not None else 0))
    return min(limits, default=None)


def read_json(file: Path, name: str) -> dict[str, Any]:
    """One of the folder's JSON files. Raises NoModelError."""
    try:
        found = json.loads(file.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NoModelError(f"{name} is not a JSON object")
    return found


def check_weights(file: Path, name: str, labels: int) -> None:
    """Whether a .safetensors file is whole, and its last layer gives as many numbers as there are labels. Raises
    NoModelError."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 0 < length <= size - 8:
            raise NoModelError(f"{name} is no safetensors file, or cut off")
        try:
            tensors = json.loads(stream.read(length))
            tensors.pop("__metadata__", None)
            end = max(one["data_offsets"][1] for one in tensors.values())
            heads = {key: one["shape"] for key, one in tensors.items() if key.endswith("weight")}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise NoModelError(f"{name} is no safetensors file, or damaged") from None
    if 8 + length + end != size:
        raise NoModelError(f"{name} is cut off")
    found = [shape[0] for key, shape in heads.items() if len(shape) == 2 and key.split(".")[0] in HEADS]
    if found and labels not in found:
        raise NoModelError(f"config.json names {labels} labels, and the last layer of {name} gives {found[-1]}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What an ONNX model takes: name -> type of its numbers; rows and tokens where they are fixed, else 0."""

    inputs: tuple[tuple[str, str], ...]
    output: str
    rows: int
    tokens: int


def read_onnx(file: Path, labels: int) -> Taken:
    """Its inputs and its output, by onnxruntime. Raises NoModelError: not ONNX, an opset that is too new, other inputs,
    another number of labels."""
    import onnxruntime  # here, because it is an extra

    try:
        session = open_onnx(file, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
    except Exception as error:  # its own classes, which are told apart by their names only
        raise NoModelError(f"onnxruntime {onnxruntime.__version__} cannot read it: {_in_short(error)}") from None
    inputs = {one.name: one for one in session.get_inputs()}
    wrong = sorted(set(inputs) - set(INPUTS))
    if wrong or INPUTS[0] not in inputs:
        has = f"it has {', '.join(inputs)}"
        raise NoModelError(f"its inputs must be {INPUTS[0]} and, if it has them, {' and '.join(INPUTS[1:])}; {has}")
    if other := sorted(one.type for one in inputs.values() if one.type not in NUMBERS):
        raise NoModelError(f"its inputs are {other[0]}, and tokens are int64 or int32")
    outputs = {one.name: one for one in session.get_outputs()}
    if LOGITS not in outputs and len(outputs) > 1:
        raise NoModelError(f"none of its outputs is called {LOGITS}; it has {', '.join(outputs)}")
    output = outputs.get(LOGITS) or next(iter(outputs.values()))
    shape = output.shape
    if len(shape) != 2 or (isinstance(shape[1], int) and shape[1] != labels):
        raise NoModelError(f"its output {output.name} is {shape}, and config.json names {labels} labels")
    fixed = [[axis if isinstance(axis, int) else 0 for axis in one.shape] for one in inputs.values()]
    if any(len(axes) != 2 for axes in fixed):
        raise NoModelError("its inputs are not [texts, tokens]")
    taken = tuple((name, NUMBERS[one.type]) for name, one in inputs.items())
    return Taken(taken, output.name, max(axes[0] for axes in fixed), max(axes[1] for axes in fixed))


def open_onnx(file: Path, optimization: Any) -> Any:
    """A session of one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = optimization
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _in_short(error: Exception) -> str:
    """The message of onnxruntime without its number, the place in its source, and this machine's paths."""
    text = (str(error).splitlines() or [""])[0].rpartition("failed:")[2]
    return re.sub(r"^/\S+:\d+ .*\) (?=[A-Z])", "", text).strip()[:200]
