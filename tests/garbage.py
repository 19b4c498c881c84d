"""What Python's collector of garbage need not go through: modules, collected tests, fixtures stay until the end."""

import gc


def leave_what_is_there() -> None:
    """It looks only at what comes after, whatever is trained meanwhile.

    A training collects several times and unfreezes all when it ends, and thousands of tests with their modules take
    it half a second each time: as much as a tiny training. What it froze stays frozen here; it is freed all the same
    when nothing refers to it. What comes after is looked at every 50,000 objects, not every 700.
    """
    gc.set_threshold(50_000)
    gc.collect()
    gc.freeze()
    gc.unfreeze = lambda: None
