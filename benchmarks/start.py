"""How long the command line takes to say something, beside a Python that does nothing (medians, interleaved)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(*command: str) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Print a row for each command."""
    commands = {
        "python -c pass": ("-c", "pass"),
        "xp-tui --version": ("-m", "tui", "--version"),
        "xp-tui --help": ("-m", "tui", "--help"),
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(seconds(*command))
    floor = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<18} {median * 1000:6.1f} ms  {median / floor:4.1f}×")


if __name__ == "__main__":
    main()
