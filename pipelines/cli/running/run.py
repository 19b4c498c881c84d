"""gristmill run RECIPE: do what the recipe says, or continue where an earlier run stopped."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from gristmill.filters.names import nearest
from gristmill.pipelines.cli.running.lineage import OPENLINEAGE_HELP, RunEvents
from gristmill.pipelines.cli.terminal.live import ProgressView
from gristmill.pipelines.cli.terminal.output import err, human_bytes, note, out, say_error, warn
from gristmill.pipelines.cli.terminal.usage import dashed
from gristmill.pipelines.cli.training.watch import check_target, hand_over
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, inert
from gristmill.pipelines.processes.lifetime import SCRATCH
from gristmill.pipelines.recipe.glance import name_of
from gristmill.pipelines.recipe.sizes import parse_bytes, parse_share
from gristmill.pipelines.run.progress import Progress
from gristmill.pipelines.run.request import STAGES, Request
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.layout import LOG, PAGE, REPORT, STATE
from gristmill.pipelines.storage.rundir import check_folder
from gristmill.pipelines.storage.store import Store

BEAM_ARGS = {"allow_extra_args": True}
"""What stands behind `--` goes to Beam; an unknown option before it is an error, with the nearest there is."""
KEEPS_MEMORY = {"MIMALLOC_PURGE_DELAY": "10000"}
"""Arrow's allocator gives memory back after ten seconds instead of ten milliseconds: between two batches it is needed
again, and the system clears every page that it hands out. What a user has set goes before."""
POLL_SECONDS, REMOTE_POLL_SECONDS = 0.5, 3.0
"""A look at an object store is some requests, and those cost time and money."""
TELLING = 100_000
"""Bytes of input: a smaller sample is all start and overhead, and these do not grow with the input."""
LOG_SHOWN = 4000
"""Characters of a log that can be kept nowhere."""


def run(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.")],
    out_folder: Annotated[
        str | None,
        typer.Option("--out", help="Run directory: a folder, s3://, gs://... [default: runs/NAME, NAME the recipe's]"),
    ] = None,
    runner: Annotated[
        str, typer.Option(help="Where it runs: local, spark, flink, dataflow, fnapi, portable.")
    ] = "local",
    workers: Annotated[int, typer.Option(min=0, help="Processes of the local runner; 0: one per core.")] = 0,
    memory: Annotated[
        str | None,
        typer.Option(help="What all workers of the local runner may take together, such as 8GB. [default: no limit]"),
    ] = None,
    disk: Annotated[
        str | None,
        typer.Option(help="What the local runner may keep between stages, such as 100GB. [default: all free space]"),
    ] = None,
    until: Annotated[str, typer.Option(help=f"Stop after a stage: {', '.join(STAGES)}.")] = STAGES[-1],
    sample: Annotated[str, typer.Option(help="Share of documents, chosen by hash of doc_id, such as 1%.")] = "100%",
    break_lock: Annotated[
        bool,
        typer.Option("--break-lock", help="Take the lock of a run on an object store, whoever holds it."),
    ] = False,
    then_train: Annotated[
        str | None, typer.Option(help="A target: where the run ends well, what it asks for is trained.")
    ] = None,
    openlineage: Annotated[str | None, typer.Option("--openlineage", help=OPENLINEAGE_HELP)] = None,
) -> None:
    """Do what a recipe says: read, judge, deduplicate, scrub, tokenize, report.

    Run it again to continue after a stop, or after a change: only what depends on the change is done again.
    Arguments after `--` go to Beam.

        gristmill run recipe.yaml --sample 1%
    """
    if until not in STAGES:
        raise RecipeError(f"unknown stage '{until}'", where="--until", fix=nearest(until, STAGES))
    if context.args and not context.args[0].startswith("-"):
        fix = dashed(context.args[0]) or "name one recipe; arguments of Beam stand behind `--`"
        raise RecipeError(f"unexpected argument '{context.args[0]}'", where="gristmill run", fix=fix)
    request = Request(
        recipe,
        _folder(recipe) if out_folder is None else out_folder,
        runner=runner,
        workers=workers,
        memory=_size(memory, "--memory"),
        disk=_size(disk, "--disk"),
        until=until,
        sample=_share(sample),
        beam_args=tuple(context.args),
        break_lock=break_lock,
    )
    if then_train is not None and (code := check_target(then_train)):
        raise typer.Exit(code)
    code = supervise(request, openlineage)
    if code:
        raise typer.Exit(code)
    if then_train is not None:
        hand_over("watch", str(request.out), "--launch", then_train, "--once")


def _folder(recipe: Path) -> Path:
    """runs/NAME, NAME the recipe's. Raises RecipeError for a recipe that has none."""
    name = name_of(recipe)
    if name is None:
        from gristmill.pipelines.recipe.load import load  # half a second, for what is wrong with it

        name = load(recipe).recipe.name
    return Path("runs") / name


def _size(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        size = int(parse_bytes(text))
    except ValueError as error:
        raise RecipeError(str(error), where=option, fix=f"for example {option} 8GB") from None
    if size < 1:
        raise RecipeError(f"'{text}' is no budget", where=option, fix=f"for example {option} 8GB")
    return size


def _share(text: str) -> float:
    if text.strip() == "1":
        raise RecipeError("'1' may mean all documents or one in a hundred", where="--sample", fix="write 1% or 100%")
    try:
        share = float(parse_share(text))
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise RecipeError(f"'{text}' is not a share of the documents", where="--sample", fix="write 1% or 0.01")
    return share


def supervise(request: Request, openlineage: str | None = None) -> int:
    """Start the process that does the run, show its progress, say how it ended. Returns the exit code.

    openlineage: who gets events (`run.lineage`).

    Raises RecipeError, with nothing written, for a folder that holds something else than a run.
    """
    request = replace(request, asked=time.time())
    store = Store.at(request.out)
    check_folder(store)
    events = RunEvents(request, store, openlineage)
    # A killed worker's job server may still be leaving; it removes its own folder.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        errors, log_path = Path(scratch) / "error", Path(scratch) / LOG
        command = [sys.executable, "-m", "gristmill.pipelines.run.worker", request.to_json(), scratch]
        with log_path.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we hand it on exactly once.
            streams: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL}
            worker = subprocess.Popen(command, **streams, start_new_session=True, env={**KEEPS_MEMORY, **os.environ})
            events.start()
            try:
                code = _watch(worker, store, events)
            except KeyboardInterrupt:
                code = _stop(worker)
        _sweep(store, worker.pid)
        if not log_path.exists() and store.local is not None:
            log_path = store.local / LOG
        lost = keep_log(store, log_path)
        events.end(code, errors.read_text(encoding="utf-8") if errors.exists() else _ended(code), worker.pid)
        if code != Exit.INTERRUPTED:
            _say_reported(request, store, worker.pid)
        if code == Exit.INTERRUPTED:
            note(f"stopped; what is finished is kept, and the same command goes on from there ({request.out})")
        elif code != Exit.OK:
            message = errors.read_text(encoding="utf-8") if errors.exists() else _ended(code)
            say_error(message)
            if code == Exit.BUG or code < 0:
                for line in (lost or f"the log: {log_path if store.local is not None else store.url(LOG)}").split("\n"):
                    note(line)
    return code if code >= 0 else Exit.BUG


def _sweep(store: Store, pid: int) -> None:
    """Remove what lay between the stages of a process that was killed; one that ends by itself has done so."""
    for folder in store.local.glob(f"_work/tmp/{SCRATCH}{pid}-*") if store.local is not None else ():
        shutil.rmtree(folder, ignore_errors=True)


def keep_log(store: Store, file: Path) -> str:
    """Take credentials out of the log; put it with the run where that is on an object store, behind earlier ones.

    Returns what to show where it cannot be kept: why, and its end.
    """
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    if not text:
        return ""
    # What it quotes may be looked at in a terminal.
    if (clean := "\n".join(map(inert, redacted(text).split("\n")))) != text:
        file.write_text(clean, encoding="utf-8")
    shown = f"its end:\n{clean[-LOG_SHOWN:]}"
    if store.local is not None:
        return "" if file.parent == store.local else f"the run had not begun, so its log is not kept; {shown}"
    try:
        earlier = store.read_bytes(LOG) if store.exists(LOG) else b""
        store.write_bytes(LOG, earlier + clean.encode())
    except GristmillError as error:
        return f"the log cannot be put there: {error.what}; {shown}"
    return ""


def _watch(worker: subprocess.Popen, store: Store, events: RunEvents) -> int:
    progress, next_look = Progress(store), 0.0
    said: set[str] = set()
    with ProgressView(err) as view:
        while not _ended_within(worker, POLL_SECONDS):
            if store.local is None and time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + REMOTE_POLL_SECONDS
            if state := _state(store, worker.pid):
                with contextlib.suppress(GristmillError):
                    view.show(progress.poll() if view.due else [])
                _note(state, said)
                events.running(state)
        _note(_state(store, worker.pid), said)
        if worker.returncode == Exit.OK and view.due:
            view.show(progress.poll())
    return worker.returncode


def _state(store: Store, pid: int) -> dict[str, Any]:
    """run.json of this very process; empty before it has written one.

    Also where the store does not answer: the process meets that itself, and says so.
    """
    with contextlib.suppress(GristmillError):
        state = store.read_sealed(STATE) or {}
        return state if state.get("pid") == pid else {}
    return {}


def _ended_within(worker: subprocess.Popen, seconds: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.wait(seconds)
    return worker.returncode is not None


def _note(state: dict, said: set[str]) -> None:
    """Say once what is doubtful, what the recipe changes, what the runner tells, and what a cluster waits for."""
    told = [text for text in (*state.get("changes", ()), state.get("note"), state.get("waiting")) if text]
    for text, say in [*((text, warn) for text in state.get("notes", ())), *((text, note) for text in told)]:
        if text not in said:
            said.add(text)
            say(text)


def _stop(worker: subprocess.Popen) -> int:
    """Interrupt the worker and give it time to leave; a second Ctrl-C kills it."""
    worker.send_signal(signal.SIGINT)
    try:
        worker.wait(timeout=30)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    return Exit.INTERRUPTED


def _ended(code: int) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"the worker process {how}\n  where: this run\n  fix:   run the same command again: finished units are kept"


def _say_reported(request: Request, store: Store, pid: int) -> None:
    """The figures and the page of what is finished, where the process came that far."""
    state = _state(store, pid)
    if not state.get("reported"):
        return
    if state.get("unchanged"):
        note("nothing was left to do: the report is the one of the run that did it")
    from gristmill.pipelines.report.terminal import terminal_summary

    page = Path(request.out) / PAGE if store.local is not None else store.url(PAGE)
    report: Any = json.loads(store.read_bytes(REPORT), object_hook=lambda fields: SimpleNamespace(**fields))
    out.print(terminal_summary(report))
    note(f"run directory: {request.out} ({human_bytes(store.size())})")
    out.print(f"report: {page}", soft_wrap=True)
    if request.sample < 1 and "measured" in state:
        _say_forecast(store, state)
    if store.local is None:
        note(f"to look at it: gristmill report {request.out} --save report.html")


def _say_forecast(store: Store, state: dict[str, Any]) -> None:
    """What the whole will take, from a run over a sample."""
    from gristmill.pipelines.cli.terminal.forecast import outlook
    from gristmill.pipelines.run.capacity.forecast import Measured, forecast
    from gristmill.pipelines.storage.plan_file import read_plan

    units = [(unit.source, unit.bytes) for unit in read_plan(store)]
    measured = Measured.from_json(state["measured"])
    if measured.share * sum(size for _, size in units) < TELLING:
        note("a sample so small does not tell what the whole will take: `gristmill validate` measures that")
        return
    found = forecast(measured, units)
    out.print(outlook(found, state["workers"] or len(os.sched_getaffinity(0)), store.local is None))
