"""`_plan/units.arrow`: the planned units of a run, for whoever does them and for whoever watches."""

import json

import pyarrow as pa

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.layout import PLAN, PLAN_MARK
from gristmill.pipelines.storage.store import Store


def write_plan(store: Store, units: list[Unit]) -> None:
    """`_plan/units.arrow`: number, source, key, bytes, splits (JSON)."""
    rows = [
        {
            "number": number,
            "source": unit.source,
            "key": unit.key,
            "bytes": unit.bytes,
            "unit": json.dumps(unit.to_json()),
        }
        for number, unit in enumerate(units)
    ]
    fields = [("number", pa.int64()), ("source", pa.string()), ("key", pa.string()), ("bytes", pa.int64())]
    schema = pa.schema([*fields, ("unit", pa.large_string())], metadata=PLAN_MARK)
    with store.temporary() as scratch:
        with pa.OSFile(str(scratch), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        store.publish(scratch, PLAN)


def read_plan(store: Store) -> list[Unit]:
    """The planned units; their numbers are their positions. Raises DamageError."""
    try:
        with store.open(PLAN) as file:
            texts = pa.ipc.open_file(file).read_all()["unit"].to_pylist()
        return [Unit.from_json(json.loads(text)) for text in texts]
    except (OSError, ValueError, LookupError, TypeError) as error:  # ArrowInvalid and JSON's errors are ValueErrors
        what = f"the plan cannot be read ({type(error).__name__})"
        raise DamageError(what, where=store.url(PLAN), fix=MAKE_AGAIN) from error
