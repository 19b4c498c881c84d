"""When a run or a training has begun and how it ended, for whoever takes OpenLineage events."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gristmill.pipelines.cli.terminal.output import note
from gristmill.pipelines.errors import Exit, GristmillError
from gristmill.pipelines.recipe.glance import name_of
from gristmill.pipelines.run.published.lineage import Lineage, dataset, inputs_of, outputs_of
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE, STATE
from gristmill.pipelines.storage.store import Store

OPENLINEAGE_HELP = "Send OpenLineage events: http://HOST:PORT, or a file. [default: $OPENLINEAGE_URL, if it is set]"
ENDS: dict[int, str] = {Exit.OK: "COMPLETE", Exit.INTERRUPTED: "ABORT"}


class RunEvents:
    """The events of one `gristmill run`. Raises RecipeError for a target that takes none."""

    def __init__(self, request: Request, store: Store, target: str | None):
        self.store = store
        self.lineage = Lineage.to(target, name_of(request.recipe) or request.recipe.stem, note)
        self.folder, self._told = request.recipe.expanduser().absolute().parent, False

    def start(self) -> None:
        """The command has begun."""
        self.lineage.emit("START")

    def running(self, state: dict[str, Any]) -> None:
        """The run has planned its units: its inputs are known. Told once."""
        if self.lineage.send is not None and not self._told and "units" in state:
            self._told = True
            self.lineage.emit("RUNNING", self._inputs())

    def end(self, code: int, error: str, pid: int) -> None:
        """The command has ended; `error` says how, if it is wrong. pid: of the process that did the work."""
        if self.lineage.send is None:
            return
        state: dict[str, Any] = {}
        with contextlib.suppress(GristmillError):
            state = self.store.read_sealed(STATE) or {}
        ours = state.get("pid") == pid
        outputs: list[dict[str, Any]] = []
        with contextlib.suppress(GristmillError, LookupError):
            manifest = self.store.read_sealed(MANIFEST) if ours and state.get("reported") else None
            outputs = outputs_of(self.store.root, manifest["datasets"]) if manifest else []
        kind = ENDS.get(code, "FAIL")
        self.lineage.emit(kind, self._inputs() if ours else [], outputs, error if kind == "FAIL" else None)

    def _inputs(self) -> list[dict[str, Any]]:
        """The recipe's paths, and how much is read of each source."""
        import yaml

        from gristmill.pipelines.storage.plan_file import read_plan

        with contextlib.suppress(GristmillError, OSError, ValueError, LookupError, yaml.YAMLError):
            recipe = yaml.safe_load(self.store.read_bytes(RECIPE))
            sizes: dict[str, tuple[int, int]] = {}
            files: dict[str, set[str]] = {}
            for unit in read_plan(self.store):
                files.setdefault(unit.source, set()).update(split.path for split in unit.splits)
                sizes[unit.source] = (len(files[unit.source]), sizes.get(unit.source, (0, 0))[1] + unit.bytes)
            paths = {name: list(map(self._whole, one.get("paths") or [])) for name, one in recipe["sources"].items()}
            return inputs_of(paths, sizes)
        return []

    def _whole(self, path: str) -> str:
        """A path of the recipe, which starts from the recipe's folder."""
        return path if "://" in path else str(self.folder / Path(path).expanduser())


def tell_training(target: str | None, run: str, folder: Path, name: str, work: Callable[[], int]) -> int:
    """Do some training, and tell when it begins and how it ends. Returns its exit code; raises as `Lineage.to`.

    run: where it reads, a folder or an address; folder: the run directory that it writes `train/<name>` to.
    """
    lineage = Lineage.to(target, f"{folder.name}.train.{name}", note)
    inputs, outputs = [dataset(f"{run.rstrip('/')}/tokens/train")], [dataset(str(folder / "train" / name))]
    lineage.emit("START", inputs)
    code: int = Exit.BUG
    try:
        code = work()
        return code
    finally:
        kind = ENDS.get(code, "FAIL")
        error = f"the trainer ended with code {code}" if kind == "FAIL" else None
        lineage.emit(kind, inputs, outputs if kind == "COMPLETE" else [], error)
