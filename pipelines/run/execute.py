"""Does a run: plan, build the graph, run it, reconcile, publish the manifest, write the report. No threads."""

import contextlib
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import Any

import apache_beam as beam

from gristmill.pipelines.errors import DamageError, GristmillError, RecipeError, RunnerError, causes, refusal, utf8_text
from gristmill.pipelines.processes.aside import Aside, here, in_child
from gristmill.pipelines.processes.collection import no_collection
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.doubts import doubts
from gristmill.pipelines.recipe.files.keys import take_key
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.records.accounts import Accounts, reconcile
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt, total
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.report.alarms.gates import gate_error, gates_of
from gristmill.pipelines.report.alarms.reference import read_reference, reference_place, reference_sign
from gristmill.pipelines.report.build import write_report
from gristmill.pipelines.report.kept import described
from gristmill.pipelines.run.capacity.bottleneck import Facts, bottlenecks, tasks_of
from gristmill.pipelines.run.capacity.cloud_cost import cost_of_run
from gristmill.pipelines.run.capacity.forecast import Measured, Search
from gristmill.pipelines.run.capacity.measured import measure
from gristmill.pipelines.run.changes import changes
from gristmill.pipelines.run.earlier import find_earlier, forget_earlier, note_measured
from gristmill.pipelines.run.graph import build
from gristmill.pipelines.run.inputs.places import check_places
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.job import Job, make_job
from gristmill.pipelines.run.keys import code_version
from gristmill.pipelines.run.outcome import emptiness, whole_stages
from gristmill.pipelines.run.published import manifest
from gristmill.pipelines.run.request import DECIDING, STAGES, Request
from gristmill.pipelines.run.standing import all_standing, read_standing, standing_receipts
from gristmill.pipelines.runners.budget import Budget
from gristmill.pipelines.runners.local.runner import LocalRunner
from gristmill.pipelines.runners.options import Chosen, choose
from gristmill.pipelines.runners.orphans import end_orphan
from gristmill.pipelines.runners.remote_job import JobRunner
from gristmill.pipelines.stages.preload import nothing_compiled, preload
from gristmill.pipelines.stages.tokenizer import sample_bytes
from gristmill.pipelines.storage.addresses import is_remote, redacted
from gristmill.pipelines.storage.addresses import load as load_protocol
from gristmill.pipelines.storage.layout import MANIFEST, NOTES, RECIPE, STATE
from gristmill.pipelines.storage.models import fetch, keep
from gristmill.pipelines.storage.plan_file import write_plan
from gristmill.pipelines.storage.receipt_book import read_receipt, write_note
from gristmill.pipelines.storage.rundir import claim, locked, now, update_state
from gristmill.pipelines.storage.store import Store

SMALL = 8_000_000
"""Bytes of an input that is not worth sharing among workers."""
COMPILES = "compiling the loops of this recipe, once on this machine: a minute of a core"
REPORT_CODE = ("pipelines/report", "pipelines/storage/ledger.py")


def execute(request: Request, begun: Callable[[Store], None] = lambda store: None) -> dict[str, Any]:
    """Do a run, or continue it. Returns the manifest; of a job that is only written down (a template), the state.
    `begun` is told when the run directory is ours.

    Raises GristmillError for everything that a user can mend; whatever is on disk then is consistent, and the same
    command goes on from there.
    """
    store = Store.at(request.out)
    budget = Budget(request.memory, request.disk)
    scratch = store.local / "_work" / "tmp" if store.local is not None else None
    chosen = choose(request.runner, request.workers, request.beam_args, scratch, budget)
    loaded = load(request.recipe, fetch)
    check(loaded)
    take_key(loaded)
    if isinstance(chosen.runner, JobRunner):
        if not chosen.runner.shares_this_machine:
            check_places(loaded, store, request.runner)
        chosen.runner.check_access()
    aside, pid = aside_of(store, loaded, chosen), os.getpid()
    try:
        aside(lambda: claim(store))
    except OSError as error:
        raise refusal(error, "the run directory") from error
    begun(store)
    with locked(store, aside, request.break_lock) as told:
        chosen = replace(chosen, note="; ".join(filter(None, (told, chosen.note))))
        job, units = aside(lambda: _prepare(store, loaded, request, chosen, pid))
        try:
            shuffled = 0
            if job.units and not aside(lambda: _stands(job, units)):
                shuffled = run_graph(job, chosen)
                if isinstance(chosen.runner, JobRunner) and chosen.runner.detached:
                    return update_state(store, status="written down", note=chosen.note)
            document = aside(lambda: _publish(job, units, collect(job, units), shuffled))
        except BaseException as error:
            if empty := aside(partial(_give_up, job, units, error, request.asked)):
                raise empty from error
            raise
        forked = isinstance(chosen.runner, LocalRunner) and aside is here and job.input_bytes > SMALL
        workers = chosen.workers if forked else 1
        if wrong := aside(lambda: _conclude(job, document, request.asked, workers)):
            raise wrong
        return document


def aside_of(store: Store, loaded: LoadedRecipe, chosen: Chosen) -> Aside:
    """Only the local runner forks, and only clients of stores have threads. Their packages are loaded once, here."""
    paths = [path for source in loaded.recipe.sources.values() for path in source.paths]
    addresses = [address for address in (store.root, *paths) if is_remote(address)]
    for address in addresses:
        load_protocol(address, "the recipe's sources")
    return in_child if addresses and isinstance(chosen.runner, LocalRunner) else here


def _prepare(store: Store, loaded: LoadedRecipe, request: Request, chosen: Chosen, pid: int) -> tuple[Job, list[Unit]]:
    end_orphan(store)
    store.prepare()
    reference = _reference(store, loaded)
    notes = doubts(loaded)
    units = plan_units(loaded, loaded.recipe.plan.unit_bytes, notes)
    job = make_job(loaded.recipe, units, store, request.sample, last_stage(loaded, request.until))
    job = replace(job, decided=job.stored_decisions(units), earlier=find_earlier(job))
    _begin(job, loaded, units, request, chosen, pid, notes, reference)
    return job, units


def _conclude(
    job: Job, document: dict[str, Any], asked: float | None, workers: int = 1, **state: Any
) -> GristmillError | None:
    """Write the report of what was published, by so many workers. Gives the error of a run that holds nothing, or fails
    its gates."""
    known = update_state(job.store, **{"status": "finished", "finished": now(), **state})
    before = known.get("report")
    code = code_version(REPORT_CODE)
    sign = reference_sign(known.get("reference"))
    unchanged = not state and before is not None and before == described(job.store, code, sign)
    if not unchanged:
        write_report(job.store, asked, workers)
    update_state(job.store, reported=True, unchanged=unchanged, report=described(job.store, code, sign))
    empty = emptiness(job, Accounts.from_json(document["accounts"]))
    if empty or state:  # a run that failed has an error already
        return empty
    return gate_error(job.store, gates_of(job.store, job.recipe.gates))


def _give_up(job: Job, units: list[Unit], error: BaseException, asked: float | None) -> GristmillError | None:
    """Publish and report the stages that are whole when one fails; an interrupted run leaves its receipts only."""
    interrupted = any(isinstance(cause, KeyboardInterrupt) for cause in causes(error))
    # A full disk or a store out of reach must not hide why the run stopped.
    with contextlib.suppress(OSError, GristmillError):
        job.store.clear_scratch()  # on a full disk, room to say so
        update_state(job.store, status="interrupted" if interrupted else "failed", finished=now())
        part = None if interrupted else whole_stages(job, units)
        if part is not None:
            known = next((cause.what for cause in causes(error) if isinstance(cause, GristmillError)), "a bug")
            document = _publish(part[0], units, part[1])
            return _conclude(part[0], document, asked, status="failed", error=redacted(known))
    return None


def last_stage(loaded: LoadedRecipe, until: str) -> str:
    """A recipe without a tokenizer ends with the text."""
    return "text" if loaded.recipe.tokenizer is None and STAGES.index(until) > STAGES.index("text") else until


def _begin(
    job: Job, loaded: LoadedRecipe, units: list[Unit], request: Request, chosen: Chosen, pid: int, notes: list[str],
    reference: str | None,
) -> None:  # fmt: skip
    store = job.store
    before: dict[str, Any] = {}
    with contextlib.suppress(DamageError):
        before = store.read_sealed(STATE) or {}
    changed = changes(store, job, before)
    store.delete(MANIFEST)  # what lies there is about to change; until the end only receipts are to be trusted
    store.delete(NOTES)
    lay_out(job, units)
    note_measured(job)
    store.write_bytes(RECIPE, dump(loaded.recipe).encode())
    state = {
        "status": "running",
        "recipe": loaded.recipe.name,
        "recipe_file": utf8_text(str(loaded.file)),
        "started": now(),
        "runner": request.runner,
        "workers": chosen.workers,
        "note": chosen.note,
        "notes": notes,
        "host": platform.node(),
        "pid": pid,
        "until": job.until,
        "sample": job.sample,
        "units": len(units),
        "input_bytes": job.input_bytes,
        "books": {stage: job.books[stage].folder for stage in job.stages},
        "changes": changed,
        "reference": reference,
        "report": before.get("report"),
        "dataflow": before.get("dataflow"),
    }
    store.write_sealed(STATE, state)


def lay_out(job: Job, units: list[Unit]) -> None:
    """Put what workers read of a job into its run directory: the plan, plugins, models."""
    write_plan(job.store, units)
    for plugin in job.recipe.plugins:
        if plugin.source:
            job.store.write_bytes(plugin.kept_as, plugin.source.encode())
    keep(job.store, job.recipe)


def _reference(store: Store, loaded: LoadedRecipe) -> str | None:
    """Where the run lies that this one is compared with. Raises RecipeError for this very run, InputError for one that
    cannot be read."""
    named = loaded.recipe.alarms.reference
    if named is None:
        return None
    place = reference_place(named, loaded.folder)
    if Store.at(place).root == store.root:
        fix = "name another run; copy this one's folder to keep it as the reference"
        raise RecipeError("a run cannot be compared with itself", where=loaded.where("alarms", "reference"), fix=fix)
    read_reference(place)
    return place


def _stands(job: Job, units: list[Unit]) -> bool:
    """Whether nothing is left to do."""
    return all_standing(job, units) is not None


def run_graph(job: Job, chosen: Chosen) -> int:
    """Do what is left of a job. Returns how many bytes lay between its stages; 0 where the runner does not say.

    Raises RunnerError, and what the stages raise.
    """
    if cold := nothing_compiled():
        update_state(job.store, waiting=COMPILES)
    with no_collection():
        preload(job.recipe)
    if cold:
        update_state(job.store, waiting=None)
    if isinstance(chosen.runner, JobRunner):
        chosen.runner.store = job.store
    if isinstance(chosen.runner, LocalRunner):
        chosen.runner.at_once = job.units == 1 and job.input_bytes <= SMALL
    pipeline = beam.Pipeline(runner=chosen.runner, options=chosen.options)
    build(pipeline, job)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state not in (None, "DONE"):
        raise RunnerError(
            f"the runner ended with state {state}",
            where=f"the job of {job.recipe.name}",
            fix="see the runner's log; the same command continues from the receipts",
        )
    return chosen.runner.spilled if isinstance(chosen.runner, LocalRunner) else 0


def collect(job: Job, units: list[Unit]) -> dict[str, list[Receipt]]:
    """The receipts that make up this run, by stage, in the order of the units; they are noted.

    Raises DamageError where one is no longer as it was written.
    """
    receipts: dict[str, list[Receipt]] = {}
    for stage, found in standing_receipts(job, units, read_standing) if units else ():
        if found is None:
            what = f"a receipt of the stage '{stage}' is gone or damaged"
            raise DamageError(what, where=job.store.root, fix=MAKE_AGAIN)
        if stage not in DECIDING:
            receipts[stage] = found
            write_note(job.store, stage, found)
    return receipts


def _publish(job: Job, units: list[Unit], receipts: dict[str, list[Receipt]], shuffled: int = 0) -> dict[str, Any]:
    """Reconcile, sweep what earlier recipes left, write the manifest last."""
    accounts: Accounts = total(receipt for stage in receipts.values() for receipt in stage)
    reconcile(accounts, job.steps)
    done = with_decisions(job, units, receipts)
    document = manifest.build(job, units, done, accounts)
    forget_earlier(job)
    manifest.publish(job, units, document, receipts)
    took = measured(job, units, done, shuffled)
    found = {"measured": took.to_json(), "bottlenecks": held_up(job, units, done)}
    state = update_state(job.store, stages=stage_times(done), **found)
    if state.get("dataflow"):
        update_state(job.store, cost=cost_of_run(state, took.between, job.store.size()).to_json())
    return document


def held_up(job: Job, units: list[Unit], receipts: dict[str, list[Receipt]]) -> list[dict[str, Any]]:
    """What held this run up, for its report."""
    state: dict[str, Any] = {}
    with contextlib.suppress(DamageError):
        state = job.store.read_sealed(STATE) or {}
    if "started" not in state:
        return []
    started, options = datetime.fromisoformat(state["started"]).timestamp(), job.recipe.tokenizer
    paths = [job.store.root, *(path for source in job.recipe.sources.values() for path in source.paths)]
    facts = Facts(
        state["workers"],
        time.time() - started,
        job.recipe.plan.unit_bytes,
        job.input_bytes,
        sample_bytes(options) if options else 0,
        any(map(is_remote, paths)),
    )
    return [asdict(one) for one in bottlenecks(tasks_of(units, receipts, started), facts)]


def measured(job: Job, units: list[Unit], receipts: dict[str, list[Receipt]], shuffled: int) -> Measured:
    """What a job took, for a forecast of a larger one."""
    recipe = job.recipe
    limit = sample_bytes(recipe.tokenizer) if recipe.tokenizer and not recipe.taken_tokenizer else 0
    keys = recipe.deduplicate.keys if recipe.deduplicate else 0
    search = Search(keys, recipe.plan.partition_documents, sum(index.documents for index in recipe.taken_indexes))
    return measure(units, receipts, job.sample, limit, shuffled, search)


def stage_times(receipts: dict[str, list[Receipt]]) -> list[dict[str, Any]]:
    """Time and throughput of every stage, from its receipts; work that an earlier attempt did counts as well."""
    rows = []
    for stage, done in receipts.items():
        step = {"score": "read", "text": "scrub", "tokens": "encode", **dict.fromkeys(DECIDING, "read")}.get(stage, "")
        accounts = total(receipts["score"] if stage in DECIDING else done)
        entered = [account for account in accounts if account.step == step and account.outcome == "in"]
        rows.append(
            {
                "stage": stage,
                "units": len(done),
                "documents": sum(account.documents for account in entered),
                "bytes": sum(account.bytes for account in entered),
                "seconds": round(sum(receipt.seconds for receipt in done), 3),
                "cpu_seconds": round(sum(receipt.cpu_seconds for receipt in done), 3),
            }
        )
    return rows


def with_decisions(job: Job, units: list[Unit], receipts: dict[str, list[Receipt]]) -> dict[str, list[Receipt]]:
    """The receipts of DECIDING in their places: they are named by their units, so that no note lists them."""
    if "score" not in receipts:
        return receipts
    found = {}
    for stage in (stage for stage in DECIDING if stage in job.stages):
        book = job.books[stage]
        found[stage] = [read_receipt(job.store, book.path(unit.key))[0] for unit in units]
    every = {**receipts, **found}
    return {stage: every[stage] for stage in (*STAGES, *receipts) if stage in every}
