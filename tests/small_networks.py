"""Fixture `small_networks`: classifiers of transformers with random weights, in English and Chinese, and their ONNX."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ALPHABET = "abcdefghijklmnopqrstuvwxyz.,!?磨坊在河边人们带着粮食来扫码关注微信客服注册送彩金。，的别话"
TEXTS = [
    "The river mill ground grain.",
    "磨坊坐落在河边，人们带着粮食。",
    "",
    "Buy cheap casino bonus, click now!",
    "扫码关注微信客服，注册送彩金",
    "good " * 900,
    "磨" * 900,
    "a",
    *(f"mill {'grain ' * n}磨坊" for n in range(3, 40, 3)),
]


@dataclass
class SmallNetworks:
    """Folders as save_pretrained writes them; each made once a session."""

    folder: Path

    def save(self, name: str, labels: int = 2, **config: Any) -> Path:
        """A BERT of two small layers that reads 64 tokens."""
        place = self.folder / name
        if place.exists():
            return place
        import torch
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
        from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *ALPHABET, *(f"##{one}" for one in ALPHABET if one.isascii())]
        known = {token: number for number, token in enumerate(dict.fromkeys(vocabulary))}
        tokenizer = Tokenizer(models.WordPiece(known, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        marks = [("[CLS]", known["[CLS]"]), ("[SEP]", known["[SEP]"])]
        tokenizer.post_processor = processors.BertProcessing(marks[1], marks[0])
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
            model_max_length=64, model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        ).save_pretrained(place)  # fmt: skip
        torch.manual_seed(7)
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        made = BertConfig(
            vocab_size=len(known),
            max_position_embeddings=64,
            num_labels=labels,
            initializer_range=0.6,
            **sizes,
            **config,
        )
        BertForSequenceClassification(made).eval().save_pretrained(place)
        return place

    def export(self, name: str, labels: int = 2, **config: Any) -> Path:
        """The same as a folder with a model.onnx."""
        place = self.folder / f"{name}-onnx"
        if place.exists():
            return place
        import torch
        from transformers import BertForSequenceClassification

        saved = self.save(name, labels, **config)
        place.mkdir()
        for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (place / file).write_bytes((saved / file).read_bytes())
        model = BertForSequenceClassification.from_pretrained(saved, attn_implementation="eager").eval()
        tokens = torch.ones((2, 5), dtype=torch.int64)
        names = ["input_ids", "attention_mask", "token_type_ids"]
        axes = {one: {0: "texts", 1: "tokens"} for one in names}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model, (tokens, tokens, tokens), str(place / "model.onnx"), input_names=names, output_names=["logits"],
                dynamic_axes={**axes, "logits": {0: "texts"}}, dynamo=False,
            )  # fmt: skip
        return place


@pytest.fixture(scope="session")
def small_networks(tmp_path_factory: pytest.TempPathFactory) -> SmallNetworks:
    pytest.importorskip("transformers")
    return SmallNetworks(tmp_path_factory.mktemp("small_networks"))
