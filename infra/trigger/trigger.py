"""One run and one target: checked, started once, found again, followed.

    train/NAME/launch/decision.json    what was checked, and what was let pass     report.json  the report of then
                      refused.json     the same of a run that was not started
                      state.json       how it is
                      try-1/turn-1.json order.json <spec> job.json begun.json ended.json log.txt

NAME ends in the manifest's hash: the same manifest is never trained on twice, a new one in a folder of its own. Killed
at any point, the next visit goes on: what is written is never written again, and what may have been started is looked
for by its name before it is started (and the job itself claims its order before it trains: infra/work).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gristmill.infra.launch.protocol import ENDED as JOB_ENDED
from gristmill.infra.launch.protocol import WAITS, Job, Launcher, State
from gristmill.infra.trigger.checks import Check, Checked, Override, check_run, manifest_of, report_of
from gristmill.infra.trigger.previous import DECISION, KEPT_REPORT, whole
from gristmill.infra.trigger.target import Target, digest_of, launcher_of, steps_of
from gristmill.infra.trigger.turns import holder, take_turn
from gristmill.infra.work.order import ENDED, LOG, Order
from gristmill.pipelines.errors import Exit, RunnerError
from gristmill.pipelines.storage.rundir import now
from gristmill.pipelines.storage.store import Store

JOB, STATE, REFUSED = "job.json", "state.json", "refused.json"
AGAIN_AFTER = (Exit.BUG, Exit.RUNNER)
"""Codes after which the same order may well succeed; what a user has to mend, and what was stopped, is not repeated."""
KILLED = 128
CHANGED = "the target has another `chain` by now: with another `name` it trains on this run again"


@dataclass(frozen=True)
class Standing:
    """How a run stands with a target."""

    state: str
    """absent, unready, refused, held, waits, runs, succeeded, failed, stopped; known: as it was."""
    said: str
    name: str = ""
    code: int = Exit.OK

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done for this manifest."""
        return self.state in ("refused", "succeeded", "failed", "stopped")


class Trigger:
    """A target, applied to runs."""

    def __init__(self, target: Target, folder: Path, overrides: Sequence[Override] = (), again: bool = False):
        """`folder`: what the target's paths start from. `again`: one more try of a training that has failed."""
        self.target, self.folder, self.overrides, self.again = target, folder, overrides, again
        self.launcher: Launcher = launcher_of(target)
        self._render_specimen()

    def visit(self, store: Store) -> Standing:
        """Do what is to be done next for what a run holds now. Raises GristmillError where it cannot be done."""
        manifest = manifest_of(store)
        if manifest is None:
            return Standing("unready", "it has no manifest yet")
        name = f"{self.target.name}-{manifest[:12]}"
        tries = _tries(store, f"train/{name}/launch")
        return self._follow(store, name, tries, manifest) if tries else self._first(store, manifest, name)

    def unfinished(self, store: Store) -> list[str]:
        """The trainings of a run that this target has started and that have not ended, of earlier manifests too."""
        ours = re.compile(re.escape(self.target.name) + "-[0-9a-f]{12}")
        names = [name for name in store.entries("train") if ours.fullmatch(name)]
        begun = [name for name in names if store.exists(f"train/{name}/launch/{DECISION}")]
        return [name for name in begun if not _noted(store, name).over]

    def follow(self, store: Store, name: str) -> Standing:
        """Do what is to be done next for a training that was started before; `visit` does it for the newest."""
        return self._follow(store, name, _tries(store, f"train/{name}/launch"), "")

    def skip(self, store: Store) -> bool:
        """Note that what a run holds now is not to be trained on; False where it has been decided already."""
        manifest = manifest_of(store)
        if manifest is None:
            return False
        folder = f"train/{self.target.name}-{manifest[:12]}/launch"
        if _tries(store, folder):
            return False
        store.create(f"{folder}/try-0/{ENDED}", b"")
        return True

    def _first(self, store: Store, manifest: str, name: str) -> Standing:
        report = report_of(store, manifest)
        if report is None:
            return Standing("unready", "its report is not written yet")
        checked = check_run(store, manifest, report, self.target.require, self.folder, self.overrides)
        folder = f"train/{name}/launch"
        if not checked.passes:
            store.write_json(f"{folder}/{REFUSED}", {"decided": now(), **checked.to_json()})
            return Standing("refused", _refusal(store, checked.failed), name, Exit.GATE)
        return self._start(store, name, 1, checked)

    def _start(self, store: Store, name: str, number: int, checked: Checked) -> Standing:
        """Start a try, or find the job that somebody started who could not note it any more."""
        folder = f"train/{name}/launch"
        place = f"{folder}/try-{number}"
        turn = take_turn(store, place)
        if turn is None:
            held = holder(store, place)
            return Standing("held", f"another watcher starts it: {held.said if held else 'just now'}", name)
        order = whole(Order.read, store, place)
        if order is None:
            if checked.report:
                store.write_json(f"{folder}/{KEPT_REPORT}", checked.report)
                decision = {"decided": now(), "target": digest_of(self.target), **checked.to_json()}
                store.write_json(f"{folder}/{DECISION}", decision)
            order = self._order(store, name, number, checked.manifest)
            order.write(store, place)
        job = self._job(store, place, order)
        spec = self.launcher.render(job)
        store.write_bytes(f"{place}/{self.launcher.spec_file}", spec.encode())
        handle = self.launcher.find(job)
        if handle is None:
            if not turn.stands():
                return Standing("held", "it took too long to come to starting it: the next visit does", name)
            handle = self.launcher.submit(job, spec)
        store.write_json(f"{place}/{JOB}", {"job": order.job, "launch": self.target.launch, "handle": handle})
        return self._note(store, folder, number, handle, Standing("waits", f"started as {order.job}", name))

    def _follow(self, store: Store, name: str, tries: list[int], manifest: str) -> Standing:
        number, folder = tries[-1], f"train/{name}/launch"
        if number == 0:
            return Standing("stopped", "it was there before the watch began (--skip-present)", name)
        place = f"{folder}/try-{number}"
        noted, order = whole(store.read_json, f"{place}/{JOB}"), whole(Order.read, store, place)
        if (known := _noted(store, name)).over and not self.again:
            changed = order is not None and order.steps != steps_of(self.target, self.folder, name)
            return replace(known, said=f"{known.said}; {CHANGED}") if changed else known
        if noted is None or order is None:
            decision = whole(store.read_json, f"{folder}/{DECISION}")
            if decision is None:
                return self._first(store, manifest, name)
            return self._start(store, name, number, Checked(decision["manifest"], [], {}))
        job, handle = self._job(store, place, order), noted["handle"]
        ended = whole(store.read_sealed, f"{place}/{ENDED}")
        state = State(JOB_ENDED) if ended is not None else self.launcher.state(job, handle)
        self._keep_log(store, place, job, handle, state)
        if state.phase != JOB_ENDED:
            doing = Standing("waits" if state.phase == WAITS else "runs", state.said, name)
            return self._note(store, folder, number, handle, doing)
        ended = ended or whole(store.read_sealed, f"{place}/{ENDED}")  # it may have come in between
        outcome, worth = _outcome(name, ended, state, f"{store.url(place)}/{LOG}")
        if outcome.state != "succeeded" and ((worth and number <= self.target.retries) or self.again):
            self.again = False
            return self._start(store, name, number + 1, Checked(order.manifest, [], {}))
        return self._note(store, folder, number, handle, outcome)

    def _order(self, store: Store, name: str, number: int, manifest: str) -> Order:
        launcher, steps = self.launcher, steps_of(self.target, self.folder, name)
        where = hashlib.sha256(f"{store.root}\0{manifest}".encode()).hexdigest()[:16]
        job = f"gristmill-{self.target.name}-{where}-{number}"
        return Order(job, manifest, steps, launcher.processes, launcher.nodes, launcher.restarts)

    def _job(self, store: Store, place: str, order: Order) -> Job:
        seen = store.root
        for here, there in self.target.paths.items():
            if seen == here.rstrip("/") or seen.startswith(f"{here.rstrip('/')}/"):
                seen = there.rstrip("/") + seen[len(here.rstrip("/")) :]
                break
        return Job(order.job, store, place, seen, order.processes, order.nodes)

    def _render_specimen(self) -> None:
        """What is wrong with the options is found before anything is watched. Raises RecipeError."""
        store = Store("gs://bucket/specimen")  # an address that every launcher can be given; nobody asks for it
        order = self._order(store, f"{self.target.name}-{'0' * 12}", 1, "0" * 64)
        self.launcher.render(self._job(store, "train/specimen/launch/try-1", order))

    def _keep_log(self, store: Store, place: str, job: Job, handle: str, state: State) -> None:
        """What only the launcher knows of the log, as long as the job has not put its own there."""
        if store.exists(f"{place}/{LOG}") and state.phase == JOB_ENDED:
            return
        try:
            said = self.launcher.log(job, handle)
        except RunnerError:  # a node that is gone took it along: how the training stands does not hang on that
            return
        if said is not None:
            store.write_bytes(f"{place}/{LOG}", said)

    def _note(self, store: Store, folder: str, number: int, handle: str, standing: Standing) -> Standing:
        known = whole(store.read_json, f"{folder}/{STATE}") or {}
        fresh: dict[str, Any] = {"state": standing.state, "said": standing.said, "code": int(standing.code)}
        fresh |= {"try": number, "handle": handle}
        if {key: known.get(key) for key in fresh} != fresh:
            store.write_json(f"{folder}/{STATE}", {**fresh, "since": now()})
        return standing


def _noted(store: Store, name: str) -> Standing:
    """As it was noted last."""
    known = whole(store.read_json, f"train/{name}/launch/{STATE}")
    known = known or {"state": "waits", "said": "", "code": 0}
    return Standing(known["state"], known["said"], name, known["code"])


def _tries(store: Store, folder: str) -> list[int]:
    names = (name.removeprefix("try-") for name in store.entries(folder) if name.startswith("try-"))
    return sorted(int(name) for name in names if name.isdecimal())


def _outcome(name: str, ended: dict[str, Any] | None, state: State, log: str) -> tuple[Standing, bool]:
    """How a try has ended, and whether another one is worth it."""
    if ended is None:
        said = f"the job is gone and has left no word: {state.said or 'nobody knows why'}; its log: {log}"
        return Standing("failed" if state.again else "stopped", said, name, Exit.RUNNER), state.again
    code = int(ended["code"])
    if code == Exit.OK:
        return Standing("succeeded", "its training has ended well", name), False
    if code == Exit.INTERRUPTED:
        said = "it was stopped; `gristmill watch RUN --launch TARGET --again` goes on from its last checkpoint"
        return Standing("stopped", said, name, code), False
    said = f"its training ended with code {code}{': ' + ended['said'] if ended['said'] else ''}; its log: {log}"
    return Standing("failed", said, name, code), code in AGAIN_AFTER or code > KILLED


def _refusal(store: Store, failed: Sequence[Check]) -> str:
    many = "a gate fails" if len(failed) == 1 else f"{len(failed)} gates fail"
    said = (check.said if check.said.startswith(check.gate) else f"{check.gate}: {check.said}" for check in failed)
    lines = "\n    ".join(said)
    options = " ".join(f"--override '{check.gate}' --reason '...'" for check in failed)
    return f"{many}:\n    {lines}\n  to train all the same: gristmill watch {store.root} --launch TARGET {options}"
