"""Something to say: in a task's thread, as a new task, or as the answer to a question."""

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
    """What was written, and what goes with it."""

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
"""What can go with a new task beside its words; `xp-tui run` takes the rest."""


class MessageEditor(Dialog[MessageDraft | None]):
    """A text of several lines, safe to paste into; it is kept as a draft until it was sent."""

    LEFT_BY = "compose.leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "send", "send", id="compose.send"),
        Binding("f4", "more", "More", show=False, id="compose.more"),
        Binding("escape", "leave", "keep as a draft", id="compose.leave"),
    ]

    def __init__(
        self, title: str, where: str, key: str, drafts: MutableMapping[str, str], *, has_options: bool = False
    ) -> None:
        super().__init__()
        self._title, self._where, self._key, self._drafts = title, where, key, drafts
        self._has_options = has_options
        self._told = ""
        """What was told last in the line of the keys."""

    def content(self) -> ComposeResult:
        """Where it goes, the text, and what can go with it."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Static(one_line(self._where), id="about", markup=False)
            yield TextArea(self._drafts.get(self._key, ""), id="text", tab_behavior="focus")
            if self._has_options:
                with VerticalScroll(id="options"):
                    for name, about in TASK_OPTIONS.items():
                        yield Input(placeholder=about, id=name, compact=True)
            more = f" · {key_name(self, 'compose.more')} more" if self._has_options else ""
            send, leave = key_name(self, "compose.send"), key_name(self, "compose.leave")
            yield Static(f"{send} sends{more} · {leave} keeps it as a draft", id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin to write, behind what is there."""
        text = self.query_one(TextArea)
        text.focus()
        text.move_cursor(text.document.end)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Keep every letter; where the disk takes none, say so and go on."""
        try:
            self._drafts[self._key] = event.text_area.text
        except OSError as error:
            self._tell(f"this is not kept as a draft: {error}")

    def action_more(self) -> None:
        """Show what else can be said, or hide it."""
        if self._has_options:
            options = self.query_one("#options")
            options.toggle_class("-shown")
            self.query_one("#title" if options.has_class("-shown") else "#text").focus()

    def action_send(self) -> None:
        """Send it, if there is anything to send."""
        text = self.query_one(TextArea).text.strip()
        if not text:
            self._tell("there is nothing to send yet")
            return
        found: dict[str, Any] = {one.id or "": one.value.strip() for one in self.query(Input) if one.value.strip()}
        if "files" in found:
            found["files"] = [name.strip() for name in found["files"].split(",") if name.strip()]
        for name, allowed in (
            ("output_format", ("text", "markdown", "json", "voice")),
            ("think_mode", ("default", "harder")),
        ):
            if found.get(name, allowed[0]) not in allowed:
                self._tell(f"{name.replace('_', ' ')} is one of {', '.join(allowed)}")
                return
        self.dismiss(MessageDraft(text, found))

    def _tell(self, words: str) -> None:
        self._told = words
        self.query_one("#keys", Static).update(words)

    def action_leave(self) -> None:
        """Not now: the draft stays."""
        self.dismiss(None)
