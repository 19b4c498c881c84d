"""What a job on Dataflow costs: before it from a forecast, after it from the accounts of its receipts.

Prices are a table with a date (`dataflow_prices.json`), or one of the user's own. Counted are cores and their memory
while they work, the workers' disks, what the service shuffles, requests and storage. Not counted: machines while they
start or have nothing to do at a stage's end (a few minutes of each machine), the network between regions, taxes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.run.capacity.forecast import REQUESTS_EACH, REQUESTS_ONCE, Forecast

PRICES = Path(__file__).with_name("dataflow_prices.json")
GB = 1e9
WRITES = 0.5
"""Share of the requests that write or list: receipts, marks, parts (docs/running.md, Costs)."""


@dataclass(frozen=True)
class Machine:
    """What workers are: absent values are the service's own."""

    machine_type: str | None = None
    disk_size_gb: int | None = None
    flexrs_goal: str | None = None


@dataclass(frozen=True)
class Use:
    """What a job takes. core_seconds: of work; shuffled, stored: bytes; requests: of Cloud Storage."""

    core_seconds: float
    shuffled: float
    stored: float
    requests: int


@dataclass(frozen=True)
class Item:
    """One line of a bill: so much of something, and its price."""

    name: str
    amount: float
    unit: str
    price: float


@dataclass(frozen=True)
class Bill:
    """total: without what the run directory costs in each month that it is kept. prices: the date of their table."""

    items: tuple[Item, ...]
    total: float
    each_month: float
    core_hours: float
    currency: str
    prices: str

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def read_prices(file: Path = PRICES) -> dict[str, Any]:
    """A table of prices. Raises InputError for one that lacks something or is none."""
    needed = json.loads(PRICES.read_bytes())
    try:
        found = json.loads(file.read_bytes())
        wrong = [name for name, value in needed.items() if type(found.get(name)) not in (type(value), int)]
    except (OSError, ValueError, AttributeError) as error:
        what = f"the prices cannot be read ({type(error).__name__})"
        raise InputError(what, where=str(file), fix=f"start from a copy of {PRICES}") from None
    if wrong:
        raise InputError(f"the prices lack {', '.join(wrong)}", where=str(file), fix=f"start from a copy of {PRICES}")
    return found


def bill(use: Use, machine: Machine, prices: Mapping[str, Any]) -> Bill:
    """What a use costs. Raises RecipeError for a kind of machine that the table does not know."""
    hours = use.core_seconds / 3600
    kind = machine.machine_type or prices["machine"]["type"]
    memory = hours * memory_of(kind, prices)
    cores = int(found[1]) if (found := re.search(r"-(\d+)$", kind)) else 1
    disk = hours / cores * (machine.disk_size_gb or prices["machine"]["disk_gb"])
    flexrs = "flexrs_" if machine.flexrs_goal == "COST_OPTIMIZED" else ""
    writes = use.requests * WRITES
    asked = writes * prices["write_request"] + (use.requests - writes) * prices["read_request"]
    items = (
        Item("cores", hours, "core-hours", hours * prices[f"{flexrs}core_hour"]),
        Item("memory", memory, "GB-hours", memory * prices[f"{flexrs}gb_hour"]),
        Item("disks", disk, "GB-hours", disk * prices["disk_gb_hour"]),
        Item("shuffled", use.shuffled / GB, "GB", use.shuffled / GB * prices["shuffled_gb"]),
        Item("requests", use.requests, "", asked),
    )
    total, kept = sum(item.price for item in items), use.stored / GB * prices["stored_gb_month"]
    return Bill(items, total, kept, hours, prices["currency"], str(prices["as_of"]))


def memory_of(machine_type: str, prices: Mapping[str, Any]) -> float:
    """GB for each core. n2-highmem-8 -> that of `n2-highmem`, or else of `highmem`."""
    family = machine_type.rpartition("-")[0] or machine_type
    for name in (family, family.partition("-")[2]):
        if name in prices["gb_per_core"]:
            return float(prices["gb_per_core"][name])
    known = ", ".join(prices["gb_per_core"])
    fix = f"add it to `gb_per_core` of a table of your own (--prices); known: {known}"
    raise RecipeError(f"the prices do not know the machine type '{machine_type}'", where="--machine_type", fix=fix)


def use_of_forecast(found: Forecast) -> tuple[Use, Use, Use]:
    """(at least, likely, at most), before a job."""
    low, likely, high = (
        Use(getattr(found.core_seconds, at), getattr(found.shuffled, at), getattr(found.disk, at), found.requests)
        for at in ("low", "likely", "high")
    )
    return low, likely, high


def cost_of_run(state: Mapping[str, Any], shuffled: float, stored: float) -> Bill:
    """After a job, from run.json, at our prices. Of a machine type that they do not know, as of the service's own."""
    prices = read_prices()
    known = Machine(**{name: state["dataflow"].get(name) for name in ("machine_type", "disk_size_gb", "flexrs_goal")})
    use = use_of_stages(state["stages"], shuffled, stored)
    try:
        return bill(use, known, prices)
    except RecipeError:
        return bill(use, replace(known, machine_type=None), prices)


def use_of_stages(stages: Sequence[Mapping[str, Any]], shuffled: float, stored: float) -> Use:
    """After a job, from its stages as run.json has them. A core is paid for while it waits for a store, too: so time
    counts, not CPU time."""
    requests = REQUESTS_ONCE + REQUESTS_EACH * sum(stage["units"] for stage in stages)
    return Use(sum(stage["seconds"] for stage in stages), shuffled, stored, requests)
