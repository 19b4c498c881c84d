"""An export, read by the project that it is for: python read_back.py FORMAT FOLDER prints {split: [ids, ...]} as JSON.

Run with the projects on PYTHONPATH (`make test-exports`). nanoGPT and llm.c are programs, no libraries: the lines that
read are theirs, and named.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np


def megatron(folder: Path) -> dict:
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    found = {}
    for path in sorted(folder.glob("*.idx")):
        for mmap in (True, False):
            dataset = IndexedDataset(str(path.with_suffix("")), mmap=mmap)
            found[path.stem] = [dataset[n].tolist() for n in range(len(dataset))]
            assert dataset.document_indices.tolist() == list(range(len(dataset) + 1))
    return found


def mds(folder: Path) -> dict:
    for name in ("vision", "multimodal", "text"):  # ready-made image and text sets, which need torchvision and others
        sys.modules[f"streaming.{name}"] = MagicMock()
    from streaming import StreamingDataset

    found = {}
    for split in ("train", "validation"):
        dataset = StreamingDataset(local=str(folder), split=split, shuffle=False, batch_size=1, validate_hash="sha256")
        found[split] = [dataset[n]["tokens"].tolist() for n in range(len(dataset))]
    return found


def hf(folder: Path) -> dict:
    from datasets import load_dataset

    dataset = load_dataset(str(folder))
    return {split: rows["tokens"][:] for split, rows in dataset.items()}


def webdataset(folder: Path) -> dict:
    import webdataset as wds

    found = {}
    for split in ("train", "validation"):
        files = sorted(map(str, folder.glob(f"{split}-*.tar")))
        samples = wds.WebDataset(files, shardshuffle=False).decode()
        found[split] = [sample["npy"].tolist() for sample in samples]
    return found


def nanogpt(folder: Path) -> dict:
    """train.py: `data = np.memmap(os.path.join(data_dir, 'train.bin'), dtype=np.uint16, mode='r')`."""
    names = {"train": "train.bin", "validation": "val.bin"}
    return {split: [np.memmap(folder / name, dtype=np.uint16, mode="r").tolist()] for split, name in names.items()}


def llmc(folder: Path) -> dict:
    """modded-nanogpt, train_gpt.py, `_load_data_shard`, with its asserts; of wider ids llm.c's dataloader.h."""
    import torch

    def load(file: Path) -> list:
        header = torch.from_file(str(file), False, 256, dtype=torch.int32)
        wide = header[0] == 20240801
        assert wide or header[0] == 20240520, "magic number mismatch in the data .bin file"
        assert header[1] == (7 if wide else 1), "unsupported version"
        num_tokens = int(header[2])
        tokens = np.empty(num_tokens, np.uint32 if wide else np.uint16)
        with file.open("rb", buffering=0) as f:
            f.seek(256 * 4)
            assert f.readinto(tokens.data) == tokens.nbytes, "number of tokens read does not match header"
        return tokens.tolist()

    found = {}
    for split, name in (("train", "train"), ("validation", "val")):
        found[split] = [[number for file in sorted(folder.glob(f"{name}_*.bin")) for number in load(file)]]
    return found


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))
