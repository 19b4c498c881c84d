"""Whose turn it is to start something: numbered objects, each of which only one can make; the last one's maker has it.

Nothing is ever removed or renewed, so nothing can be taken from under somebody: who finds that the maker of the last
one is dead makes the next one. On one machine death is known at once (process number and start); of a maker on another
machine it is assumed when its turn is older than LEASE seconds, and no maker starts anything after half of them.
"""

import re
import time
from dataclasses import dataclass

from gristmill.infra.work.claim import Claim, claim_of, read_claim
from gristmill.pipelines.storage.store import Store

LEASE = 600.0
BLINK = 1.0
"""Seconds in which whoever has made an object has also written into it, unless it was killed."""
_TURN = re.compile(r"turn-(\d+)\.json")


@dataclass
class Turn:
    """The right to start what a folder stands for."""

    store: Store
    folder: str
    number: int
    since: float

    def stands(self) -> bool:
        """Whether it may still be used: nobody has a later one, and it is young enough that nobody takes one."""
        return last_turn(self.store, self.folder) == self.number and time.monotonic() - self.since < LEASE / 2


def take_turn(store: Store, folder: str) -> Turn | None:
    """The next turn, where nobody who may be alive has the last one; else None."""
    begun, last = time.monotonic(), last_turn(store, folder)
    if last and not _is_over(store, f"{folder}/turn-{last}.json"):
        return None
    made = store.create(f"{folder}/turn-{last + 1}.json", claim_of().to_json())
    return Turn(store, folder, last + 1, begun) if made else None


def last_turn(store: Store, folder: str) -> int:
    """Its number; 0 where there was none."""
    return max((int(found[1]) for name in store.names(folder) if (found := _TURN.fullmatch(name))), default=0)


def holder(store: Store, folder: str) -> Claim | None:
    """Who has the last turn; None where nobody knows."""
    return read_claim(store, f"{folder}/turn-{last_turn(store, folder)}.json")


def _is_over(store: Store, path: str) -> bool:
    held = read_claim(store, path)
    if held is None:
        time.sleep(BLINK)
        held = read_claim(store, path)
    if held is None:  # killed between making and writing: before it had started anything
        return True
    mine = claim_of()
    if (held.pid, held.machine, held.born) == (mine.pid, mine.machine, mine.born):
        return True
    # By two clocks, either of which may be wrong: a turn from the future would never grow old.
    return abs(held.age) > LEASE if held.gone is None else held.gone
