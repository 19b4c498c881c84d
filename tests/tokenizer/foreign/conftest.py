"""tokenizer.json files as GPT-2's, Llama 3's and Qwen's are, small, trained here by the library `tokenizers`."""

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from gristmill.tokenizer.foreign.splits import GPT2, LLAMA3, PATTERNS, QWEN

CODE = [
    "def grind(grain, stones=2):\n\treturn [part for part in grain if part.size > stones]\n\n\nx = 12345\n",
    "for (int i = 0; i < n; ++i) {\r\n    sum += a[i] * 0x1F; // don't\r\n}\r\n",
    '<tool_call>\n{"name": "grind"}\n</tool_call>  <|endoftext|>IT\'LL\'S',
]
PATTERN = {split: text for text, split in reversed(PATTERNS.items())}


def split_by(split: int):
    if split == GPT2:
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    cut = pre_tokenizers.Split(Regex(PATTERN[split]), "isolated")
    return pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def trained(texts: list[str], split: int, size: int = 700) -> Tokenizer:
    made = Tokenizer(models.BPE(ignore_merges=split == LLAMA3))
    made.normalizer = normalizers.NFC() if split == QWEN else None
    made.pre_tokenizer, made.decoder = split_by(split), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    made.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"] if split == LLAMA3 else ["<|endoftext|>"])
    if split == LLAMA3:
        bos = made.token_to_id("<|begin_of_text|>")
        made.post_processor = processors.TemplateProcessing("<|begin_of_text|> $A", None, [("<|begin_of_text|>", bos)])
    if split == QWEN:
        made.add_tokens([AddedToken(name, normalized=False) for name in ("<tool_call>", "</tool_call>", "<tool")])
    return made


@pytest.fixture(scope="session")
def real_texts(texts) -> list[str]:
    """English, Chinese and code."""
    return [
        *texts[:120],
        *CODE * 3,
        "e\u0301t\u00e9 ≠ x\u0301 각 \u1100\u1161",
        "",
        " ",
        "\0\0a\0",
        "a" * 200_000 + " 磨" * 3000,
    ]


@pytest.fixture(scope="session", params=[GPT2, LLAMA3, QWEN], ids=["gpt2", "llama3", "qwen"])
def theirs(request, real_texts, tmp_path_factory) -> Path:
    """A folder with a tokenizer.json."""
    folder = tmp_path_factory.mktemp("theirs")
    made = trained(real_texts[:-1], request.param)
    made.save(str(folder / "tokenizer.json"))
    if request.param == LLAMA3:  # as converted from tiktoken: every way in which two pieces make a third is a merge
        about = json.loads((folder / "tokenizer.json").read_bytes())
        ids = about["model"]["vocab"]
        about["model"]["merges"] = [
            [piece[:cut], piece[cut:]]
            for piece in sorted(ids, key=ids.__getitem__)
            for cut in range(1, len(piece))
            if piece[:cut] in ids and piece[cut:] in ids
        ]
        (folder / "tokenizer.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
