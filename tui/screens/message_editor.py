"""The editor for a message: to a task's thread, or of a new task."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Static, TextArea

from tui.screens.base import Dialog
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name


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
        has_options: bool = False, hint: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._destination = destination
        self._draft_key = draft_key
        self._drafts = drafts
        self._has_options = has_options
        self._hint_text = hint
        """What the operator should know before writing; empty where there is nothing."""
        self._status = ""
        """The message in the line of the keys; empty while it shows the keys."""

    def content(self) -> ComposeResult:
        """Yield the content: the destination, the text, the options, and the keys."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Static(one_line(self._destination), id="about", markup=False)
            if self._hint_text:
                yield Static(one_line(self._hint_text), id="hint", markup=False)
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
        self.dismiss(MessageDraft(text, options))

    def _show_status(self, text: str) -> None:
        self._status = text
        self.query_one("#keys", Static).update(text)

    def action_leave(self) -> None:
        """Leave the editor without sending; the draft is kept."""
        self.dismiss(None)
