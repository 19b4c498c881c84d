"""`gristmill watch`: looks at a run, or at the runs of a folder or bucket, again and again, and says what changes.

All that it knows lies in the run directories: a watcher that was killed, or a second one, goes on from there.
"""

import contextlib
import re
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gristmill.infra.trigger.trigger import Standing, Trigger
from gristmill.infra.work.order import SCRATCH
from gristmill.pipelines.errors import Exit, GristmillError, RecipeError, explained
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.rundir import is_run
from gristmill.pipelines.storage.store import Store

EVERY, EVERY_REMOTE = 5.0, 30.0
"""Seconds between two looks; a look at an object store is some requests, and those cost time and money."""
PATIENCE = 600.0
"""The longest wait, in seconds, before something that could not be done is tried again."""
TRIES = 3
"""Of it, with --once."""

MOST_NAME = 255
"""Bytes of the name of a folder."""
_NAME = re.compile("[^/\0\ud800-\udfff]+")

Say = Callable[[str], None]


@dataclass
class Watched:
    """What a watcher remembers of a run: enough not to read again what has not changed."""

    sign: str = ""
    """Of the manifest that has been dealt with."""
    active: set[str] = field(default_factory=set)
    """Trainings that have not ended."""
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    """Exit codes of trainings that have ended; under "" of what could not be done."""
    failures: int = 0
    """In a row."""
    not_before: float = 0.0


class Watch:
    """Runs, and the trigger that is applied to each of them."""

    def __init__(self, runs: str, trigger: Trigger, say: Say, once: bool = False):
        """`once`: patience has an end. Raises RecipeError for what is neither a run nor a folder."""
        self.root, self.trigger, self.say, self.once = Store.at(runs), trigger, say, once
        self.single = is_run(self.root)
        if not self.single and self.root.local is not None and not self.root.local.is_dir():
            fix = "name a run, or the folder or bucket that runs lie in"
            raise RecipeError(f"there is no folder '{runs}'", where="gristmill watch", fix=fix)
        self.known: dict[str, Watched] = {}

    def runs(self) -> Iterator[Store]:
        """The runs that there are now."""
        if self.single:
            yield Store(self.root.root, SCRATCH)
            return
        for name in self.root.entries():
            if self.root.exists(f"{name}/{MANIFEST}") or f"{self.root.url(name)}" in self.known:
                yield Store(self.root.url(name), SCRATCH)

    def skip_present(self) -> None:
        """What is there now is not trained on."""
        for store in self.runs():
            if self.trigger.skip(store):
                self.say(f"{store.name}: skipped, it was there before")

    def look(self) -> bool:
        """Look at everything once. Whether something is still going on."""
        found: list[Store] = []
        self._attempt(self.root, "", lambda: self._list(found))
        for store in found:
            self.look_at(store)
        return any(known.active or known.not_before for known in self.known.values())

    @property
    def code(self) -> int:
        """The first exit code that is not 0, of everything that was watched."""
        return next((code for known in self.known.values() for code in known.codes.values() if code), Exit.OK)

    def look_at(self, store: Store) -> Standing:
        """Do what is to be done next for one run, and say what is new."""
        return self._attempt(store, store.root, lambda: self._look_at(store, self.known[store.root]))

    def _list(self, found: list[Store]) -> Standing:
        found.extend(self.runs())
        return Standing("known", "")

    def _attempt(self, store: Store, name: str, act: Callable[[], Standing]) -> Standing:
        """What cannot be done with one run is said and put off, whatever it is: the other runs have their turn."""
        known = self.known.setdefault(name, Watched())
        if time.monotonic() < known.not_before:
            return Standing("held", "the last try failed: it is tried again later")
        try:
            standing = act()
            known.failures, known.not_before = 0, 0.0
            known.codes.pop("", None)
            return standing
        except Exception as error:
            told, code = _told(error, store)
            self._say(store, known, "", told)
            known.codes[""] = code
            known.failures += 1
            self._put_off(store, known, code)
            return Standing("held" if known.not_before else "refused", told, code=code)

    def _put_off(self, store: Store, known: Watched, code: int) -> None:
        """What is damaged, or a bug of ours, stays so until there is a new manifest. All else (a store or launcher that
        does not answer, rights, a full disk) may be mended: it is tried again, later and later."""
        lasting = code in (Exit.DAMAGE, Exit.BUG)
        if (code == Exit.RUNNER and known.failures < TRIES) if self.once else not lasting:
            known.not_before = time.monotonic() + min(EVERY * 2 ** min(known.failures, 20), PATIENCE)
            return
        known.not_before = 0.0
        if self.once:
            known.active.clear()
        with contextlib.suppress(GristmillError, OSError):
            known.sign = store.signs([MANIFEST]).get(MANIFEST, "")

    def _look_at(self, store: Store, known: Watched) -> Standing:
        if not known.sign:  # the first look: what another watcher, or an earlier one, has started
            known.active.update(self.trigger.unfinished(store))
        sign = store.signs([MANIFEST]).get(MANIFEST, "")
        newest = Standing("known" if sign else "absent", "")
        if sign and sign != known.sign:
            newest = self.trigger.visit(store)
            if newest.state not in ("unready", "held"):
                known.sign = sign
            self._take(store, known, newest)
        for name in sorted(known.active - {newest.name}):
            self._take(store, known, self.trigger.follow(store, name))
        return newest

    def _take(self, store: Store, known: Watched, standing: Standing) -> None:
        if standing.state in ("waits", "runs", "held"):
            known.active.add(standing.name)
        elif standing.over:
            known.active.discard(standing.name)
            known.codes[standing.name] = standing.code
        told = standing.state if not standing.said else f"{standing.state}: {standing.said}"
        self._say(store, known, standing.name, told)

    def _say(self, store: Store, known: Watched, name: str, told: str) -> None:
        if known.said.get(name) != told:
            known.said[name] = told
            self.say(f"{store.name}{f' {name}' if name else ''}: {told}")


def _told(error: Exception, store: Store) -> tuple[str, int]:
    """What is said of an error, and its exit code."""
    if isinstance(error, GristmillError | OSError | MemoryError):
        known = explained(error, store.root)
        return str(known), known.exit_code
    return f"a bug of Gristmill; please report it:\n{''.join(traceback.format_exception(error))}", Exit.BUG


def is_under(root: Store, address: str) -> str | None:
    """The name of the run whose manifest is at an address, where it lies directly below `root`; else None."""
    begin, end = f"{root.root.rstrip('/')}/", f"/{MANIFEST}"
    if not address.startswith(begin) or not address.endswith(end):
        return None
    name = address[len(begin) : -len(end)]
    return name if name not in (".", "..") and _NAME.fullmatch(name) and len(name.encode()) <= MOST_NAME else None
