"""Where the time of a row goes: our side of it under cProfile, its most costly functions by their own time and in all.

python -m benchmarks.profile ROW [--quick] [--top 15]
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats

from benchmarks import onscreen, opening
from benchmarks.__main__ import found
from benchmarks.serving import served
from benchmarks.table import Effort, lines


def main() -> None:
    """Run one row of what is painted in this process."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("row", type=int)
    words.add_argument("--quick", action="store_true", help="small sizes and three rounds")
    words.add_argument("--top", type=int, default=15)
    asked = words.parse_args()
    onscreen.profile = cProfile.Profile()
    effort = Effort(asked.quick)
    if asked.row == 3:  # else in a process of its own
        entries = effort.size(100_000, 10_000)
        with served(entries=entries, status="completed") as address:
            print(asyncio.run(opening.ours(address, entries)))
    else:
        print(*lines(found()[asked.row](effort)), sep="\n")
    told = pstats.Stats(onscreen.profile).strip_dirs()
    told.sort_stats("tottime").print_stats(asked.top)
    told.sort_stats("cumulative").print_stats(2 * asked.top)


if __name__ == "__main__":
    main()
