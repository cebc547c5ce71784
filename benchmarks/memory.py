"""How much memory a process has taken at most."""

from __future__ import annotations

import re
from pathlib import Path


def peak_megabytes(pid: int | str = "self") -> float:
    """Return the most memory that a process has taken so far, in MB; 0 where it has just ended.

    `getrusage` would begin with the memory of the process that started it.
    """
    peak = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(peak[1]) * 1024 / 1e6 if peak else 0.0
