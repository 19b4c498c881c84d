"""Whether the report that lies in a run directory is the one that would be written again."""

import hashlib
import json
from typing import Any

from gristmill.pipelines.storage.layout import MANIFEST, PAGE, REPORT
from gristmill.pipelines.storage.store import Store

TRAININGS = "train/*/metrics.jsonl"


def described(store: Store, code: str, reference: str = "") -> dict[str, Any] | None:
    """What a report was made from, and its files' bytes; None where there is none, or on an object store.

    code: version of what makes reports; reference: what tells of the run that it is compared with. Times are left out:
    the report of a run that had nothing to do is the one of the run that did it.
    """
    if store.local is None or not (store.exists(MANIFEST) and store.exists(PAGE) and store.exists(REPORT)):
        return None
    trainings = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in store.local.glob(TRAININGS)]
    made_from = [store.read_bytes(MANIFEST).decode(), code, reference, sorted(trainings)]
    key = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    return {"made_from": key, PAGE: store.sha256(PAGE), REPORT: store.sha256(REPORT)}
