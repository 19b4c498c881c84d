"""The type of a finding in a table, for whoever reads or writes one without looking for any."""

import pyarrow as pa

FINDING = pa.struct(
    [
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("type", pa.string()),
        ("score", pa.float32()),
        ("action", pa.string()),
        ("hash", pa.string()),
    ]
)
"""One finding in a list column: UTF-8 byte range of the extracted text, entity type, the recognizer's score from 0 to
1, what was done, and audit.keyed_hash of the value, null without a key."""
LEAST_KEY = 16
"""Bytes of a key. With a shorter one, or none, whoever has the ledger could try all telephone numbers."""
