"""What a run directory offers for training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gristmill.tokenizer.foreign.encoder import CONFIG_FILE
from gristmill.tokenizer.mixing.written import CARD, Mix
from gristmill.tokenizer.train import FOREIGN, INFO_FILE, file_of
from gristmill.trainer.checkpoint.origin import Origin, evaluation_sets, origin_of, worst
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.verify import INDEX, verify_run
from gristmill.trainer.devices.world import ALONE, World, once_per_host
from gristmill.trainer.errors import InputError
from gristmill.trainer.loop.mixture import open_mixture


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
    mix: Mix | None = None
    """What is read how often; None: everything, epoch after epoch."""


def open_data(
    run: Path, world: World = ALONE, *, verify: bool = True, others: Sequence[Path] = (), mix: str = ""
) -> TrainingData:
    """The shards, plan and tokenizer of a run directory, and of `others`. `mix`: as `TrainConfig.mix`. Raises
    InputError where something is missing or damaged, ConfigError where a mixture cannot be.

    All ranks must call it; one of each host reads all files, if `verify`.
    """
    if verify:
        for one in (run, *others):
            once_per_host(world, partial(verify_run, one))
    mixed = open_mixture([run, *others], mix, world, verify=verify) if mix or others else None
    if mixed is None:
        train = Corpus(run / INDEX, "train")
        validation = Corpus(run / INDEX, "validation") if train.split_rows.get("validation") else None
        plan, manifests = train.plan_path, []
    else:
        train, validation, plan = mixed.train, mixed.validation, mixed.mix.folder / CARD
        manifests = [one.manifest_sha256 for one in mixed.runs if one.path != run]
    kind = str(train.tokenizer.get("kind", ""))
    names = [file_of(kind), INFO_FILE]
    if kind in FOREIGN and (run / "tokenizer" / CONFIG_FILE).exists():
        names.append(CONFIG_FILE)
    try:
        tokenizer = {name: (run / "tokenizer" / name).read_bytes() for name in names}
    except FileNotFoundError as error:
        fix = "run `gristmill run` again"
        raise InputError("the run has no tokenizer", where=str(error.filename), fix=fix) from error
    sha256, vocabulary = str(train.tokenizer["sha256"]), int(train.tokenizer["vocabulary"])
    origin = origin_of(run, plan, sha256, manifests)
    for other in () if mixed is None else mixed.runs:
        found = worst(origin.contamination, evaluation_sets(other.path))
        origin = replace(origin, contamination=found)
    mixture = None if mixed is None else mixed.mix
    return TrainingData(run, train, validation, vocabulary, tokenizer, origin, mixture)
