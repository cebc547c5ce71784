"""The truth of a run and of the list: each thing once, what a wait is about, and a filter that is no broken link."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, open_dashboard
from tui.domain.tree_rows import TreeRow
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.task_preview import TaskPreview


def labels(operator: Operator) -> list[str]:
    """Return the labels of the entries in the tree."""
    rows = operator.app.screen.query_one(ActivityPane).rows
    shown = [rows.row(index) for index in range(len(rows))]
    return [row.node.entry.label for row in shown if isinstance(row, TreeRow) and row.node]


async def test_point_4_a_reply_stands_in_the_tree_once(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("enter", "c", *"Hurry")
        await operator.send_to_waiting_task()
        task_id = invoice(operator)["id"]
        await operator.until(
            lambda: any(event["type"] == "gateway_steer_applied" for event in operator.here.events(task_id))
        )
        await operator.until(lambda: any(entry.get("role") == "user" for entry in operator.here.log(task_id)[1:]))
        await operator.until(lambda: operator.app.screen.query(ActivityPane) and "Hurry" in labels(operator))
        activity = operator.app.services.store.state.activity(task_id)
        assert activity is not None
        await operator.until(lambda: [node for node in activity.nodes if node.live and node.logged])
        await operator.until(lambda: any(node.entry.label == "Hurry" and node.logged for node in activity.nodes))
        assert labels(operator).count("Hurry") == 1


async def test_point_5_a_waiting_row_and_the_peek_say_what_the_wait_is_about(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        preview = operator.app.screen.query_one(TaskPreview)
        row = next(line for line in operator.text.split("\n") if "Pay invoice 7" in line)
        assert "bank.transfer · " in row
        assert " EUR" in row
        lines = ["".join(piece.text for piece in line) for line in preview._rows]  # Private: the drawn lines
        assert any(line.startswith("bank.transfer · ") for line in lines)
        assert len(lines) <= preview.size.height
        assert "more line" in lines[-1] or len(lines) < preview.size.height


async def test_point_5_a_mistake_in_a_filter_leaves_the_connection_live(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("slash")
        operator.app.screen.query_one(Input).value = "status:pausd"
        await operator.press("enter")
        assert "^^^^^ no status pausd, did you mean paused?" in operator.text
        assert "Pay invoice 7" in operator.text
        operator.app.screen.query_one(Input).value = 'status:"pausd"'
        await operator.until(lambda: "the platform does not take this filter" in operator.text)
        read_at = operator.app.services.lists.status.read_at
        await operator.until(lambda: operator.app.services.lists.status.read_at != read_at)
        assert "● live" in operator.text
        assert "offline" not in operator.text


async def test_point_5_the_scope_line_says_of_how_many_tasks_the_tokens_are_known(serve: Serve, tmp_path: Path) -> None:
    async with serve(tasks=40) as here, open_dashboard(here, tmp_path) as operator:
        await operator.until(lambda: "40 loaded" in operator.text)
        await operator.press("slash", *"tokens:>1k", "enter")
        await operator.until(lambda: "tokens: known for " in operator.text)
        assert " of 40 " in operator.text
        await operator.press("escape")
        await operator.until(lambda: "known for" not in operator.text)
