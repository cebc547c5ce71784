"""`xp-tui tasks -o ndjson`: one line for each task, whatever its object contains."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Shell
from tests.conftest import CASES
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server

PAGE_ROWS = 20


def serve_rows(platform: Platform, rows: list[str]) -> None:
    """Let the platform answer with these rows, which are JSON texts, in pages."""

    async def answer(request: Request, connection: Connection) -> bool:
        if request.path != "/v1/tasks":
            return False
        begin = (int(request.query["page"]) - 1) * PAGE_ROWS
        items = ",".join(rows[begin : begin + PAGE_ROWS])
        pages = -(-len(rows) // PAGE_ROWS)
        page = f'{{"items":[{items}],"total":{len(rows)},"total_pages":{pages}}}'
        await connection.reply(200, page.encode(), {"Content-Type": "application/json"})
        return True

    platform.before_reply = answer


@pytest.mark.parametrize("more", [(), ("--all",)])
async def test_odd_tasks_are_printed_as_recorded(
    shell: Shell, platform: Platform, server: Server, more: tuple[str, ...]
) -> None:
    """The expected lines were written by the writer of long lists that there was once (`tui/cli/written.py`)."""
    serve_rows(platform, (CASES / "odd_tasks.ndjson").read_text().splitlines())
    said = await shell.on(server, "tasks", *more, "-o", "ndjson")
    expected = (CASES / "odd_tasks_printed.ndjson").read_text()
    assert (said.code, said.err) == (0, "130 loaded\n")
    assert said.out.splitlines() == expected.splitlines()
    assert said.out == expected
    assert said.out.isascii()


async def test_a_name_that_is_written_twice_keeps_both_values(shell: Shell, platform: Platform, server: Server) -> None:
    serve_rows(platform, ['{"id":"t1","status":"completed","x":1,"x":2}'])
    said = await shell.on(server, "tasks", "--all", "-o", "ndjson")
    assert said.json["raw"] == {"id": "t1", "status": "completed", "x": 2, "x (written again before, 1)": 1}


async def test_a_task_that_comes_on_two_pages_is_printed_once(shell: Shell, platform: Platform, server: Server) -> None:
    rows = [f'{{"id":"t{number}","status":"completed"}}' for number in range(PAGE_ROWS)]
    serve_rows(platform, [*rows, rows[-1], '{"id":"last","status":"completed"}'])
    said = await shell.on(server, "tasks", "--all", "-o", "ndjson")
    assert [row["id"] for row in said.rows] == [*(f"t{number}" for number in range(PAGE_ROWS)), "last"]
    assert said.err == f"{PAGE_ROWS + 1} loaded, {PAGE_ROWS + 2} in all: --all for the rest\n"
