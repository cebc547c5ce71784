"""When Python's garbage collector looks at what: where it can, while nobody waits for a key.

It looks through all that has come since it was set aside, the longer lists in it too, and nothing else runs meanwhile.
"""

from __future__ import annotations

import gc

SELDOM = 50
"""Of its second generation's turns, after how many the third has one by itself; ten is usual."""
DUE = 10
"""After how many there is something to do, where there is a moment for it."""


def begin() -> None:
    """Set aside what was made until now: it stays."""
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], SELDOM)
    gc.enable()


def keep() -> None:
    """Something large is here as a whole: it is not looked at."""
    gc.freeze()


def set_aside() -> None:
    """Much has come to stay: it is looked at once more, and then no more."""
    gc.collect()
    gc.freeze()


def look() -> None:
    """There is a moment for it."""
    if gc.get_count()[2] >= DUE:
        gc.collect()


def look_at_all() -> None:
    """There is much time: a screen that was closed may have been set aside while it was open, with all it showed."""
    gc.unfreeze()
    set_aside()
