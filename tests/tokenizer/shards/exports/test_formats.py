"""Every format, read back by a reader that is written here from the format's description; what it cannot hold.

The projects' own readers do the same in test_foreign_readers.py, where they are installed.
"""

import io
import itertools
import json
import pickle
import struct
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from gristmill.tokenizer.shards.exports import flat, huggingface, mds, webdataset
from gristmill.tokenizer.shards.exports.asked import UnfitError
from gristmill.tokenizer.shards.exports.contents import Split
from gristmill.tokenizer.shards.exports.formats import FORMATS, outputs_of
from gristmill.tokenizer.shards.exports.writing import write_export


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    """So that every split has several."""
    for module, name in ((flat, "TOKENS_OF_A_FILE"), (mds, "SHARD_BYTES"), (webdataset, "FILE_BYTES"),
                         (huggingface, "FILE_BYTES")):  # fmt: skip
        monkeypatch.setattr(module, name, 300)


@pytest.fixture
def export(tmp_path):
    def write(name, asked):
        write_export(tmp_path / name, {"to": name}, outputs_of(name, asked))
        return tmp_path / name

    return write


def test_megatron(each, export):
    folder = export("megatron", each.asked())
    for split, documents in each.documents.items():
        raw = (folder / f"{split}.idx").read_bytes()
        assert raw[:9] == b"MMIDIDX\0\0"
        version, code, sequences, ends = struct.unpack_from("<QBQQ", raw, 9)
        assert (version, sequences, ends) == (1, len(documents), len(documents) + 1)
        dtype = {8: np.uint16, 4: np.int32}[code]
        length_D, begin_D = (
            np.frombuffer(raw, "<i4", sequences, 34),
            np.frombuffer(raw, "<i8", sequences, 34 + 4 * sequences),
        )
        assert np.frombuffer(raw, "<i8", ends, 34 + 12 * sequences).tolist() == list(range(ends))
        assert len(raw) == 34 + 12 * sequences + 8 * ends
        data = (folder / f"{split}.bin").read_bytes()
        found = [np.frombuffer(data, dtype, n, at).tolist() for n, at in zip(length_D, begin_D, strict=True)]
        assert found == [ids for _, ids in documents]


@pytest.mark.parametrize("content", ["documents", "rows"])
def test_nanogpt(made, export, rows_by_hand, content):
    folder = export("nanogpt", made["uint16"].asked(content))
    for split, name in (("train", "train.bin"), ("validation", "val.bin")):
        rows = [number for row in rows_by_hand(made["uint16"], split) for number in row]
        assert np.fromfile(folder / name, np.uint16).tolist() == (
            rows if content == "rows" else made["uint16"].tokens(split)
        )
    assert pickle.loads((folder / "meta.pkl").read_bytes()) == {"vocab_size": 60_000}


def test_llmc(each, export):
    folder = export("llmc", each.asked())
    for split, name in (("train", "train"), ("validation", "val")):
        files, found = sorted(folder.glob(f"{name}_*.bin")), []
        assert len(files) > 1
        for path in files:
            raw = path.read_bytes()
            magic, version, tokens = struct.unpack_from("<3i", raw)
            dtype = {(20240520, 1): "<u2", (20240801, 7): "<u4"}[magic, version]
            assert len(raw) == 1024 + tokens * np.dtype(dtype).itemsize
            found += np.frombuffer(raw, dtype, offset=1024).tolist()
        assert found == each.tokens(split)


def read_mds(folder):
    """Samples of a split: a dict each."""
    for shard in json.loads((folder / "index.json").read_bytes())["shards"]:
        raw = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(raw) == shard["raw_data"]["bytes"]
        count = int.from_bytes(raw[:4], "little")
        assert count == shard["samples"]
        edges = np.frombuffer(raw, "<u4", count + 1, 4)
        about = json.loads(raw[4 * (count + 2) : edges[0]])
        assert about.items() <= shard.items()
        for begin, end in itertools.pairwise(edges):
            yield _sample(raw[begin:end], about)


def _sample(raw, about):
    varying = [name for name, size in zip(about["column_names"], about["column_sizes"], strict=True) if size is None]
    sizes = dict(zip(varying, np.frombuffer(raw, "<u4", len(varying)).tolist(), strict=True))
    at, sample = 4 * len(varying), {}
    for name, kind, size in zip(about["column_names"], about["column_encodings"], about["column_sizes"], strict=True):
        data = raw[at : (at := at + (size or sizes[name]))]
        if kind == "str":
            sample[name] = data.decode()
        elif kind == "int":
            sample[name] = int(np.frombuffer(data, "<i8")[0])
        else:
            width = 1 << (data[0] & 3)
            assert data[0] >> 2 == 1
            sample[name] = np.frombuffer(data, kind.removeprefix("ndarray:"), offset=1 + width).tolist()
            assert int.from_bytes(data[1 : 1 + width], "little") == len(sample[name])
    assert at == len(raw)
    return sample


def test_mds(each, export):
    folder = export("mds", each.asked())
    for split, documents in each.documents.items():
        samples = list(read_mds(folder / split))
        assert len(list((folder / split).glob("*.mds"))) > 1
        assert [(s["doc_id"], s["tokens"], s["bytes"]) for s in samples] == [
            (i, ids, 3 * len(ids)) for i, ids in documents
        ]


def test_webdataset(each, export):
    folder = export("webdataset", each.asked())
    for split, documents in each.documents.items():
        members = {}
        for path in sorted(folder.glob(f"{split}-*.tar")):
            with tarfile.open(path) as tar:
                for member in tar:
                    assert (member.mtime, member.uid) == (0, 0)
                    assert member.name not in members
                    members[member.name] = tar.extractfile(member).read()
        for number, (name, ids) in enumerate(documents):
            assert np.load(io.BytesIO(members[f"{number:012d}.npy"])).tolist() == ids
            assert json.loads(members[f"{number:012d}.json"])["doc_id"] == name
        assert len(members) == 2 * len(documents)


def test_huggingface(each, export):
    folder = export("hf", each.asked())
    head = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert head["language"] == ["en"]  # "und" is none
    assert head["size_categories"] == ["n<1K"]
    for entry in head["configs"][0]["data_files"]:
        rows = [row for path in sorted(folder.glob(entry["path"])) for row in pq.read_table(path).to_pylist()]
        assert [(row["doc_id"], row["tokens"]) for row in rows] == each.documents[entry["split"]]
    assert "| w\\|b | en |" in (folder / "README.md").read_text(encoding="utf-8").replace("| train ", "")


@pytest.mark.parametrize("name", ["mds", "webdataset", "hf"])
def test_rows__have_the_lengths_of_their_documents(made, export, rows_by_hand, name):
    folder = export(name, made["uint16"].asked("rows"))
    wanted = rows_by_hand(made["uint16"], "train")
    if name == "mds":
        found = [(s["tokens"], s["lengths"]) for s in read_mds(folder / "train")]
    elif name == "hf":
        files = sorted(folder.glob("data/train-*.parquet"))
        found = [(r["tokens"], r["lengths"]) for path in files for r in pq.read_table(path).to_pylist()]
    else:
        found = []
        for path in sorted(folder.glob("train-*.tar")):
            with tarfile.open(path) as tar:
                arrays = [np.load(io.BytesIO(tar.extractfile(member).read())).tolist() for member in tar]
            found += zip(arrays[::2], arrays[1::2], strict=True)
    assert [tokens for tokens, _ in found] == wanted
    assert [sum(lengths) for _, lengths in found] == list(map(len, wanted))


@pytest.mark.parametrize("name", FORMATS)
def test_tokenizer__goes_along_and_bytes_are_equal_twice(made, tmp_path, name):
    asked = made["uint16"].asked()
    write_export(tmp_path / "a", {}, outputs_of(name, asked))
    write_export(tmp_path / "b", {}, outputs_of(name, asked))
    assert (tmp_path / "a/tokenizer/tokenizer.model").read_bytes() == b"a model"
    assert (tmp_path / "a/export.json").read_bytes() == (tmp_path / "b/export.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "more", "said"),
    [
        ("megatron", "rows", {}, "reads no rows"),
        ("nanogpt", "documents", {"vocabulary": 70_000}, "ids of 16 bits"),
        ("megatron", "documents", {"kind": "chat"}, "learn all of them"),
        ("llmc", "documents", {"kind": "pairs"}, "learn all of them"),
        ("hf", "documents", {"splits": []}, "nothing to export"),
    ],
)
def test_what_a_format_cannot_hold__is_said(made, name, content, more, said):
    with pytest.raises(UnfitError, match=said) as caught:
        outputs_of(name, made["uint16"].asked(content, **more))
    assert caught.value.fix


def test_conversations__keep_their_mask(batch_of, header, make_shards, export, made):
    from gristmill.tokenizer.shards.exports.contents import Documents
    from gristmill.tokenizer.shards.format import Shard, write_shard

    path = made["uint16"].index.with_name("chat.arrow")
    write_shard(path, [batch_of([("en1", [2, 400, 3]), ("zh1", [2, 3])], loss_mask=[0, 1, 1, 0, 1])])
    splits = [Split("train", [Documents(Shard(path))], 2, 5, 9)]
    folder = export("mds", made["uint16"].asked(splits=splits, kind="chat"))
    assert [sample["loss_mask"] for sample in read_mds(folder / "train")] == [[0, 1, 1], [0, 1]]
