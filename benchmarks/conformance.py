"""How three readers of event streams do on every case of the table, cut in every way: ours, httpx-sse alone, the SDK.

python -m benchmarks.conformance [PYTHON_WITH_THE_SDK]

httpx-sse is fed as its users feed it, from a response whose bytes come in these pieces; the SDK reads through httpx-sse and
leaves out events without data, which is read from its source here and run with its own httpx-sse.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.wire.cuts import variants

CASES = Path(__file__).parents[1] / "tests/cases/sse.json"
Reader = Callable[[list[bytes], dict[str, Any]], tuple[list[dict[str, str]], str]]


def ours(pieces: list[bytes], case: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    """Our own decoder."""
    from tui.client.sse import SSEDecoder

    frames = SSEDecoder(case.get("seed_last_event_id", ""))
    found = [frame for piece in pieces for frame in frames.feed(piece)]
    return [{"type": one.event, "data": one.data, "id": one.id} for one in found], frames.last_id


def theirs(pieces: list[bytes], case: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    """httpx-sse, fed by a response."""
    import httpx
    import httpx_sse

    async def read() -> list[dict[str, str]]:
        async def body() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())
        source = httpx_sse.EventSource(response)
        return [{"type": one.event, "data": one.data, "id": one.id} async for one in source.aiter_sse()]

    found = asyncio.run(read())
    return found, found[-1]["id"] if found else case.get("seed_last_event_id", "")


def sdk(pieces: list[bytes], case: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    """The SDK's reading: httpx-sse's events, those without data left out."""
    found, last = theirs(pieces, case)
    return [event for event in found if event["data"]], last


def is_right(reader: Reader, pieces: list[bytes], case: dict[str, Any]) -> bool:
    """Whether a reader tells what the table says."""
    try:
        found, last = reader(pieces, case)
    except Exception:  # noqa: BLE001 - whatever it raises, it has failed
        return False
    wanted = [event for event in case["events"] if "data" in event]
    if len(wanted) != len(case["events"]):  # of the large ones the length tells enough
        lengths = [event.get("data_len", len(event.get("data", ""))) for event in case["events"]]
        return [len(event["data"]) for event in found] == lengths
    return found == wanted and (reader is not ours or last == case["last_event_id"])


def tally(reader: Reader) -> tuple[int, int, int, int]:
    """Cases and variants, and how many of each fail."""
    table = json.loads(CASES.read_text())["parse"]
    cases = failed = all_variants = wrong = 0
    for case in table:
        results = [is_right(reader, pieces, case) for pieces in variants(case)]
        cases, failed = cases + 1, failed + (not all(results))
        all_variants, wrong = all_variants + len(results), wrong + results.count(False)
    return cases, failed, all_variants, wrong


def main() -> int:
    """Print the table; ours must be without a fault."""
    if sys.argv[1:] == ["--sdk"]:
        print(json.dumps(tally(sdk)))
        return 0
    rows = {"ours": tally(ours), "httpx-sse alone": tally(theirs)}
    if sys.argv[1:] and Path(sys.argv[1]).exists():
        command = [sys.argv[1], "-m", "benchmarks.conformance", "--sdk"]
        rows["the SDK"] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{'reader':<18}{'cases':>7}{'failed':>8}{'variants':>10}{'failed':>8}")
    for name, (cases, failed, all_variants, wrong) in rows.items():
        print(f"{name:<18}{cases:>7}{failed:>8}{all_variants:>10,}{wrong:>8,}")
    return int(rows["ours"][1] > 0)


if __name__ == "__main__":
    sys.exit(main())
