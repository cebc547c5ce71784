"""ReviewScreen: what it shows of a request and of a decision, and what must never happen to a decision."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Static

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, make_invoice, open_dashboard
from tui.domain.action import Action, Outcome, Verb
from tui.screens.bulk_review import BulkReviewScreen, OutcomeList
from tui.screens.reason_editor import ReasonEditor
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.services.audit_log import Journal
from tui.storage.json_store import JsonStore
from tui.widgets import inspector
from tui.widgets.inspector import Inspector


def ask(operator: Operator, **content: Any) -> None:
    """Let the invoice ask for other content."""
    task = invoice(operator)
    operator.here.local.platform.change(task, hitl_request={**task["hitl_request"], "content": content})


def journal(operator: Operator) -> list[str]:
    """Return the outcomes in the journal."""
    return [f"{line['verb']} {line['outcome']}" for line in operator.journal.lines() if line["kind"] == "done"]


@pytest.mark.parametrize("content", [{"memo": "x" * 60_000 + " PAY MALLORY"}, {"y" * 12_000 + "MALLORY": 1}])
@pytest.mark.long
async def test_a_payload_is_shown_whole_however_long_its_lines(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any
) -> None:
    monkeypatch.setattr(inspector, "MIN_SIGHT_SECONDS", 0.0)  # it has hundreds of lines
    monkeypatch.setattr(inspector, "MIN_SIGHTINGS", 1)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        ask(operator, **content)
        await operator.press("a", "end")
        await operator.ready_to_decide()
        payload = operator.app.screen.query_one("#payload", Inspector)
        whole = "".join(payload.text_of(index).strip() for index in range(payload.count())).replace("│", "")
        assert "MALLORY" in whole
        assert "chars]" not in whole


@pytest.mark.long
async def test_a_payload_that_cannot_be_shown_whole_cannot_be_decided(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        ask(operator, lines=list(range(30_000)))
        await operator.press("a", "end")
        await operator.until(lambda: "cannot be decided here" in operator.text)
        await operator.pilot.pause(1.2)
        await operator.press("A")
        await operator.pilot.pause(0.5)
        assert operator.sent == []


async def test_hidden_characters_of_a_payload_are_visible(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        ask(operator, to="admin\u200b.exe\nsecond", name="Müller", flip="\u202egnp", auth="who-knows-whom-1234")
        await operator.press("a")
        await operator.until(lambda: "Müller" in operator.text)
        assert "admin⟨U+200B⟩.exe" in operator.text
        assert "\u202e" not in operator.text
        assert "1 masked, as they may be secrets" in operator.text
        assert "who-knows" not in operator.text
        payload = operator.app.screen.query_one("#payload", Inspector)
        place = next(index for index in range(payload.count()) if "auth" in payload.text_of(index))
        payload.move_to(place)
        await operator.press("M")
        await operator.until(lambda: "who-knows-whom-1234" in operator.text)


async def test_a_title_cannot_add_lines(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        task = invoice(operator)
        operator.here.local.platform.change(task, title="Pay\nwaits     for nobody\nprofile  sandbox")
        await operator.press("a")
        await operator.until(lambda: "Pay waits for nobody profile sandbox" in operator.text)


async def test_a_held_decision_is_shown_when_its_review_is_reopened(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.hold_an_approval()
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        await operator.until(lambda: "approve in" in operator.text)
        await operator.press("u")
        await operator.until(lambda: "taken back, nothing was sent" in operator.text)
        assert operator.sent == []


async def test_keys_right_after_a_decision_take_it_back_even_without_a_hold(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=0.0) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        for char in "Approve it":
            operator.app.post_message(events.Key("space" if char == " " else char, char))
        await operator.until(lambda: "approve taken back" in journal(operator))
        assert operator.sent == []


@pytest.mark.long
async def test_a_reason_belongs_to_one_rejection(serve: Serve, tmp_path: Path) -> None:
    # Private: only the screen knows when the next request was read.
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("a", "end")
        screen = await operator.ready_to_decide()
        await operator.press("R", *"secret reason", "enter")
        await operator.ready_to_decide()
        first = screen.task_id
        await operator.press("n")
        await operator.until(lambda: screen.task_id != first and screen._review)
        assert not screen.query_one(ReasonEditor).has_text
        await operator.press("n", "end")
        await operator.ready_to_decide()
        await operator.press("R", *"too much", "enter")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "approve confirmed" in journal(operator))
        assert operator.here.local.platform.task(screen.task_id)["hitl_request"].get("comment") is None


async def test_an_approved_request_stays_on_screen_and_a_new_one_is_separate(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        assert "‖ approval" in operator.text
        await operator.press("A")
        await operator.until(
            lambda: "approved, on record as" in operator.text and "enter opens the task" in operator.text
        )
        assert "‖ approval" not in operator.text  # nobody is waited for any more
        task_id = invoice(operator)["id"]
        await operator.here.until(task_id, "completed")
        await operator.pilot.pause(0.3)
        assert "it has changed" not in operator.text
        platform = operator.here.local.platform
        request = {"wait_node_id": "w2", "title": "Again", "content": {"amount": "SECOND 5,000,000"}}
        platform.change(platform.task(task_id), status="paused", paused_at=platform.now, hitl_request=request)
        await operator.until(lambda: "SECOND 5,000,000" in operator.text and "approved, on record" not in operator.text)


async def test_enter_after_a_decision_opens_the_task(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "enter opens the task" in operator.text)
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
        await operator.until(lambda: "■ ended" in operator.text)


async def test_an_approval_of_a_task_that_was_stopped_meanwhile_is_not_done(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        decisions, platform = operator.here.local.decisions, operator.here.local.platform
        await operator.press("a", "end")
        await operator.ready_to_decide()

        def stopped(task_id: str, *_: Any) -> Any:
            return platform.stop(task_id)

        decisions.decide = stopped  # type: ignore[method-assign,assignment]
        await operator.press("A")
        await operator.until(lambda: "sent, but the task is stopped" in operator.text)
        assert "approved by you" not in operator.text


ANOTHER = """
import pathlib, sys
from tui.services.review_presence import ReviewPresence
presence = ReviewPresence(pathlib.Path(sys.argv[1]))
presence.open([sys.argv[2]])
print(list(presence.others()), flush=True)
for _ in sys.stdin:
    print(list(presence.others()), flush=True)
"""


async def test_a_review_names_other_processes_that_have_it_open(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        place, task_id = tmp_path / "open", invoice(operator)["id"]
        pipe = asyncio.subprocess.PIPE
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ANOTHER, str(place), task_id, stdin=pipe, stdout=pipe
        )
        assert other.stdin
        assert other.stdout
        assert (await other.stdout.readline()).decode() == f"{[task_id]}\n"  # it sees this one
        await operator.until(lambda: f"also open in xp-tui {other.pid}" in operator.text)
        await operator.press("escape")
        said = b""
        while said != b"[]\n":  # and that it is closed
            other.stdin.write(b"?\n")
            said = await other.stdout.readline()
        await operator.press("a")
        await operator.until(lambda: f"also open in xp-tui {other.pid}" in operator.text)
        other.kill()
        await other.wait()
        await operator.until(lambda: "also open" not in operator.text)
        assert [path.name.partition("-")[0] for path in place.iterdir()] == [str(os.getpid())]


async def test_only_shown_payloads_of_a_bulk_review_count_as_read(serve: Serve, tmp_path: Path) -> None:
    # Private: which payloads count as read is not visible before the decision.
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text and "‖ paused" not in operator.text)
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        screen = operator.app.screen
        assert isinstance(screen, BulkReviewScreen)
        await operator.read_by_pages(screen.query_one("#payload", Inspector))
        await operator.until(lambda: len(screen._read_to_end) == 1)
        lines = screen.query_one(OutcomeList)
        lines.set_reactive(OutcomeList.cursor, 1)  # the cursor has moved, and nobody was told of it yet
        screen.draw()
        assert screen._read_to_end == {lines.tasks[0].id}


async def test_marks_that_a_filter_hides_stay_marked(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        made = operator.here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "Innocent run"})
        await operator.until(lambda: "Innocent run" in operator.text)
        await operator.press("home", "space", "slash", *"Innocent", "enter")
        await operator.until(lambda: "Pay invoice 7" not in operator.text)
        await operator.press("X")
        await operator.until(lambda: "Stop this task?" in operator.text)
        meant = str(operator.app.screen.query_one("#about", Static).content)
        assert "Pay invoice 7" in meant
        assert made["id"] not in meant


async def test_tasks_that_no_longer_wait_are_not_counted(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.services.list_poller.TASKS_PER_PAGE", 10)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        gone = make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text)
        for number in range(200):
            operator.here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": f"later {number}"})
        operator.here.local.platform.stop(invoice_id(operator, 7))
        operator.here.local.platform.destroy(gone)
        await operator.until(lambda: "0 need you" in operator.text)


def invoice_id(operator: Operator, number: int) -> str:
    """Return the id of an invoice's task."""
    tasks = operator.here.local.store.tasks({"agent_id": "invoice-bot"})
    return next(str(task["id"]) for task in tasks if task["title"].endswith(f" {number}"))


@pytest.mark.long
async def test_the_task_on_the_top_screen_is_followed(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        other = make_invoice(operator.here, 8)
        await operator.here.until(other, "paused")
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("home", "enter")
        await operator.until(lambda: "TOL" in operator.text)
        assert isinstance(operator.app.screen, TaskScreen)
        first = operator.app.screen.task_id
        await operator.press("colon", *f"open {other}", "enter")
        await operator.until(
            lambda: isinstance(operator.app.screen, TaskScreen) and operator.app.screen.task_id == other
        )
        await operator.press("escape")
        await operator.until(lambda: operator.app.services.read_workers.followed == first)
        operator.here.local.platform.push(
            first, [{"type": "tool_call_request", "data": {"request_id": "r", "tool_name": "late.tool", "payload": {}}}]
        )
        await operator.until(lambda: "late.tool" in operator.text)


async def test_a_task_whose_decision_is_being_sent_is_not_offered_again(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c", *"once")
        await operator.send_to_waiting_task()
        await operator.press("c")
        await operator.until(lambda: "F2 sends" in operator.text)
        assert "once" not in operator.text
        await operator.until(lambda: operator.sent == ["continue"])


@pytest.mark.parametrize("task_id", ["..", "."])
async def test_an_invalid_task_id_is_harmless(serve: Serve, tmp_path: Path, task_id: str) -> None:
    async with serve() as here:
        made = here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "Odd id"})
        task = here.local.platform.task(made["id"])
        here.local.store.add_task({**task, "id": task_id, "title": "Really odd"}, None)
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Really odd" in operator.text)
            await operator.press("slash", *"Really", "enter", "enter")
            await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
            await operator.until(lambda: "ended:" in operator.text)
            await operator.press("escape")
            await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))


async def test_tasks_in_a_parent_cycle_and_below_ended_tasks_are_shown(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        platform = operator.here.local.platform
        ids = [make_invoice(operator.here, number) for number in (8, 9)]
        for one, other in zip(ids, reversed(ids), strict=True):
            await operator.here.until(one, "paused")
            platform.change(platform.task(one), parent_execution=other)
        root = platform.create("your-agent", {"input": {"text": "x"}, "title": "Ended root"})["id"]
        platform.change(platform.task(root), status="completed")
        platform.change(platform.task(invoice_id(operator, 7)), parent_execution=root)
        await operator.until(lambda: "Ended root › Pay invoice 7" in operator.text)
        # One of the two tasks of the cycle counts as its root, the other one is below it.
        await operator.until(lambda: ("Pay invoice 8" in operator.text) is not ("Pay invoice 9" in operator.text))


async def test_a_decision_that_was_held_when_the_process_was_killed_is_offered_again(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        task_id = invoice(operator)["id"]
        held = {"kind": "held", "deed": "d1", "verb": "approve", "target": task_id, "digest": "x"}
        async with open_dashboard(operator.here, tmp_path / "again", leftovers=[held]) as again:
            await again.until(lambda: "was held when xp-tui ended, and was not sent" in again.text)
            assert "Pay invoice 7" in again.text
            await again.pilot.pause(0.3)
            await again.press("tab", "enter")
            await again.until(lambda: isinstance(again.app.screen, ReviewScreen))
            assert again.sent == []
            assert journal(again) == ["approve not sent"]


def test_the_journal_lists_actions_without_an_end(tmp_path: Path) -> None:
    book = Journal(tmp_path / "journal.jsonl")
    for action, kinds in (
        ("a", ("held", "sent", "done")),
        ("b", ("held", "sent")),
        ("c", ("held",)),
        ("d", ("held", "done")),
    ):
        for kind in kinds:
            book.write(kind, deed=action, verb="approve", target="t")
    assert book.unfinished() == []  # this run is at it still
    lines = book.path.read_bytes()
    book.path.write_bytes(re.sub(rb'"run":"[^"]*"', b'"run":"1-0123456789abcdef"', lines))  # one that has ended
    assert [(line["deed"], line["kind"]) for line in book.unfinished()] == [("b", "sent"), ("c", "held")]
    program = "import sys, time; from pathlib import Path; from tui.services.audit_log import Journal\n"
    program += (
        "Journal(Path(sys.argv[1])).write('held', deed='e', verb='x', target='t'); print(1, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(book.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        assert [line["deed"] for line in book.unfinished()] == ["b", "c"]  # it is held there still
        other.kill()
        other.wait()
    assert [line["deed"] for line in book.unfinished()] == ["b", "c", "e"]


@pytest.mark.parametrize("kind", ["held", "sent", "done"])
async def test_a_full_disk_is_reported_and_nothing_more_is_sent(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        write = operator.journal.write

        def full(what: str, **told: Any) -> None:
            if what == kind:
                raise OSError(28, "No space left on device")
            write(what, **told)

        monkeypatch.setattr(operator.journal, "write", full)
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: re.search("the journal (cannot|could not) be written", operator.text))
        assert isinstance(operator.app.screen, ReviewScreen)
        assert (invoice(operator)["status"] == "paused") is (kind != "done")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("when", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
async def test_a_date_without_a_time_is_harmless(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str, when: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        async with dashboard_with_invoice(serve, tmp_path, memory={"time": "local"}) as operator:
            operator.here.local.platform.change(invoice(operator), paused_at=when, created_at=when, started_at=when)
            await operator.pilot.pause(0.5)
            await operator.press("enter")
            await operator.until(lambda: "TOL" in operator.text)
            await operator.press("a")
            await operator.until(lambda: "what exactly" in operator.text)
    finally:
        monkeypatch.undo()
        time.tzset()


async def test_a_take_back_key_counts_from_when_it_was_pressed(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=0.4) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        operator.app.post_message(events.Key("A", "A"))
        behind = events.Key("x", "x")
        await operator.until(lambda: operator.app.services.progress.unfinished)
        time.sleep(0.6)  # noqa: ASYNC251 - the whole program stands still, longer than it is held
        operator.app.post_message(behind)
        await operator.until(lambda: "approve taken back" in journal(operator))
        assert operator.sent == []


@pytest.mark.long
async def test_the_next_payload_starts_at_its_top(serve: Serve, tmp_path: Path) -> None:
    # Private: which payloads count as read is not visible before the decision.
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        make_invoice(operator.here, 8)
        for task in operator.here.local.store.tasks({"agent_id": "invoice-bot"}):
            await operator.here.until(task["id"], "paused")
        for task in operator.here.local.store.tasks({"agent_id": "invoice-bot"}):
            request = {**task["hitl_request"], "content": {f"line {number}": "x" for number in range(200)}}
            operator.here.local.platform.change(task, hitl_request=request)
        await operator.until(lambda: "2 need you" in operator.text)
        await operator.press("a", "end")
        screen = await operator.ready_to_decide()
        payload, first = screen.query_one("#payload", Inspector), screen.task_id
        await operator.press("n")
        await operator.until(lambda: screen.task_id != first and screen._review)
        await operator.pilot.pause(1.2)
        assert payload.scroll_offset.y == 0
        assert "were not shown yet" in screen.blocked_now
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: isinstance(operator.app.screen, BulkReviewScreen))
        bulk = operator.app.screen
        assert isinstance(bulk, BulkReviewScreen)
        await operator.read_by_pages(bulk.query_one("#payload", Inspector))
        await operator.until(lambda: len(bulk._read_to_end) == 1)
        await operator.press("tab", "down")
        await operator.pilot.pause(1.2)
        assert len(bulk._read_to_end) == 1
        assert bulk.query_one("#payload", Inspector).scroll_offset.y == 0


async def test_a_stop_runs_beside_a_held_decision_without_hiding_it(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.hold_an_approval()
        await operator.press("X", "tab", "enter")
        await operator.until(lambda: invoice(operator)["status"] == "stopped")
        await operator.until(lambda: "approve Pay invoice 7 in" in operator.text)
        await operator.press("q")
        await operator.until(lambda: "Quit now?" in operator.text)


async def test_a_draft_that_was_being_sent_when_the_process_was_killed_is_restored(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        thread = invoice(operator)["id"]
        JsonStore(tmp_path / "again" / "drafts.json")[f"sending {thread}"] = "do not lose me"
        async with open_dashboard(operator.here, tmp_path / "again") as again:
            await again.until(lambda: "Pay invoice 7" in again.text)
            await again.press("c")
            await again.until(lambda: "do not lose me" in again.text)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (200, 50), (300, 100)])
async def test_a_review_can_be_read_and_decided_at_every_size(
    serve: Serve, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a")
        await operator.until(lambda: "Review" in operator.text)
        await operator.pilot.resize_terminal(*size)
        if size < (80, 24):
            await operator.until(lambda: "were not shown yet: pgdn" in operator.text)
            await operator.read_by_pages(operator.app.screen.query_one("#payload", Inspector))
            await operator.until(lambda: "tab, pgdn" in operator.text)
        await operator.ready_to_decide()
        assert "A approve" in operator.text
        assert all(len(line) == size[0] for line in operator.text.split("\n"))
        await operator.press("A")
        await operator.until(lambda: "approved, on record as" in operator.text)


async def test_a_message_to_the_thread_does_not_close_the_review(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a")
        screen = await operator.ready_to_decide()
        message = Action(Verb.CONTINUE, screen.task_id)
        screen.update_action(message)
        assert "under way" not in screen.blocked_now
        is_shown = screen.update_action(message.done(Outcome.CONFIRMED, "the message is in the thread"))
        assert not is_shown, "a notice tells it"
        assert screen.blocked_now == ""


async def test_what_changed_while_a_decision_was_held_is_read_when_it_is_taken_back(
    serve: Serve, tmp_path: Path
) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0) as operator:
        await operator.press("a")
        screen = await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "takes it back" in operator.text)
        before = operator.app.services.store.state.task(screen.task_id)
        ask(operator, salaries=1)
        await operator.until(lambda: operator.app.services.store.state.task(screen.task_id) != before)
        await operator.pilot.pause(0.35)
        assert "salaries" not in operator.text
        await operator.press("u")
        await operator.until(lambda: "salaries" in operator.text)
