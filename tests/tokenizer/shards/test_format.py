import io
import os

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from pyarrow import ipc

from gristmill.tokenizer.shards.arrow_file import file_sha256, map_batch, write_batch
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, token_dtype, write_shard
from gristmill.tokenizer.special_ids import SPECIAL_IDS

DOCUMENTS = [("en-1", [2, 400, 401, 3]), ("zh-1", [2, 3]), ("zh-2", [2, 9, 9, 9, 3]), ("en-2", list(range(2, 500)))]


def test_write_shard__same_bytes_however_rows_are_batched(batch_of, tmp_path):
    whole = batch_of(DOCUMENTS)
    pieces = [batch_of(DOCUMENTS[:1]), batch_of([]), batch_of(DOCUMENTS[1:])]
    padded = batch_of([("x", [2, 3]), *DOCUMENTS, ("y", [5])])
    results = [write_shard(tmp_path / "a", [whole]), write_shard(tmp_path / "b", pieces),
               write_shard(tmp_path / "c", [padded.slice(1, 4)])]  # fmt: skip
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1
    assert len(set(results)) == 1


def test_write_shard__says_what_it_wrote_and_leaves_no_partial_file(batch_of, tmp_path):
    path = tmp_path / "s.arrow"
    written = write_shard(path, [batch_of(DOCUMENTS)])
    tokens = sum(len(ids) for _, ids in DOCUMENTS)
    assert (written.rows, written.tokens, written.bytes) == (4, tokens, 3 * tokens)
    assert (written.file_bytes, written.sha256) == (path.stat().st_size, file_sha256(path))
    assert os.listdir(tmp_path) == ["s.arrow"]
    memory = io.BytesIO()
    assert write_shard(memory, [batch_of(DOCUMENTS)]) == written
    assert memory.getvalue() == path.read_bytes()


def test_write_shard__no_batch_is_an_error_an_empty_one_is_a_shard(batch_of, tmp_path):
    with pytest.raises(ValueError, match="at least one batch"):
        write_shard(tmp_path / "none", [])
    write_shard(tmp_path / "empty", [batch_of([])])
    shard = Shard(tmp_path / "empty")
    shard.verify()
    assert len(shard) == len(shard.tokens) == 0
    assert shard.offsets.tolist() == [0]


def test_shard__views_the_file_without_allocating_or_keeping_a_descriptor(batch_of, tmp_path):
    big = batch_of([(f"d{n}", [7] * 1000) for n in range(2000)], loss_mask=np.ones(2_000_000, np.uint8))
    write_shard(tmp_path / "big", [big])
    del big
    before, descriptors = pa.total_allocated_bytes(), len(os.listdir("/proc/self/fd"))
    shard = Shard(tmp_path / "big")
    mask = shard.column("loss_mask").values.to_numpy(zero_copy_only=True)
    assert int(shard.tokens[123_456]) == 7
    assert shard.offsets[-1] == 2_000_000 == len(mask)
    assert pa.total_allocated_bytes() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not shard.tokens.flags.writeable
    assert not shard.tokens.flags.owndata


def test_shard__gives_back_documents_columns_and_header(batch_of, header, tmp_path):
    mask = np.arange(sum(len(ids) for _, ids in DOCUMENTS)) % 2
    write_shard(tmp_path / "s", [batch_of(DOCUMENTS, loss_mask=mask, quality=[0.5, 1, 2, 3])])
    shard = Shard(tmp_path / "s")
    shard.verify(file_sha256(tmp_path / "s"))
    assert [shard.document(d).tolist() for d in range(4)] == [ids for _, ids in DOCUMENTS]
    assert shard.column("doc_id").to_pylist() == [name for name, _ in DOCUMENTS]
    assert shard.column("loss_mask").flatten().to_pylist() == mask.tolist()
    assert shard.column("quality").to_pylist() == [0.5, 1, 2, 3]
    assert shard.lengths.tolist() == [len(ids) for _, ids in DOCUMENTS]
    assert shard.header == header


def test_shard__columns_of_conversations(batch_of, tmp_path):
    pairs = [("a", [2, 3, 2, 3]), ("b", [2, 3, 2, 3, 3])]
    mask = [0, 1, 0, 1, 0, 1, 0, 1, 1]
    write_shard(tmp_path / "s", [batch_of(pairs, loss_mask=mask, rejected=[2, 2], margin=[0, -1.5])])
    shard = Shard(tmp_path / "s")
    shard.verify()
    assert shard.mask.tolist() == mask
    assert shard.column("rejected").to_pylist() == [2, 2]
    assert shard.column("margin").to_pylist() == [0, -1.5]
    write_shard(tmp_path / "p", [batch_of(pairs, task=["sort", "加"], answer=["1 2", '{"a": "二"}'])])
    prompts = Shard(tmp_path / "p")
    prompts.verify()
    assert prompts.mask is None
    assert not prompts.has("margin")
    assert prompts.column("answer").to_pylist() == ["1 2", '{"a": "二"}']


@pytest.mark.parametrize(("columns", "message"), [
    ({"loss_mask": [0, 1, 2, 0]}, "loss_mask is neither"), ({"rejected": [0]}, "rejected is not"),
    ({"rejected": [4]}, "rejected is not"), ({"rejected": [-1]}, "rejected is not"),
])  # fmt: skip
def test_verify__columns_of_conversations(batch_of, tmp_path, columns, message):
    write_shard(tmp_path / "s", [batch_of([("a", [2, 3, 2, 3])], **columns)])
    with pytest.raises(ValueError, match=message):
        Shard(tmp_path / "s").verify()


@pytest.mark.parametrize(("vocabulary", "dtype"), [(65_536, np.uint16), (65_537, np.uint32)])
def test_shard__dtype_follows_the_vocabulary(batch_of, tmp_path, vocabulary, dtype):
    assert token_dtype(vocabulary) == dtype
    header = Header("b" * 64, vocabulary, SPECIAL_IDS, "")
    write_shard(tmp_path / "s", [batch_of([("a", [2, vocabulary - 1])], header)])
    assert Shard(tmp_path / "s").tokens.dtype == dtype
    assert int(Shard(tmp_path / "s").tokens[1]) == vocabulary - 1


def test_shard__opens_in_pyarrow_dataset(batch_of, tmp_path):
    for number in range(2):
        write_shard(tmp_path / f"{number}.arrow", [batch_of(DOCUMENTS[2 * number : 2 * number + 2])])
    table = pyarrow.dataset.dataset(tmp_path, format="ipc").to_table(columns=["doc_id", "tokens"])
    assert table["tokens"].to_pylist() == [ids for _, ids in DOCUMENTS]


@pytest.mark.parametrize(("change", "message"), [
    ({"tokens": [1, 60_000]}, "do not fit a vocabulary"), ({"tokens": [-1, 1]}, "do not fit a vocabulary"),
    ({"offsets": [0, 3]}, "offsets must rise"), ({"offsets": [1, 2]}, "offsets must rise"),
    ({"columns": {"doc_id": ["a"]}}, "columns are"), ({"columns": {"colour": [1]}}, "columns are"),
])  # fmt: skip
def test_token_batch__refuses_what_does_not_fit(batch_of, header, change, message):
    good = {name: ["a"] for name in ("doc_id", "source", "lang", "cluster")} | {"bytes": [1]}
    columns = change.get("columns", good)
    columns = good | columns if "colour" in columns else columns
    with pytest.raises(ValueError, match=message):
        token_batch(np.array(change.get("tokens", [1, 2])), np.array(change.get("offsets", [0, 2])), columns, header)


def damaged(batch_of, header, kind):
    """A shard that token_batch would never make."""
    batch = batch_of(DOCUMENTS)
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    if kind == "id":
        columns["tokens"] = pa.LargeListArray.from_arrays([0, 1, 2, 3, 4], pa.array([60_000] * 4, pa.uint16()))
    elif kind == "null":
        columns["lang"] = pa.array(["en", None, "zh", "zh"])
    elif kind == "mask":
        columns["loss_mask"] = pa.array([[1], [0], [1], [1]], pa.large_list(pa.uint8()))
    elif kind == "offsets":
        columns["tokens"] = pa.LargeListArray.from_arrays([0, 3, 2, 3, 4], pa.array([5] * 4, pa.uint16()))
    return pa.RecordBatch.from_pydict(columns).replace_schema_metadata(header.metadata())


@pytest.mark.parametrize(("kind", "message"), [
    ("id", "token 60000"), ("null", "lang has nulls"), ("mask", "as long as"), ("offsets", "do not rise"),
])  # fmt: skip
def test_verify__names_the_file_and_the_fault(batch_of, header, tmp_path, kind, message):
    write_batch(tmp_path / "bad.arrow", damaged(batch_of, header, kind))
    with pytest.raises(ValueError, match=f"bad.arrow.*{message}"):
        Shard(tmp_path / "bad.arrow").verify()


def test_verify__one_flipped_bit_in_the_file_is_found(batch_of, tmp_path):
    path = tmp_path / "s.arrow"
    sha256 = write_shard(path, [batch_of(DOCUMENTS)]).sha256
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"s\.arrow: sha256 differs"):
        Shard(path).verify(sha256)


def test_map_batch__says_why_a_file_is_no_shard(batch_of, tmp_path):
    batch = batch_of(DOCUMENTS)
    with ipc.new_file(tmp_path / "zstd", batch.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    with ipc.new_file(tmp_path / "two", batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    (tmp_path / "text").write_text("not Arrow " * 9)
    write_batch(tmp_path / "foreign", pa.RecordBatch.from_pydict({"a": [1]}))
    for name, message in (("zstd", "compressed"), ("two", "2 record batches"), ("text", "not an Arrow")):
        with pytest.raises(ValueError, match=f"{name}: .*{message}"):
            map_batch(tmp_path / name)
    with pytest.raises(ValueError, match="foreign: not a token shard"):
        Shard(tmp_path / "foreign")
