"""What a run directory offers for training."""

from dataclasses import dataclass
from pathlib import Path

from gristmill.tokenizer.train import INFO_FILE, MODEL_FILE
from gristmill.trainer.checkpoint.origin import Origin, origin_of
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.verify import INDEX, verify_run
from gristmill.trainer.devices.world import ALONE, World, once_per_host
from gristmill.trainer.errors import InputError


@dataclass(frozen=True)
class TrainingData:
    """The splits, and what they were made with."""

    run: Path
    train: Corpus
    validation: Corpus | None
    vocabulary: int
    tokenizer: dict[str, bytes]
    """Its files by name, as they were at the start: every checkpoint holds them."""
    origin: Origin


def open_data(run: Path, world: World = ALONE, *, verify: bool = True) -> TrainingData:
    """The shards, plan and tokenizer of a run directory. Raises InputError where something is missing or damaged.

    All ranks must call it; one of each host reads all files, if `verify`.
    """
    if verify:
        once_per_host(world, lambda: verify_run(run))
    train = Corpus(run / INDEX, "train")
    validation = Corpus(run / INDEX, "validation") if train.split_rows.get("validation") else None
    try:
        tokenizer = {name: (run / "tokenizer" / name).read_bytes() for name in (MODEL_FILE, INFO_FILE)}
    except FileNotFoundError as error:
        fix = "run `gristmill run` again"
        raise InputError("the run has no tokenizer", where=str(error.filename), fix=fix) from error
    sha256, vocabulary = str(train.tokenizer["sha256"]), int(train.tokenizer["vocabulary"])
    return TrainingData(run, train, validation, vocabulary, tokenizer, origin_of(run, train.plan_path, sha256))
