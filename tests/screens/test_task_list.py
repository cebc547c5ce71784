"""The screen of the task list: filters, groups, sorting, times, and what it loads."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from textual import events
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import QUICK, dashboard_with_invoice, invoice, open_dashboard
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.client.task_rows import Page, TaskQuery
from tui.domain.state import LogSeen, State, TasksSeen
from tui.domain.task_list_rows import TaskLine
from tui.screens.task_list import TaskListScreen
from tui.security.redact import Redactor
from tui.services.list_poller import ACTIVE_STATUSES
from tui.storage.json_store import JsonStore
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_filters_are_completed_and_remembered(serve: Serve, tmp_path: Path) -> None:
    memory = JsonStore(tmp_path / "screens.json")
    async with dashboard_with_invoice(serve, tmp_path, memory=memory) as operator:
        await operator.press("slash", *"ag")
        await operator.until(lambda: "agent:" in operator.text)
        await operator.press("tab", *'"inv')
        await operator.until(lambda: 'oice bot"' in operator.text)
        await operator.press("tab", "enter")
        assert operator.app.screen.query_one(Input).value == 'agent:"Invoice bot"'
        await operator.until(lambda: "agent asked of the platform: 1" in operator.text)
        await operator.press("escape", "slash", "up")
        assert operator.app.screen.query_one(Input).value == 'agent:"Invoice bot"'
    assert json.loads((tmp_path / "screens.json").read_text())["filters"] == 'agent:"Invoice bot"'


async def test_more_pages_are_loaded_until_all_tasks_are_there(serve: Serve, tmp_path: Path) -> None:
    async with serve(tasks=450) as here, open_dashboard(here, tmp_path) as operator:
        await operator.until(lambda: "450 total" in operator.text)
        await operator.press("end")
        await operator.until(lambda: "enter loads more" in operator.text)
        while "450 loaded" not in operator.text:
            before = len(operator.app.services.store.state.tasks)
            for _ in range(3):
                operator.app.post_message(events.Key("m", "m"))
            await operator.until(lambda: len(operator.app.services.store.state.tasks) > before)
        await operator.press("m")
        assert "all there is, is loaded" in operator.text


async def test_times_can_be_shown_in_utc(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.until(lambda: "ago" in operator.text or "now" in operator.text)
        await operator.press("t", "t")
        await operator.until(lambda: operator.app.ui.time_format == "utc")
        stamp = invoice(operator)["updated_at"][11:16]
        await operator.until(lambda: f"{stamp}" in operator.text)


async def test_groups_are_folded_and_unfolded(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("left")
        await operator.until(lambda: "▸ Needs you (1)" in operator.text and "approval" not in operator.text)
        await operator.press("right")
        await operator.until(lambda: "▾ Needs you (1)" in operator.text and "Pay invoice 7" in operator.text)
        await operator.click("Needs you (1)")
        await operator.until(lambda: "▸ Needs you (1)" in operator.text)


async def test_the_title_counts_only_loaded_tasks(serve: Serve, tmp_path: Path) -> None:
    assert QUICK.lists < 1
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("slash", *"nothing-like-this")
        await operator.until(lambda: "0 of 1 loaded" in operator.text)
        await operator.press("escape", "escape", "2")
        await operator.until(
            lambda: "only running: esc shows all" in operator.text and "0 of 1 loaded" in operator.text
        )
        await operator.press("1")
        await operator.until(lambda: "only needs you" in operator.text and "1 of 1 loaded" in operator.text)


async def test_ten_thousand_tasks_are_filtered_and_sorted_while_keys_are_answered(serve: Serve, tmp_path: Path) -> None:
    began = datetime(2026, 11, 20, tzinfo=UTC)
    rows = [
        {"id": f"many-{n}", "agent_id": "a", "status": "completed", "title": f"Sum {n}", "tokens": {"total_tokens": n},
         "created_at": (began + timedelta(seconds=n)).isoformat()}
        for n in range(10_000)
    ]  # fmt: skip
    async with serve() as here, open_dashboard(here, tmp_path) as operator:
        for at in range(0, len(rows), 500):
            operator.app.services.store.add(TasksSeen(tuple(map(Task.from_value, rows[at : at + 500])), began))
        await operator.until(lambda: "10,0" in operator.text and not operator.app.services.store.has_pending)
        listing = operator.app.screen
        assert isinstance(listing, TaskListScreen)
        await operator.press("slash", *"title:77")
        await operator.until(lambda: "280 of 10,0" in operator.text)  # every letter had its list, the last one stays
        updated = {**rows[5], "title": "Sum 777777", "updated_at": (began + timedelta(days=1)).isoformat()}
        await operator.press("7")
        operator.app.services.store.add(TasksSeen((Task.from_value(updated),), began + timedelta(days=1)))
        await operator.until(lambda: "Sum 777777" in operator.text and "Sum 7770" in operator.text)
        await operator.press("enter", "escape", "s", "s")
        await operator.until(
            lambda: listing.list_pane.listing.view.column == "title" and len(listing.list_pane.listing) == 10_000
        )
        first = listing.list_pane.listing.row(0)
        assert isinstance(first, TaskLine)
        assert first.task.name.casefold() == min(
            known.task.name.casefold() for known in operator.app.services.store.state.tasks.values()
        )


async def test_active_tasks_are_read_separately_unless_the_newest_page_has_all(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        client, lists = operator.app.client, operator.app.services.lists
        listed, told = client.tasks, lists.read_tasks
        asked: list[TaskQuery | None] = []
        hidden: set[str] = set()

        async def tasks(query: TaskQuery | None = None, *, at_most: int | None = None) -> int | None:
            asked.append(query)
            return await told(query, at_most=at_most)

        async def pages(query: TaskQuery | None = None) -> AsyncGenerator[Page, None]:
            async for page in listed(query):
                kept = tuple(task for task in page.items if query is not None or task.id not in hidden)
                yield msgspec.structs.replace(page, items=kept)

        def again(query: TaskQuery | None) -> bool:
            return query in asked[-2:]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lists, "read_tasks", tasks)
            patch.setattr(client, "tasks", pages)
            await operator.until(lambda: len(asked) > 4 and asked[-4:] == [None] * 4)
            made = operator.here.local.platform.create("invoice-bot", {"input": {"text": "Pay"}, "title": "Pay 8"})
            await operator.until(lambda: "Pay 8" in operator.text)
            hidden.add(made["id"])  # now a list without a filter does not show all that one with a filter does
            await operator.until(lambda: again(TaskQuery(status=ACTIVE_STATUSES)) and again(None))
            assert not operator.app.services.store.state.is_gone(made["id"])


async def test_a_growing_log_changes_the_row_only_if_the_wait_changes() -> None:
    """A sign-in that is over is not shown as open, whichever of record and log told of it last."""
    # Private: which rows are redrawn is not visible from outside.
    screen = TaskListScreen(UIContext(lambda: NOW, Redactor(), "test"))

    def seen(state: State) -> set[str]:
        scheduler = screen.list_pane.scheduler
        before, scheduler._changed = scheduler._changed, set()
        screen.update_state(state, ())
        found, scheduler._changed = scheduler._changed, before
        return found

    def log(*types: str) -> LogSeen:
        told = [{"id": f"s{n}", "type": kind, "created_at": NOW.isoformat()} for n, kind in enumerate(types)]
        return LogSeen("a", Log(tuple(map(parse_entry, told))), NOW)

    def task(status: str, minute: int) -> TasksSeen:
        raw = {"id": "a", "status": status, "updated_at": (NOW + timedelta(minutes=minute)).isoformat()}
        return TasksSeen((Task.from_value(raw),), NOW)

    state = State()
    for change, is_other in (
        (task("queued", 0), True),
        (log("login_required"), False),  # one that does not run waits for nobody
        (task("executing", 1), True),  # now it does
        (log("login_required", "token_ready"), True),
        (log("login_required", "token_ready"), False),
    ):
        state = state.after([change])
        assert (seen(state) == {"a"}) is is_other
