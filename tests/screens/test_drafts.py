"""Drafts in the dashboard while another process writes and sends its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice, open_dashboard
from tests.storage.other_process import other_xp_tui
from tui.storage.json_store import DRAFT_SEPARATOR, SENDING_PREFIX, JsonStore


async def test_a_draft_of_a_killed_sender_is_offered_again(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path / "first") as operator:
        state, thread = tmp_path / "state", invoice(operator)["id"]
        with other_xp_tui(state / "drafts.json") as other:
            other("set", f"{SENDING_PREFIX}{thread}", "pay it twice")
            async with open_dashboard(operator.here, state) as here:
                await here.until(lambda: "Pay invoice 7" in here.text)
                await here.press("c")
                await here.until(lambda: "F2 sends" in here.text)
                assert "pay it twice" not in here.text
            other.end(killed=True)
        async with open_dashboard(operator.here, state) as again:
            await again.until(lambda: "Pay invoice 7" in again.text)
            await again.press("c")
            await again.until(lambda: "pay it twice" in again.text)


async def test_two_drafts_for_one_thread_are_both_offered(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        thread = invoice(operator)["id"]
        with other_xp_tui(tmp_path / "drafts.json") as other:
            await operator.press("c")
            await operator.until(lambda: "F2 sends" in operator.text)
            await operator.press("h")
            assert other("set", thread, "there") == ("there", [thread])
            await operator.press(*"ere")
            await operator.press("escape", "c")
            await operator.until(lambda: "F2 sends" in operator.text)
            assert "there" not in operator.text
            await operator.press("escape")
            other.end()
        await operator.press("c")
        await operator.until(lambda: "there" in operator.text)
        assert operator.app.services.commands.drafts.get(thread) == f"here{DRAFT_SEPARATOR}there"


async def test_a_draft_that_cannot_be_saved_is_reported(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c")
        await operator.until(lambda: "F2 sends" in operator.text)

        def full(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tui.storage.json_store.write_private", full)
        await operator.press(*"go on")
        await operator.until(lambda: "this is not kept as a draft: [Errno 28] No space left" in operator.text)
        assert "go on" in operator.text
        await operator.send_to_waiting_task()
        await operator.until(lambda: operator.sent == ["continue"])


async def test_a_draft_that_cannot_be_restored_is_restored_by_the_next_run(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path / "first") as operator:
        state, thread = tmp_path / "state", invoice(operator)["id"]
        JsonStore(state / "drafts.json")[f"{SENDING_PREFIX}{thread}"] = "pay it twice"

        def full(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("tui.storage.json_store.write_private", full)
            async with open_dashboard(operator.here, state) as here:
                await here.until(lambda: "Pay invoice 7" in here.text)
        async with open_dashboard(operator.here, state) as again:
            await again.until(lambda: "Pay invoice 7" in again.text)
            await again.press("c")
            await again.until(lambda: "pay it twice" in again.text)


async def test_a_message_to_a_task_that_waits_is_sent_with_a_second_press_only(serve: Serve, tmp_path: Path) -> None:
    objection = "the task waits for an approval, which a message does not decide: F2 again"
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c")
        await operator.until(lambda: "a message does not decide it, its review (a) does" in operator.text)
        await operator.press(*"yes", "f2", "f2")
        await operator.until(lambda: objection in operator.text)
        await operator.press("x")
        await operator.pilot.pause(0.35)
        await operator.press("f2")
        await operator.pilot.pause(0.35)
        assert operator.sent == []
        await operator.press("f2")
        await operator.until(lambda: operator.sent == ["continue"])
