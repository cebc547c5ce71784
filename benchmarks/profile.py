"""Where the time of a row goes: our side of it under cProfile, its most costly functions by their own time and in all.

python -m benchmarks.profile ROW [--quick] [--top 15]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats

from benchmarks import onscreen
from benchmarks.__main__ import found
from benchmarks.table import Effort, lines


def main() -> None:
    """Run one row of what is painted in this process."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("row", type=int)
    words.add_argument("--quick", action="store_true", help="small sizes and three rounds")
    words.add_argument("--top", type=int, default=15)
    asked = words.parse_args()
    onscreen.profile = cProfile.Profile()
    print(*lines(found()[asked.row](Effort(asked.quick))), sep="\n")
    told = pstats.Stats(onscreen.profile).strip_dirs()
    told.sort_stats("tottime").print_stats(asked.top)
    told.sort_stats("cumulative").print_stats(2 * asked.top)


if __name__ == "__main__":
    main()
