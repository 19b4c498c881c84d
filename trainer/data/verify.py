"""Whether the files that a training reads still are what the run published: token shards, plans, index, tokenizer."""

import json
from pathlib import Path
from typing import Any

from gristmill.tokenizer.shards.index import Index, read_index
from gristmill.tokenizer.train import INFO_FILE, file_of
from gristmill.trainer.data.hashes import described, faults
from gristmill.trainer.errors import InputError

INDEX = "tokens/index.json"


def verify_run(run: Path) -> None:
    """Reads all of them, before anything maps or decodes them. Raises InputError that names what is damaged.

    manifest.json vouches for the index and the plans, the index for the shards and the tokenizer. Where a run has no
    manifest (shards made by hand), the index is taken as it is and nothing vouches for the plans.
    """
    published = _published(run)
    _refuse(run, faults(run, {INDEX: published[INDEX]} if INDEX in published else {}))
    index = _read_index(run)
    file = file_of(str(index.tokenizer.get("kind", "")))
    expected = {f"tokenizer/{file}": str(index.tokenizer["sha256"])}
    for split in index.splits.values():
        expected |= {f"tokens/{shard.path}": shard.sha256 for shard in split.shards}
        plan = f"tokens/{split.plan}"
        expected |= {plan: published[plan]} if plan in published else {}
    _refuse(run, faults(run, expected) | _card_fault(run, index))


def _published(run: Path) -> dict[str, str]:
    """Path -> sha256 of every part that manifest.json lists."""
    try:
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        datasets = manifest.get("datasets", {}).values()
        return {part["path"]: part["sha256"] for dataset in datasets for part in dataset["shards"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the run's manifest cannot be read: {error}",
            where=str(run / "manifest.json"),
            fix="run `gristmill run` again: it writes the manifest anew",
        ) from error


def _read_index(run: Path) -> Index:
    path = run / INDEX
    try:
        index = read_index(path)
        str(index.tokenizer["sha256"]), int(index.tokenizer["vocabulary"])
        return index
    except FileNotFoundError as error:
        raise InputError("there are no token shards", where=str(path), fix="make them: gristmill run RECIPE") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the index of the token shards cannot be read: {error}", where=str(path), fix="run `gristmill run` again"
        ) from error


def _card_fault(run: Path, index: Index) -> dict[str, str]:
    """info.json must say what the index says of the tokenizer, in the bytes that train() writes."""
    name = f"tokenizer/{INFO_FILE}"
    try:
        raw = (run / name).read_bytes()
    except FileNotFoundError:
        return {name: "is missing"}
    return {} if raw == _as_written(index.tokenizer) else {name: f"is not what {INDEX} says of the tokenizer"}


def _as_written(card: dict[str, Any]) -> bytes:
    return (json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _refuse(run: Path, found: dict[str, str]) -> None:
    if found:
        raise InputError(
            f"the run is damaged: {described(found)}",
            where=str(run),
            fix="run `gristmill run` again: it makes anew what is not as published",
        )
