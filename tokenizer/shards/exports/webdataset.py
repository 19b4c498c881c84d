"""WebDataset: tar files in which neighbouring members with one key are a sample, named KEY.what.

KEY is the sample's number in its split. `KEY.npy` is the array of ids, as NumPy writes it, `KEY.loss_mask.npy` and
`KEY.lengths.npy` those of these columns, `KEY.txt` the text, `KEY.json` every other column. Members have no owner and
no time, so that equal corpora give equal bytes.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.shards.exports.asked import Asked, whole
from gristmill.tokenizer.shards.exports.contents import Piece
from gristmill.tokenizer.shards.exports.writing import Entry, Output

FILE_BYTES = 1 << 27
SUFFIXES = {"tokens": "npy", "text": "txt"}


def webdataset(asked: Asked) -> list[Output]:
    """`train-000000.tar`, `train-000001.tar`, ..., and so for every split."""
    outputs = []
    for split in asked.splits:
        first = 0
        for number, pieces in enumerate(split.files(FILE_BYTES)):
            outputs.append(whole(f"{split.name}-{number:06d}.tar", _tar(pieces, first)))
            first += sum(piece.end - piece.begin for piece in pieces)
    return [*outputs, *asked.tokenizer_files()]


def _tar(pieces: Sequence[Piece], first: int) -> Callable[[Mapping[str, Entry]], memoryview]:
    def make(_: Mapping[str, Entry]) -> memoryview:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            number = first
            for piece in pieces:
                for members in _samples(piece.read()):
                    for suffix, data in members:
                        member = tarfile.TarInfo(f"{number:012d}.{suffix}")
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
                    number += 1
        return file.getbuffer()

    return make


def _samples(batch: pa.RecordBatch) -> Iterator[list[tuple[str, bytes]]]:
    """(suffix, content) of the members of every document."""
    arrays = [name for name in batch.schema.names if _is_array(batch.schema.field(name).type)]
    rest = batch.drop_columns([*arrays, *({"text"} & set(batch.schema.names))])
    about = rest.to_pylist() if rest.num_columns else []
    for row in range(batch.num_rows):
        members = [(SUFFIXES.get(name, f"{name}.npy"), _npy(batch.column(name)[row])) for name in arrays]
        if "text" in batch.schema.names:
            members.append((SUFFIXES["text"], batch.column("text")[row].as_py().encode()))
        if about:
            members.append(("json", json.dumps(about[row], ensure_ascii=False).encode()))
        yield members


def _is_array(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _npy(values: pa.Scalar) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, values.values.to_numpy(zero_copy_only=False), version=(1, 0))
    return file.getvalue()
