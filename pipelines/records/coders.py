"""Beam coders of the few element types. Importing this module registers them; the coder objects travel in the graph.

Without them Beam would pickle: slowly, with whole parent buffers of Arrow slices, and refused at a shuffle by the lint.
"""

import json

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import Coder

from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt


class UnitCoder(Coder):
    """A planned unit as JSON."""

    def encode(self, value: Unit) -> bytes:
        """JSON in ASCII: the name of a file may hold bytes that are not UTF-8."""
        return json.dumps(value.to_json()).encode()

    def decode(self, encoded: bytes) -> Unit:
        """The inverse of encode."""
        return Unit.from_json(json.loads(encoded))

    def is_deterministic(self) -> bool:
        """Equal units have equal bytes."""
        return True

    def to_type_hint(self) -> type:
        """The element type."""
        return Unit


class ReceiptCoder(Coder):
    """A receipt as JSON."""

    def encode(self, value: Receipt) -> bytes:
        """UTF-8 JSON."""
        return value.to_bytes()

    def decode(self, encoded: bytes) -> Receipt:
        """The inverse of encode."""
        return Receipt.from_bytes(encoded)

    def estimate_size(self, value: Receipt) -> int:
        """Bytes, roughly: without it Beam encodes sampled elements only to learn their size."""
        return 200 * (1 + len(value.parts) + len(value.accounts))

    def is_deterministic(self) -> bool:
        """Equal receipts have equal bytes."""
        return True

    def to_type_hint(self) -> type:
        """The element type."""
        return Receipt


class RecordBatchCoder(Coder):
    """A RecordBatch as an Arrow IPC stream: slices are truncated, schema and metadata travel along. Never a key."""

    def encode(self, value: pa.RecordBatch) -> bytes:
        """One IPC stream of one batch, uncompressed."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema) as writer:
            writer.write_batch(value)
        return sink.getvalue().to_pybytes()

    def decode(self, encoded: bytes) -> pa.RecordBatch:
        """Zero-copy over the encoded bytes."""
        return pa.ipc.open_stream(pa.py_buffer(encoded)).read_next_batch()

    def estimate_size(self, value: pa.RecordBatch) -> int:
        """As of a receipt."""
        return value.nbytes

    def is_deterministic(self) -> bool:
        """False: equal rows may lie in different buffers."""
        return False

    def to_type_hint(self) -> type:
        """The element type."""
        return pa.RecordBatch


beam.coders.registry.register_coder(Unit, UnitCoder)
beam.coders.registry.register_coder(Receipt, ReceiptCoder)
beam.coders.registry.register_coder(pa.RecordBatch, RecordBatchCoder)
