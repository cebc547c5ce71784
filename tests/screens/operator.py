"""An operator of the dashboard: presses keys, clicks, reads the screen, and sees what was sent."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.pilot import Pilot

from tests.conftest import make_client
from tests.local.conftest import KEY, Serve, Served
from tui.app.app import XpTui
from tui.client.retry import SystemClock
from tui.local.data_dir import ORGANIZATION
from tui.screens.decision_screen import DecisionScreen
from tui.screens.review import ReviewScreen
from tui.screens.task_list import TaskListScreen
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.services.list_poller import PollIntervals
from tui.storage.json_store import Drafts
from tui.widgets.inspector import Inspector

QUICK = PollIntervals(lists=0.1, polled=0.2, streamed=1.0, min_pause=0.05, resume_check=0.2)
SIZES = [(80, 24), (120, 40), (200, 50)]


class Operator:
    """An operator of the dashboard."""

    def __init__(self, app: XpTui, pilot: Pilot[None], here: Served, journal: Journal) -> None:
        self.app = app
        self.pilot = pilot
        self.here = here
        self.journal = journal

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + 15
        while not holds():
            assert time.monotonic() < end, f"{self.text}\n{self.toasts()}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def text(self) -> str:
        """The text of the whole screen."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(line.text for line in lines)

    def at(self, words: str) -> tuple[int, int]:
        """Return the column and row of words on the screen."""
        for row, line in enumerate(self.text.split("\n")):
            if words in line:
                return cell_len(line[: line.index(words)]), row
        raise AssertionError(f"{words!r} is not on the screen:\n{self.text}")

    async def click(self, words: str, times: int = 1) -> None:
        """Click on words."""
        await self.pilot.click(offset=self.at(words), times=times)
        await self.pilot.pause()

    def toasts(self) -> str:
        """Return the text of the notices."""
        return " ".join(f"{one.title} {one.message}" for one in self.app._notifications)

    @property
    def sent(self) -> list[str]:
        """The verbs of the actions that were sent."""
        return [line["verb"] for line in self.journal.lines() if line["kind"] == "sent"]

    async def send_to_waiting_task(self) -> None:
        """Send the message of the editor to a task that waits: the key that sends is pressed again."""
        await self.press("f2")
        await self.until(lambda: "F2 again" in self.text)
        await self.pilot.pause(0.35)
        await self.press("f2")

    async def ready_to_decide(self) -> ReviewScreen:
        """Read the payload page by page until the decision keys work, and return the review."""
        await self.until(lambda: isinstance(self.app.screen, ReviewScreen))
        screen = self.app.screen
        assert isinstance(screen, ReviewScreen)
        await self.until(lambda: "reading" not in screen.blocked_now)
        for pane in screen.query(Inspector):
            if pane.unseen().startswith("lines"):
                await self.read_by_pages(pane)
        await self.until(lambda: not screen.blocked_now)
        await self.pilot.pause(0.35)
        return screen

    async def until_armed(self) -> None:
        """Wait until the keys that decide work on this screen."""
        await self.until(lambda: isinstance(self.app.screen, DecisionScreen) and not self.app.screen.blocked_now)

    async def read_by_pages(self, payload: Inspector) -> None:
        """Read a pane from its beginning to its end, page by page."""
        payload.focus()
        await self.press("home")
        for _ in range(payload.count()):
            await self.until(lambda: is_page_seen(payload))
            if payload.is_read or payload.cursor == payload.count() - 1:
                return
            await self.press("pagedown")

    async def hold_an_approval(self) -> None:
        """Approve the task that waits longest, and go back to the list while the approval is held."""
        await self.press("a", "end")
        await self.ready_to_decide()
        await self.press("A")
        await self.until(lambda: "u takes it back" in self.text)
        await self.pilot.pause(0.35)
        await self.press("escape")
        await self.until(lambda: isinstance(self.app.screen, TaskListScreen))


def is_page_seen(payload: Inspector) -> bool:
    """Return whether every visible line has been visible for long enough."""
    # Private: only the inspector knows for how long a line was in sight.
    top, height = payload.scroll_offset.y, payload.scrollable_content_region.height
    in_sight = range(top, min(top + height, payload.count()))
    return payload._visible_rows.keys() == set(in_sight) and payload._unseen_indexes.isdisjoint(in_sight)


@asynccontextmanager
async def open_dashboard(
    here: Served,
    tmp_path: Path,
    size: tuple[int, int] = (120, 40),
    *,
    read_only: bool = False,
    key: str = KEY,
    notifications: bool = False,
    **wishes: Any,
) -> AsyncIterator[Operator]:
    """Run the dashboard on a platform."""
    wishes.setdefault("hold", 0.2)
    async with make_client(
        here.url, key=key, organization=ORGANIZATION, clock=SystemClock(), read_only=read_only
    ) as client:
        journal = Journal(tmp_path / "journal.jsonl")
        app = XpTui(
            client,
            journal,
            Drafts(tmp_path / "drafts.json"),
            redactor=Redactor([key]),
            state_folder=tmp_path,
            place="test",
            intervals=QUICK,
            **wishes,
        )
        async with app.run_test(size=size, notifications=notifications) as pilot:
            yield Operator(app, pilot, here, journal)


@asynccontextmanager
async def dashboard_with_invoice(
    serve: Serve, tmp_path: Path, size: tuple[int, int] = (120, 40), **more: Any
) -> AsyncIterator[Operator]:
    """Run the dashboard with an invoice that waits for approval."""
    async with serve() as here:
        made = here.local.platform.create(
            "invoice-bot", {"input": {"text": "Pay it"}, "title": "Pay invoice 7", "events_streaming": True}
        )
        await here.until(made["id"], "paused")
        async with open_dashboard(here, tmp_path, size, **more) as operator:
            await operator.until(lambda: "Needs you (" in operator.text)  # the list, and not only the preview
            await operator.until(lambda: operator.app.services.lists.has_read_all and "+ need you" not in operator.text)
            yield operator


def make_invoice(here: Served, number: int) -> str:
    """Make another invoice that will wait, and return its id."""
    told = {"input": {"text": "Pay it"}, "title": f"Pay invoice {number}", "events_streaming": True}
    return str(here.local.platform.create("invoice-bot", told)["id"])


def reject_elsewhere(here: Served, task_id: str) -> None:
    """Reject a request as Dana Reyes; the agent does not go on, so that the record keeps saying who decided."""
    task = here.local.platform.task(task_id)
    request = {**task["hitl_request"], "rejected_by": "Dana Reyes"}
    here.local.platform.change(task, status="executing", hitl_request=request)


def invoice(operator: Operator) -> dict[str, Any]:
    return operator.here.local.store.tasks({"agent_id": "invoice-bot"})[0]


async def invoice_card(operator: Operator) -> str:
    """Make another task that waits, with a card to confirm or dismiss; return its id once it is in the list."""
    task_id = make_invoice(operator.here, 8)
    await operator.here.until(task_id, "paused")
    card = {
        "id": "k1",
        "request_id": "k1",
        "card_id": "k1",
        "type": "confirmation",
        "title": "Delete it?",
        "action": "x",
    }
    platform = operator.here.local.platform
    operator.here.local.store.put_entry(task_id, card)
    platform.change(platform.task(task_id), hitl_request=None)
    await operator.until(lambda: "2 need you" in operator.text)
    return task_id
