"""Models to and from transformers' folders (config.json, model.safetensors), without importing it."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.huggingface import write_huggingface
from gristmill.tokenizer.special_ids import BOS, END, EOS, PAD
from gristmill.trainer.checkpoint.layouts import LAYOUTS, Pair
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.transformer import Model


def read_transformers(folder: Path) -> Model:
    """The model of a transformers folder, float32. Raises InputError for what is missing or of another family."""
    try:
        theirs = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        parts = sorted(folder.glob("model*.safetensors"))
        tensors = {name: tensor for part in parts for name, tensor in load_file(part).items()}
    except (OSError, ValueError) as error:
        raise InputError(
            f"not a transformers model: {error}", where=str(folder), fix="give the folder that save_pretrained wrote"
        ) from error
    family = theirs.get("model_type")
    if family not in LAYOUTS:
        raise InputError(
            f"model_type {family!r} has no layout here", where=str(folder), fix=f"one of: {', '.join(LAYOUTS)}"
        )
    config = READERS[family](theirs)
    model = Model(config)
    state: dict[str, Tensor] = {}
    for pair in LAYOUTS[family](config):
        try:
            found = [tensors[name].float() for name in pair.theirs]
        except KeyError as error:
            raise InputError(f"weight {error} is missing", where=str(folder), fix="save the model again") from error
        state |= zip(pair.ours, pair.to_ours(found), strict=True)
    model.load_state_dict({name: _padded(tensor, model.state_dict()[name].shape) for name, tensor in state.items()})
    return model


def write_transformers(
    model: Model, folder: Path, encoder: Encoder | None = None, others: Mapping[str, Any] | None = None
) -> str:
    """Writes a folder that transformers' from_pretrained reads; the model_type it chose. Raises ConfigError for a model
    that none of the layouts can express. With an encoder, AutoTokenizer gives its ids there. A reward model is one for
    AutoModelForSequenceClassification with one label, its score. `others`: facts that config.json is to hold too."""
    scores = model.config.head == "score"
    config = replace(model.config, head="linear", tied=True) if scores else model.config
    family = family_of(config)
    state = model.state_dict()
    tensors: dict[str, Tensor] = {}
    pairs = [*LAYOUTS[family](config)] + ([Pair(("score.weight",), ("score.weight",))] if scores else [])
    for pair in pairs:
        ours = [_cropped(name, state[name], model.config) for name in pair.ours]
        tensors |= zip(pair.theirs, pair.to_theirs(ours), strict=True)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    facts: dict[str, Any] = {
        "model_type": family,
        "vocab_size": model.config.vocabulary,
        "bos_token_id": encoder.bos if encoder else BOS,
        "eos_token_id": encoder.eos if encoder else EOS,
        "pad_token_id": encoder.pad if encoder else PAD,
        "tie_word_embeddings": model.config.tied,
        "dtype": "float32",
    } | WRITERS[family](model.config)
    if scores:
        name = facts["architectures"][0].replace("LMHeadModel", "").replace("ForCausalLM", "")
        facts |= {"architectures": [f"{name}ForSequenceClassification"], "problem_type": "regression"}
        facts |= {"id2label": {"0": "reward"}, "label2id": {"reward": 0}}
    facts |= dict(others or {})
    _write_json(folder / "config.json", facts)
    if encoder is not None:
        shutil.copyfile(encoder.path, folder / encoder.path.name)
        write_huggingface(encoder, folder, model.config.context)
        if model.config.mask != "full" and not scores:
            _write_json(folder / "generation_config.json", _generation(model.config, encoder))
    return family


def _generation(config: ModelConfig, encoder: Encoder) -> dict[str, Any]:
    """generation_config.json: a text ends with its document, a turn with END; an encoder-decoder begins to write at
    PAD."""
    begin = {"decoder_start_token_id": PAD} if config.encoder_layers else {}
    ends = [encoder.eos] if encoder.info.is_foreign else [EOS, END]
    special = {"bos_token_id": encoder.bos, "eos_token_id": ends, "pad_token_id": encoder.pad}
    return special | {"do_sample": True} | begin


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def family_of(config: ModelConfig) -> str:
    """The model_type whose configuration, written and read again, is this one."""
    for family, write in WRITERS.items():
        again = READERS[family](write(config) | {"vocab_size": config.vocabulary, "tie_word_embeddings": config.tied})
        if _essence(again) == _essence(config):
            return family
    raise ConfigError(
        "no transformers layout has a model of this shape",
        where="the checkpoint's model configuration",
        fix="GPT-2, Llama, Qwen3 (qk_norm), Mixtral (experts), T5 and BERT shapes can be written",
    )


def _essence(config: ModelConfig) -> ModelConfig:
    """The configuration with defaults filled in, without what does not change the function."""
    return replace(
        config,
        kv_heads=config.K,
        head_width=config.D,
        hidden=config.M,
        attention_scale=config.scale,
        compute="auto",
        attention="auto",
        balance_weight=0.0,
        router_z_weight=0.0,
        embedding_std=0.0,
        experts_per_token=config.experts_per_token if config.experts else 0,
        relative_buckets=config.relative_buckets if config.positions == "relative" else 0,
        relative_distance=config.relative_distance if config.positions == "relative" else 0,
        rotary_base=config.rotary_base if config.positions == "rotary" else 0.0,
        context=0 if config.positions == "relative" else config.context,
    )


def _padded(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Rows of zeros up to our padded vocabulary."""
    missing = shape[0] - tensor.shape[0]
    return tensor if not missing else torch.cat((tensor, tensor.new_zeros(missing, *tensor.shape[1:])))


def _cropped(name: str, tensor: Tensor, config: ModelConfig) -> Tensor:
    return tensor[: config.vocabulary] if name in ("embedding.weight", "head.weight", "head_bias") else tensor


def _read_gpt2(c: dict[str, Any]) -> ModelConfig:
    return ModelConfig(
        vocabulary=c["vocab_size"], context=c["n_positions"], width=c["n_embd"], layers=c["n_layer"], heads=c["n_head"],
        hidden=c.get("n_inner") or 4 * c["n_embd"], positions="learned", norm="layer",
        norm_epsilon=c["layer_norm_epsilon"], activation="gelu_tanh", bias=True,
    )  # fmt: skip


def _write_gpt2(c: ModelConfig) -> dict[str, Any]:
    return {
        "architectures": ["GPT2LMHeadModel"], "n_positions": c.context, "n_embd": c.width, "n_layer": c.layers,
        "n_head": c.heads, "n_inner": c.M, "layer_norm_epsilon": c.norm_epsilon, "activation_function": "gelu_new",
    }  # fmt: skip


def _read_llama(c: dict[str, Any]) -> ModelConfig:
    rope = c.get("rope_parameters") or {}
    return ModelConfig(
        vocabulary=c["vocab_size"], context=c["max_position_embeddings"], width=c["hidden_size"],
        layers=c["num_hidden_layers"], heads=c["num_attention_heads"], kv_heads=c["num_key_value_heads"],
        head_width=c.get("head_dim") or 0, hidden=c["intermediate_size"], norm_epsilon=c["rms_norm_eps"],
        rotary_base=rope.get("rope_theta") or c["rope_theta"], tied=c.get("tie_word_embeddings", False),
        qk_norm=c.get("model_type") == "qwen3", experts=c.get("num_local_experts") or 0,
        experts_per_token=c.get("num_experts_per_tok") or 2,
    )  # fmt: skip


def _write_llama(c: ModelConfig) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"], "max_position_embeddings": c.context, "hidden_size": c.width,
        "num_hidden_layers": c.layers, "num_attention_heads": c.heads, "num_key_value_heads": c.K, "head_dim": c.D,
        "intermediate_size": c.M, "rms_norm_eps": c.norm_epsilon, "hidden_act": "silu", "attention_bias": False,
        "rope_theta": c.rotary_base, "rope_parameters": {"rope_theta": c.rotary_base, "rope_type": "default"},
    }  # fmt: skip


def _write_qwen3(c: ModelConfig) -> dict[str, Any]:
    return _write_llama(c) | {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"}


def _write_mixtral(c: ModelConfig) -> dict[str, Any]:
    return _write_llama(c) | {
        "architectures": ["MixtralForCausalLM"], "num_local_experts": c.experts,
        "num_experts_per_tok": c.experts_per_token, "sliding_window": None, "router_aux_loss_coef": c.balance_weight,
    }  # fmt: skip


def _read_t5(c: dict[str, Any]) -> ModelConfig:
    tied = c.get("tie_word_embeddings", True)
    return ModelConfig(
        vocabulary=c["vocab_size"], context=c.get("n_positions", 512), width=c["d_model"],
        layers=c.get("num_decoder_layers") or c["num_layers"], encoder_layers=c["num_layers"], heads=c["num_heads"],
        head_width=c["d_kv"], hidden=c["d_ff"], positions="relative",
        relative_buckets=c["relative_attention_num_buckets"],
        relative_distance=c.get("relative_attention_max_distance", 128), norm_epsilon=c["layer_norm_epsilon"],
        activation="geglu" if c["feed_forward_proj"] == "gated-gelu" else "relu", attention_scale=1.0, tied=tied,
        output_scale=c["d_model"] ** -0.5 if c.get("scale_decoder_outputs", tied) else 1.0,
    )  # fmt: skip


def _write_t5(c: ModelConfig) -> dict[str, Any]:
    return {
        "architectures": ["T5ForConditionalGeneration"], "n_positions": c.context, "d_model": c.width, "d_kv": c.D,
        "d_ff": c.M, "num_layers": c.encoder_layers, "num_decoder_layers": c.layers, "num_heads": c.heads,
        "relative_attention_num_buckets": c.relative_buckets, "relative_attention_max_distance": c.relative_distance,
        "layer_norm_epsilon": c.norm_epsilon, "feed_forward_proj": "gated-gelu" if c.gated else "relu",
        "is_encoder_decoder": True, "decoder_start_token_id": PAD, "scale_decoder_outputs": c.output_scale != 1.0,
    }  # fmt: skip


def _read_bert(c: dict[str, Any]) -> ModelConfig:
    return ModelConfig(
        vocabulary=c["vocab_size"], context=c["max_position_embeddings"], width=c["hidden_size"],
        layers=c["num_hidden_layers"], heads=c["num_attention_heads"], hidden=c["intermediate_size"], mask="full",
        positions="learned", norm="layer", norm_place="post", norm_epsilon=c["layer_norm_eps"], activation="gelu",
        bias=True, token_types=c["type_vocab_size"], embedding_norm=True, head="transform",
    )  # fmt: skip


def _write_bert(c: ModelConfig) -> dict[str, Any]:
    return {
        "architectures": ["BertForMaskedLM"], "max_position_embeddings": c.context, "hidden_size": c.width,
        "num_hidden_layers": c.layers, "num_attention_heads": c.heads, "intermediate_size": c.M, "hidden_act": "gelu",
        "layer_norm_eps": c.norm_epsilon, "type_vocab_size": c.token_types,
    }  # fmt: skip


READERS: dict[str, Callable[[dict[str, Any]], ModelConfig]] = {
    "gpt2": _read_gpt2, "llama": _read_llama, "qwen3": _read_llama, "mixtral": _read_llama, "t5": _read_t5,
    "bert": _read_bert,
}  # fmt: skip
WRITERS: dict[str, Callable[[ModelConfig], dict[str, Any]]] = {
    "gpt2": _write_gpt2, "llama": _write_llama, "qwen3": _write_qwen3, "mixtral": _write_mixtral, "t5": _write_t5,
    "bert": _write_bert,
}  # fmt: skip
