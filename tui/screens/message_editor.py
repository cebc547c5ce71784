"""The editor for a message: to a task's thread, or of a new task."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from tui.client.task_facts import WaitKind
from tui.domain import wait_words
from tui.domain.task_options import OptionError
from tui.screens.base import Dialog
from tui.screens.key_rhythm import QUIET_SECONDS
from tui.screens.option_draft import OptionDraft
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name, key_name_in
from tui.widgets.option_form import OptionForm
from tui.widgets.ui_context import UIContext


class MessageDraft(NamedTuple):
    """The draft of a message that is to be sent: its text, and the part of its request that the options stand for."""

    text: str
    options: dict[str, Any]
    draft_keys: tuple[str, ...]
    """The keys of the drafts of its text and of its options."""


class OptionSource(NamedTuple):
    """The source of what the editor needs for the options: how they are read, and known values of some."""

    read: Callable[[Mapping[str, str]], dict[str, Any]]
    """Reads the options from their texts and from the files that they name; raises OptionError for a mistake."""
    suggestions: Mapping[str, Collection[str]]
    """The known values of options that take any text, by name."""


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
        self, title: str, destination: str, draft_key: str, drafts: MutableMapping[str, str], ui: UIContext, *,
        options: OptionSource, hint: str = "", waits_for: WaitKind | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._destination = destination
        self._draft_key = draft_key
        self._drafts = drafts
        self._ui = ui
        self._options = options
        self._option_draft = OptionDraft(draft_key, drafts, ui.redactor)
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
            yield Static(id="with", markup=False)
            yield OptionForm(self._option_draft.texts, self._options.suggestions, id="options")
            yield Static(self._keys, id="keys", markup=False)

    def on_mount(self) -> None:
        """Focus the text after mounting, with the cursor at its end."""
        text = self.query_one(TextArea)
        text.focus()
        text.move_cursor(text.document.end)
        self._show_set_options()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Save the changed text as a draft; if it cannot be written, show the error and go on."""
        self._objected_at = None
        try:
            self._drafts[self._draft_key] = event.text_area.text
        except OSError as error:
            self._show_status(f"this is not kept as a draft: {error}")

    @on(OptionForm.OptionsChanged)
    def _keep_options(self) -> None:
        """Save the changed options as a draft, as far as they hold no secrets."""
        self._objected_at = None
        self._show_status("")
        self._show_set_options()
        try:
            self._option_draft.keep(self._form.texts)
        except OSError as error:
            self._show_status(f"this is not kept as a draft: {error}")

    @property
    def _keys(self) -> str:
        """The keys and what they do, in one line."""
        send, more, leave = (key_name(self, f"compose.{name}") for name in ("send", "more", "leave"))
        return f"{send} sends · {more} more · {leave} keeps it as a draft"

    @property
    def _form(self) -> OptionForm:
        return self.query_one(OptionForm)

    def _show_set_options(self) -> None:
        """Show which options are set, so that none is sent unseen while they are hidden."""
        labels = self._form.set_labels
        line = self.query_one("#with", Static)
        line.update(f"with {', '.join(labels)}")
        line.set_class(bool(labels), "-shown")

    def action_more(self) -> None:
        """Show more options, or hide them."""
        self._show_status("")
        dialog = self.query_one("#dialog")
        dialog.toggle_class("-options")
        if dialog.has_class("-options"):
            self._form.focus_option()
        else:
            self.query_one("#text").focus()

    def action_send(self) -> None:
        """Send the message, if there is a text and all options are valid."""
        text = self.query_one(TextArea).text.strip()
        if not text:
            self._show_status("there is nothing to send yet")
            return
        try:
            options = self._options.read(self._form.texts)
        except OptionError as error:
            self._show_status(self._ui.safe(str(error)))
            self.query_one("#dialog").add_class("-options")
            self._form.focus_option(error.option_name)
            return
        if not self._objects():
            self.dismiss(MessageDraft(text, options, (self._draft_key, self._option_draft.key)))

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
        """Show a message in the line of the keys; an empty one brings the keys back."""
        self._status = text
        self.query_one("#keys", Static).update(text or self._keys)

    def action_leave(self) -> None:
        """Leave the editor without sending; the draft is kept."""
        self.dismiss(None)
