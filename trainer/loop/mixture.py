"""The mixture that a training reads: one that was written, or one that is made now, from a YAML file or of several
runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.outlook import Material
from gristmill.tokenizer.mixing.pool import Pool, Run, open_runs
from gristmill.tokenizer.mixing.recipe import parse, read_mix
from gristmill.tokenizer.mixing.written import CARD, Mix, key_of, open_mix, write_mix
from gristmill.tokenizer.sampling import TRAIN, VALIDATION
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.devices.world import World, together
from gristmill.trainer.errors import ConfigError

FOLDER = "mix"
"""Of mixtures, in a run directory."""


@dataclass(frozen=True)
class Mixture:
    """An opened mixture, and the splits as it has packed them."""

    mix: Mix
    runs: list[Run]
    train: Corpus
    validation: Corpus | None


def open_mixture(paths: Sequence[Path], named: str, world: World, *, verify: bool) -> Mixture:
    """`named`: a written mixture's folder, or its name in the first run; a YAML file; "": everything once. What is not
    yet written is, into the first run, by the first rank. Raises ConfigError. All ranks must call it."""
    with _said_by_the_trainer():
        runs = open_runs(paths)
    folder = together(world, lambda: _folder(paths[0], runs, named, make=world.first))
    # One rank of each host verifies; where it finds damage, all must hear of it.
    mix = together(world, lambda: _opened(folder, runs, verify=verify and world.local_rank == 0))
    index = runs[0].index
    train = Corpus.mixed(index, Pool(runs, TRAIN).shards, mix.rows, mix.folder / CARD)
    held = Pool(runs, VALIDATION)
    validation = Corpus.mixed(index, held.shards, mix.validation, mix.folder / CARD) if len(held) else None
    return Mixture(mix, runs, train, validation)


@contextmanager
def _said_by_the_trainer() -> Iterator[None]:
    """What is wrong with a mixture, as an error of the trainer's, which `together` tells to all ranks."""
    try:
        yield
    except MixError as error:
        raise ConfigError(error.what, where=error.where, fix=error.fix) from error


@_said_by_the_trainer()
def _opened(folder: Path, runs: list[Run], *, verify: bool) -> Mix:
    return open_mix(folder, runs, verify=verify)


@_said_by_the_trainer()
def _folder(run: Path, runs: list[Run], named: str, *, make: bool) -> Path:
    """Where the mixture lies, written if need be."""
    for folder in (Path(named), run / FOLDER / named) if named else ():
        if (folder / CARD).exists():
            return folder
    asked = parse(read_mix(Path(named)) if named else {})
    stem = Path(named).stem if named else "all"
    folder = run / FOLDER / f"{stem}-{key_of(runs, asked)[:12]}"
    if make:
        write_mix(folder, Material.of(runs), asked)
    return folder
