"""Elements have coders of their own; slices of batches travel without their parent's buffers."""

import apache_beam as beam
import pyarrow as pa

from gristmill.pipelines.records.coders import ReceiptCoder, RecordBatchCoder, UnitCoder
from gristmill.pipelines.records.elements import Split, Unit
from gristmill.pipelines.records.receipts import Part, Receipt


def test_registry__chooses_our_coders():
    for kind, coder in ((Unit, UnitCoder), (Receipt, ReceiptCoder), (pa.RecordBatch, RecordBatchCoder)):
        assert isinstance(beam.coders.registry.get_coder(kind), coder)


def test_unit_and_receipt__round_trip():
    unit = Unit("网页", (Split("s3://b/文件.jsonl", 0, 10, 20, "etag"), Split("/b", 3, 4, 5, "")), 15)
    assert UnitCoder().decode(UnitCoder().encode(unit)) == unit
    receipt = Receipt("score", "u", (Part("text", "p", 1, 2, "3"),), (), 1.5, 0.5, 7.0, {"unit": unit.to_json()})
    assert ReceiptCoder().decode(ReceiptCoder().encode(receipt)) == Receipt.from_bytes(receipt.to_bytes())


def test_record_batch__a_slice_is_small_and_equal():
    batch = pa.record_batch({"text": pa.array(["中文 text"] * 10_000, pa.large_string())})
    part = batch.slice(5_000, 3)
    encoded = RecordBatchCoder().encode(part)
    assert len(encoded) < 2_000
    assert RecordBatchCoder().decode(encoded).equals(part)
    assert RecordBatchCoder().estimate_size(part) > 0
    assert not RecordBatchCoder().is_deterministic()
