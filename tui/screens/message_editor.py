"""The editor for a message: to a task's thread, or of a new task."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, ClassVar, NamedTuple

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static, TextArea

from tui.client.task_facts import WaitKind
from tui.domain import wait_words
from tui.screens.base import Dialog
from tui.screens.key_rhythm import QUIET_SECONDS
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name, key_name_in


class MessageDraft(NamedTuple):
    """The text of a message, and its options."""

    text: str
    options: dict[str, Any]


TASK_OPTIONS = {
    "title": "title",
    "files": "files: addresses, with commas between",
    "output_format": "form of the result: text, markdown, json or voice",
    "expected_output": "what is expected",
    "instructions_override": "instructions instead of the agent's own",
    "additional_context": "context",
    "think_mode": "thinking: default or harder",
}
"""The options of a new task that the editor offers, with their descriptions; `xp-tui run` takes all others."""


OPTION_VALUES = {
    "output_format": ("text", "markdown", "json", "voice"),
    "think_mode": ("default", "harder"),
}
"""The values that an option accepts, where it does not accept any text."""


def waiting_words(app: App[Any], kind: WaitKind) -> str:
    """Return a sentence about a wait for a person, and about what decides it instead of a message."""
    from tui.screens.review import ReviewScreen  # late: only a task that waits for a person needs them
    from tui.screens.task_list import TaskListScreen

    review = key_name_in(app, TaskListScreen, "tasks.review")
    deciding = wait_words.DECIDED_ON_PLATFORM.get(kind, f"its review ({review}) does")
    if kind is WaitKind.SIGN_IN:
        deciding = f"signing in ({review}, then {key_name_in(app, ReviewScreen, 'review.browse')}) does"
    return f"the task waits for {wait_words.subject_of(kind)}: a message does not decide it, {deciding}"


class MessageEditor(Dialog[MessageDraft | None]):
    """An editor for a message of several lines, which is kept as a draft until it is sent."""

    LEAVE_BINDING = "compose.leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "send", "send", id="compose.send"),
        Binding("f4", "more", "More", show=False, id="compose.more"),
        Binding("escape", "leave", "keep as a draft", id="compose.leave"),
    ]

    def __init__(
        self, title: str, destination: str, draft_key: str, drafts: MutableMapping[str, str], *,
        has_options: bool = False, hint: str = "", waits_for: WaitKind | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._destination = destination
        self._draft_key = draft_key
        self._drafts = drafts
        self._has_options = has_options
        self._hint_text = hint
        """What the operator should know before writing; empty where there is nothing."""
        self._waits_for = waits_for
        """The kind of decision for which the task waits, which no message is; None where it waits for none."""
        self._objected_at: float | None = None
        """The time of the last key that was answered with the objection; None since the text was changed."""
        self._status = ""
        """The message in the line of the keys; empty while it shows the keys."""

    def content(self) -> ComposeResult:
        """Yield the content: the destination, the text, the options, and the keys."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Static(one_line(self._destination), id="about", markup=False)
            if self._hint_text:
                yield Static(one_line(self._hint_text), id="hint", markup=False)
            if self._waits_for is not None:
                yield Static(waiting_words(self.app, self._waits_for), id="hint", markup=False)
            yield TextArea(self._drafts.get(self._draft_key, ""), id="text", tab_behavior="focus")
            if self._has_options:
                with VerticalScroll(id="options"):
                    for name, description in TASK_OPTIONS.items():
                        yield Input(placeholder=description, id=name, compact=True)
            send, leave = key_name(self, "compose.send"), key_name(self, "compose.leave")
            keys = f"{send} sends"
            if self._has_options:
                keys += f" · {key_name(self, 'compose.more')} more"
            yield Static(f"{keys} · {leave} keeps it as a draft", id="keys", markup=False)

    def on_mount(self) -> None:
        """Focus the text after mounting, with the cursor at its end."""
        text = self.query_one(TextArea)
        text.focus()
        text.move_cursor(text.document.end)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Save the changed text as a draft; if it cannot be written, show the error and go on."""
        self._objected_at = None
        try:
            self._drafts[self._draft_key] = event.text_area.text
        except OSError as error:
            self._show_status(f"this is not kept as a draft: {error}")

    def action_more(self) -> None:
        """Show more options, or hide them."""
        if not self._has_options:
            return
        options = self.query_one("#options")
        options.toggle_class("-shown")
        if options.has_class("-shown"):
            self.query_one("#title").focus()
        else:
            self.query_one("#text").focus()

    def action_send(self) -> None:
        """Send the message, if there is a text and all options are valid."""
        text = self.query_one(TextArea).text.strip()
        if not text:
            self._show_status("there is nothing to send yet")
            return
        values = {field.id or "": field.value.strip() for field in self.query(Input)}
        options: dict[str, Any] = {name: value for name, value in values.items() if value}
        for name, allowed in OPTION_VALUES.items():
            if options.get(name, allowed[0]) not in allowed:
                self._show_status(f"{name.replace('_', ' ')} is one of {', '.join(allowed)}")
                return
        if "files" in options:
            files = map(str.strip, options["files"].split(","))
            options["files"] = [name for name in files if name]
        if not self._objects():
            self.dismiss(MessageDraft(text, options))

    def _objects(self) -> bool:
        """Return whether the key that sends has to be pressed again, and say why."""
        now, before = time.monotonic(), self._objected_at
        self._objected_at = now
        if self._waits_for is None or (before is not None and now - before >= QUIET_SECONDS):
            return False
        subject, send = wait_words.subject_of(self._waits_for), key_name(self, "compose.send")
        self._show_status(
            f"the task waits for {subject}, which a message does not decide: {send} again sends the message"
        )
        return True

    def _show_status(self, text: str) -> None:
        self._status = text
        self.query_one("#keys", Static).update(text)

    def action_leave(self) -> None:
        """Leave the editor without sending; the draft is kept."""
        self.dismiss(None)
