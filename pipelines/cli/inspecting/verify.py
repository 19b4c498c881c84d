"""gristmill verify RUN or CHECKPOINT: read every file again and compare it with what was written."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out
from gristmill.pipelines.cli.training.train import call_trainer
from gristmill.pipelines.errors import Exit
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.rundir import is_run, open_run
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import FIXES, Verdict
from gristmill.pipelines.storage.verification import verify as verify_files


def verify(
    run: Annotated[str, typer.Argument(help="A run directory, or its address; a checkpoint, or a training's folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every file of a run or of a checkpoint, and compare it with the hash that was written beside it.

    Names what is damaged, missing or unexpected, and ends with 7 then (of a checkpoint, with the trainer's 3). Of a
    version that `gristmill forget` made, its proof of absence is checked, too.

        gristmill verify runs/my-corpus
    """
    if not is_run(Store.at(run)) and Path(run).is_dir():
        code = call_trainer(["verify", run, *(["--json"] if as_json else [])])
        raise typer.Exit(code)
    store = open_run(run)
    verdict = verify_files(store)
    if not verdict.faults and store.read_sealed(STATE).get("forgotten"):  # type: ignore[union-attr]
        from gristmill.pipelines.forget.proof import check  # kernels

        verdict.faults += check(store)
        note("the proof of absence was checked, too (docs/forget.md)")
    if as_json:
        faults = [{"path": fault.path, "kind": fault.kind, "fix": FIXES[fault.kind]} for fault in verdict.faults]
        record = {"run": run, "finished": verdict.finished, "files": verdict.files, "bytes": verdict.bytes}
        out.print(Text(json.dumps({**record, "faults": faults}, ensure_ascii=False, indent=1)), soft_wrap=True)
    else:
        _show(verdict)
    if verdict.faults:
        raise typer.Exit(Exit.DAMAGE)


def _show(verdict: Verdict) -> None:
    table = Table(box=None, show_header=False)
    for fault in verdict.faults:
        table.add_row(Text(fault.kind), Text(fault.path, overflow="fold"))
    if verdict.faults:
        out.print(table)
        for kind in dict.fromkeys(fault.kind for fault in verdict.faults):
            note(f"{kind}: {FIXES[kind]}")
    else:
        out.print(f"OK: {verdict.files:,} files, {human_bytes(verdict.bytes)}, every byte as it was written")
    if not verdict.finished:
        note("the run is not finished, so only its state was read: the next `gristmill run` checks the rest")
