"""Work in slices: how long a slice runs, and that other work goes first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tui.widgets.slices import IDLE_TURN_SECONDS, MAX_TURNS, run_slice, run_sliced, yield_to_loop


@pytest.mark.parametrize(("turns", "taken"), [(MAX_TURNS // 2, MAX_TURNS // 2), (3 * MAX_TURNS, MAX_TURNS)])
async def test_yielding_lets_other_work_run_up_to_a_limit(turns: int, taken: int) -> None:
    count = 0

    async def busy() -> None:
        nonlocal count
        for _ in range(turns):
            count += 1
            until = time.perf_counter() + 2 * IDLE_TURN_SECONDS
            while time.perf_counter() < until:
                pass
            await asyncio.sleep(0)

    job = asyncio.create_task(busy())
    await yield_to_loop()
    assert count == taken
    await job


def numbered(done: list[int], count: int) -> Iterator[None]:
    """Return work of this many steps, each of which is recorded."""
    for number in range(count):
        done.append(number)
        yield


def test_a_slice_ends_in_time_and_the_next_one_continues() -> None:
    done: list[int] = []
    work = numbered(done, 3)
    assert not run_slice(work, 0.0)
    assert done == []
    assert run_slice(work, 60.0)
    assert done == [0, 1, 2]
    assert run_slice(work, 60.0)


async def test_sliced_work_yields_to_the_event_loop_before_its_first_step() -> None:
    done: list[int] = []
    asyncio.get_running_loop().call_soon(done.append, -1)
    await run_sliced(numbered(done, 3))
    assert done == [-1, 0, 1, 2]
