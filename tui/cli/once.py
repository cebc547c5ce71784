"""What keeps a task from being told twice, however many there are."""

from __future__ import annotations

BUCKETS = 4096


class Once:
    """The ids that have come, many in one text: a set takes several times as much memory."""

    def __init__(self) -> None:
        self._texts = ["\n"] * BUCKETS
        """Each id as a line: written so that it has no line's end in it, and is never part of another."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def is_new(self, name: str) -> bool:
        """Whether an id comes for the first time; from now on it has come."""
        place, line = hash(name) % BUCKETS, f"{name!r}\n"
        if f"\n{line}" in self._texts[place]:
            return False
        self._texts[place] += line
        self._count += 1
        return True
