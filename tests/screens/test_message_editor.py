"""The editor of a message with its options: what an operator sets is what is sent, and nothing is lost or leaked."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, open_dashboard
from tui.domain.task_options import USER_NEEDS_EMAIL
from tui.screens.message_editor import MessageEditor
from tui.storage.json_store import Drafts
from tui.widgets.option_form import OptionForm

TOKEN = "sk-" + "ant-" + "a1b2c3d4" * 5


async def open_editor(operator: Operator, *text: str) -> OptionForm:
    """Open the editor of a new task of the writer, and its options."""
    await operator.press("at", *"wri", "f3")
    await operator.until(lambda: isinstance(operator.app.screen, MessageEditor))
    await operator.press(*text, "f4")
    return operator.app.screen.query_one(OptionForm)


def shows(operator: Operator, words: str) -> bool:
    return words in operator.text


async def write(operator: Operator, form: OptionForm, name: str, text: str) -> None:
    """Write the text of an option."""
    form.focus_option(name)
    form.query_one(f"#option-{name}", Input).value = text
    await operator.pilot.pause()


@pytest.mark.long
async def test_an_operator_sets_every_kind_of_option_with_the_keyboard(serve: Serve, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    async with dashboard_with_invoice(serve, tmp_path, (80, 24)) as operator:
        form = await open_editor(operator, *"hi")
        await operator.press("T", "tab")
        await write(operator, form, "file", "https://x/1, https://x/2")
        await write(operator, form, "instructions", "Be brief")
        form.focus_option("output_format")
        await operator.press("right", "space", "right", "right", "left")
        await write(operator, form, "output_schema", str(schema))
        await write(operator, form, "user_email", "dana@example.com")
        await operator.press("down", "d", "down", "D", "tab", "R")
        form.focus_option("no_attachment_injection")
        await operator.press("left")
        await write(operator, form, "test_run_node", "n1")
        await operator.press("f2")
        await operator.until(lambda: operator.here.local.store.tasks({"agent_id": "writer"}))
        task = operator.here.local.store.tasks({"agent_id": "writer"})[0]
        assert task["input"]["text"] == "hi"
        assert task["input"]["files"] == ["https://x/1", "https://x/2"]
        user = task["input"]["user"]
        assert (user["email"], user["id"], user["first_name"], user["last_name"]) == (
            "dana@example.com", "d", "D", "R",
        )  # fmt: skip
        names = ("title", "source", "instructions_override", "output_format", "output_schema", "test_run_node_id")
        assert [task[name] for name in names] == [
            "T", "xp-tui", "Be brief", "json", {"type": "object"}, "n1",
        ]  # fmt: skip
        assert (task["disable_attachment_injection"], task["events_streaming"]) == (True, True)
        await operator.until(lambda: not operator.app.services.commands.drafts)  # sent: nothing is offered again


async def test_options_that_are_hidden_are_named_and_kept_with_the_draft(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path / "first", (80, 24)) as operator:
        form = await open_editor(operator, *"hi")
        await operator.press("T")
        form.focus_option("reasoning_effort")
        await operator.press("right")
        await write(operator, form, "context", f"the key is {TOKEN}")
        await write(operator, form, "oidc_token_file", TOKEN)
        await operator.press("f4")
        await operator.until(
            lambda: "with title, context, reasoning effort, OIDC token" in operator.text and "F2 sends" in operator.text
        )
        await operator.press("escape")
        state = tmp_path / "first"
        assert TOKEN not in (state / "drafts.json").read_text()
        async with open_dashboard(operator.here, state, (80, 24)) as again:
            await again.until(lambda: "Pay invoice 7" in again.text)
            await again.press("at", *"wri", "f3")
            await again.until(lambda: "with title, reasoning effort" in again.text)
            assert "hi" in again.text
            await again.press("f2")
            await again.until(lambda: again.here.local.store.tasks({"agent_id": "writer"}))
            task = again.here.local.store.tasks({"agent_id": "writer"})[0]
            assert (task["title"], task["llm_reasoning_effort"], task["additional_context"]) == ("T", "low", None)
        assert not Drafts(state / "drafts.json")


@pytest.mark.long
async def test_a_mistake_in_an_option_is_told_and_nothing_is_sent(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "object.json").write_text("{}")
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        form = await open_editor(operator, *"hi")
        for name, text, words in (
            ("tool_call_limit", "0", "tool call limit is a whole number from 1"),
            ("mcp", f"{tmp_path}/object.json", "object.json holds no JSON list"),
            ("user_tokens", TOKEN, "the file of the user tokens cannot be read: No such file or directory"),
            ("user_id", "u1", USER_NEEDS_EMAIL),
        ):
            await write(operator, form, name, text)
            await operator.press("f4", "f2")
            await operator.until(partial(shows, operator, words))
            wrong_field = "user_email" if name == "user_id" else name
            assert operator.app.screen.focused is form.query_one(f"#option-{wrong_field}")
            await write(operator, form, name, "")
            assert words not in operator.text
        assert operator.sent == []


async def test_a_reply_takes_options_too(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("c")
        await operator.until(lambda: "F2 sends" in operator.text)
        await operator.press(*"more", "f4")
        form = operator.app.screen.query_one(OptionForm)
        await write(operator, form, "file", "https://x/1")
        await operator.send_to_waiting_task()
        await operator.until(lambda: operator.sent == ["continue"])
        (task,) = operator.here.local.store.tasks({"agent_id": "invoice-bot"})
        await operator.until(lambda: operator.here.local.platform.task(task["id"])["input"]["text"] == "more")
        assert operator.here.local.platform.task(task["id"])["input"]["files"] == ["https://x/1"]
