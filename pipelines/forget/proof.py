"""The proof of absence: what was taken out, by hash, which shards stand for which, and that nothing of it is left.

It holds no value, id or address: a document is the sha256 of its `doc_id`, a domain its sha256; of the others it says
how many there were.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.lists.addresses import SCHEME, domains, host_and_path
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.forget.asked import Asked
from gristmill.pipelines.forget.strings import spans
from gristmill.pipelines.forget.version import DATASETS_OF_TOKENS, Piece, batches
from gristmill.pipelines.storage.layout import FIXED, MANIFEST
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import HELD, Fault, listed_in
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.tokenizer.shards.format import Shard

FORMAT = "gristmill-forgotten-1"
FOLDER = "forgotten"
NAMES = ("doc_id", "cluster", "duplicate_of")
"""Columns that name documents."""
_DOC_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def sha256_of(text: str) -> str:
    """Of a doc_id or a domain, as proofs hold it."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Scan:
    """A look at all that a version holds."""

    files: dict[str, str] = field(default_factory=dict)
    """Path -> sha256 of what was looked at."""
    rows: int = 0
    bytes: int = 0
    found: list[str] = field(default_factory=list)
    """Files in which something is left."""


def scan(store: Store, manifest: dict[str, Any], asked: Asked, documents: set[str]) -> Scan:
    """Everything that a manifest lists: names of documents, their addresses and ids, values; tokens are decoded."""
    done = Scan()
    datasets = {shard["path"]: name for name, one in manifest["datasets"].items() for shard in one["shards"]}
    held = pa.array(sorted(documents), pa.string())
    encoder = _encoder(store, manifest) if asked.values else None
    for file in listed_in(manifest):
        shard = {"path": file.path, "rows": 0, "bytes": file.bytes, "sha256": file.sha256}
        piece = Piece(datasets.get(file.path, ""), shard)
        if piece.dataset and piece.format in ("arrow", "parquet"):
            left = False
            for batch in batches(store, piece):
                done.rows += batch.num_rows
                left = left or _left_in(batch, asked, held)
            if encoder is not None and piece.dataset in DATASETS_OF_TOKENS:
                left = left or _left_in_tokens(store, piece, encoder, asked)
        else:
            left = left_in_bytes(store.read_bytes(file.path), asked, documents)
        if left:
            done.found.append(file.path)
        done.files[file.path] = file.sha256
        done.bytes += file.bytes
    return done


def _left_in(batch: pa.RecordBatch, asked: Asked, held: pa.Array) -> bool:
    for name in NAMES:
        if name in batch.schema.names and pc.any(pc.is_in(batch.column(name), held)).as_py():
            return True
    if {"doc_id", "id", "url"} <= set(batch.schema.names):
        ids = asked.texts("id")
        for name in ("url", "id"):
            for text in pc.unique(batch.column(name).drop_null()).to_pylist():
                address = name == "url" or SCHEME.match(text)
                if (name == "id" and text in ids) or (address and any(asked.of_address(text))):
                    return True
    return bool(asked.values) and "tokens" not in batch.schema.names and bool(spans(batch, asked.sought).any())


def _left_in_tokens(store: Store, piece: Piece, encoder: Encoder, asked: Asked) -> bool:
    with store.on_disk(piece.path) as file:
        shard = Shard(file)
        return any(asked.sought.in_text(encoder.decode(shard.document(d).tolist())) for d in range(len(shard)))


def _encoder(store: Store, manifest: dict[str, Any]) -> Encoder | None:
    if not manifest.get("tokenizer"):
        return None
    with store.folder_on_disk(*FIXED) as folder:
        return open_encoder(folder / "tokenizer")


def left_in_bytes(data: bytes, asked: Asked, documents: set[str]) -> bool:
    """Whether a file that is no table holds a value, or names a document."""
    names = {found.decode() for found in _DOC_ID.findall(data)} if documents else set()
    return not documents.isdisjoint(names) or (bool(asked.values) and asked.sought.in_bytes(data))


def check(store: Store) -> list[Fault]:
    """What the proofs of a version say, against what it holds: none of the documents that they name is there, no page
    of their domains, and the last one was made over these very files. Values cannot be looked for again by who does not
    know them: that the files are the ones that were looked through is what is left to check."""
    manifest = store.read_sealed(MANIFEST) or {}
    proofs = [(one["proof"], _read(store, one["proof"])) for one in manifest.get("forgotten", ())]
    faults = [Fault(path, HELD) for path, proof in proofs if proof is None]
    known = [proof for _, proof in proofs if proof is not None]
    if not known:
        return faults
    listed = {file.path: file.sha256 for file in listed_in(manifest) if file.path != proofs[-1][0]}
    if proofs[-1][1] is not None and listed != proofs[-1][1]["scan"]["files"]:
        faults.append(Fault(proofs[-1][0], HELD))
    documents = {name for proof in known for name in proof["removed"]["documents"]}
    hosts = {name for proof in known for name in proof["asked"]["domains"]}
    for name, dataset in manifest["datasets"].items():
        for piece in (Piece(name, shard) for shard in dataset["shards"]):
            if piece.format in ("arrow", "parquet") and store.exists(piece.path):
                rows = batches(store, piece, (*NAMES, "url"))
                if any(_named(batch, documents, hosts) for batch in rows):
                    faults.append(Fault(piece.path, HELD))
    return faults


def _named(batch: pa.RecordBatch, documents: set[str], hosts: set[str]) -> bool:
    names = {name for column in NAMES if column in batch.schema.names for name in _distinct(batch, column)}
    if any(sha256_of(name) in documents for name in names):
        return True
    if not hosts or "url" not in batch.schema.names:
        return False
    found = {host_and_path(address)[0] for address in _distinct(batch, "url")}
    return any(sha256_of(domain) in hosts for host in found for domain in domains(host))


def _distinct(batch: pa.RecordBatch, name: str) -> list[str]:
    return pc.unique(batch.column(name).drop_null()).to_pylist()


def _read(store: Store, path: str) -> dict[str, Any] | None:
    try:
        proof = store.read_sealed(path)
    except DamageError:
        return None
    return proof if proof and proof.get("format") == FORMAT else None
