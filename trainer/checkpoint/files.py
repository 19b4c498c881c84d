"""The files of checkpoints: where they are, and whether they still are what was written.

    train/NAME/step-000300/manifest.json   {"files": {path: sha256}, "sha256": that of "files"}   written last

Nothing here needs torch, so `verify` starts at once.
"""

import hashlib
import json
import re
from pathlib import Path

from gristmill.tokenizer.shards.arrow_file import to_disk
from gristmill.trainer.data.hashes import described, faults, sha256_of
from gristmill.trainer.errors import InputError

FORMAT = "gristmill-checkpoint-3"
MANIFEST, STATE = "manifest.json", "state.json"
PREFIX = "step-"
TENSORS = ".safetensors"


def step_of(checkpoint: Path) -> int:
    """The step that a checkpoint's folder is named by; -1 if it has another name."""
    found = re.fullmatch(PREFIX + r"(\d+)", checkpoint.name)
    return int(found[1]) if found else -1


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints of a training, oldest first. A folder has such a name only when it is complete."""
    found = [path for path in folder.glob(f"{PREFIX}*") if step_of(path) >= 0 and path.is_dir()]
    return sorted(found, key=step_of)


def locate(path: Path) -> Path:
    """A checkpoint's folder, or of a training's folder the last checkpoint. Raises InputError."""
    if path.is_dir() and (step_of(path) >= 0 or (path / STATE).exists()):
        return path
    if not (found := checkpoints_in(path)):
        raise InputError(
            "no checkpoint here",
            where=str(path),
            fix="name a folder step-NNNNNN, or a training directory RUN/train/NAME that has one",
        )
    return found[-1]


def seal(folder: Path) -> None:
    """Writes the manifest of what is in the folder, and returns when all of it is on disk."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    (folder / MANIFEST).write_bytes(_rendered(sha256_of(folder, names)))
    for path in [*folder.rglob("*"), folder]:
        to_disk(path)


def verify(checkpoint: Path) -> list[str]:
    """Reads every file and compares it with the manifest; their paths. Raises InputError that names all that differ."""
    names, found = _examined(checkpoint)
    if not found or MANIFEST in found:
        _refuse_other_format(checkpoint)
    if found:
        raise InputError(
            f"the checkpoint is damaged: {described(found)}", where=str(checkpoint), fix=_instead_of(checkpoint)
        )
    return names


def _rendered(files: dict[str, str]) -> bytes:
    """The manifest. It has one spelling, so that a byte of its own that changed is seen too."""
    own = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    return (json.dumps({"files": files, "sha256": own}, indent=1, sort_keys=True) + "\n").encode()


def _examined(checkpoint: Path) -> tuple[list[str], dict[str, str]]:
    """(paths of all its files, path -> what is wrong)."""
    try:
        raw = (checkpoint / MANIFEST).read_bytes()
        files = json.loads(raw)["files"]
        sound = _rendered(files) == raw
    except FileNotFoundError:
        return [], {MANIFEST: "is missing"}
    except (OSError, ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        return [], {MANIFEST: "has other bytes than were written"}
    # DCP reads whatever tensors lie in a folder, so one too many would be used.
    there = {path.relative_to(checkpoint).as_posix() for path in checkpoint.rglob(f"*{TENSORS}")}
    foreign = dict.fromkeys(sorted(there - files.keys()), "is not in its manifest")
    return [*files, MANIFEST], faults(checkpoint, files) | foreign


def _refuse_other_format(checkpoint: Path) -> None:
    """What another version wrote is not called damaged; the first ones wrote no manifest."""
    try:
        found = json.loads((checkpoint / STATE).read_bytes())["format"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if found != FORMAT:
        raise InputError(
            f"the checkpoint cannot be read: its format is {found!r}, expected {FORMAT!r}",
            where=str(checkpoint),
            fix="use the version of gristmill that wrote it, or train again",
        )


def _instead_of(checkpoint: Path) -> str:
    """What to do without it. Nothing is chosen for the user: an earlier one means steps done again."""
    earlier = [path for path in checkpoints_in(checkpoint.parent) if step_of(path) < step_of(checkpoint)]
    if not earlier:
        return "restore its files from a copy, or train again: no earlier checkpoint is kept"
    last, steps = earlier[-1], step_of(checkpoint) - step_of(earlier[-1])
    return (
        f"restore its files from a copy, or use {last.name}; to train on from there, move {checkpoint.name} away and "
        f"--resume: {steps:,} steps are then done again"
    )
