"""The editor for the answer to a question of a task, which shows what will be sent."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from tui.client.questions import Question
from tui.screens.message_editor import MessageDraft, MessageEditor
from tui.security.redact import Redactor
from tui.security.sanitize import one_line
from tui.widgets.document_layout import Part, scalar_text
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name

VISIBILITY_CHECK_SECONDS = 0.1
"""Seconds between two checks of which lines are visible."""


class AnswerChoice(NamedTuple):
    """The choice that an answer makes: the value to send, and a description of it."""

    value: str
    description: str


class UnclearChoice(ValueError):
    """An unclear choice: a text that names several options, or a number that no option has."""


def parse_choice(question: Question, text: str) -> AnswerChoice:
    """Parse a text into a choice: an option that it names by number, label or id, else the text itself."""
    text = text.strip()
    numbers = _options_named(question, text)
    if len(numbers) > 1:
        labels = " and ".join(f"{number}. {scalar_text(question.options[number - 1][1])}" for number in sorted(numbers))
        raise UnclearChoice(f"{scalar_text(text)} names {labels}: write the label of one in quotation marks")
    for number in numbers:
        option_id, label = question.options[number - 1]
        return AnswerChoice(option_id, f"option {number}, {scalar_text(label)}, sent as {scalar_text(option_id)}")
    if question.options and text.isdigit():
        raise UnclearChoice(f"there is no option {text}, the last is {len(question.options)}")
    if question.options:
        return AnswerChoice(text, "none of the options, your own words")
    return AnswerChoice(text, "your own words")


def _options_named(question: Question, text: str) -> set[int]:
    """Return the numbers of the options that a text names; in quotation marks, it can only be a label."""
    labels = {number: label.strip() for number, (_, label) in enumerate(question.options, 1)}
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _options_labelled(labels, text[1:-1].strip())
    named = _options_labelled(labels, text)
    named |= {number for number, (option_id, _) in enumerate(question.options, 1) if option_id == text}
    return named | {number for number in labels if str(number) == text}


def _options_labelled(labels: dict[int, str], text: str) -> set[int]:
    """Return the numbers of the options labelled so; upper and lower case differ only if a label matches exactly."""
    exact = {number for number, label in labels.items() if label == text}
    return exact or {number for number, label in labels.items() if label.casefold() == text.casefold()}


class AnswerScreen(MessageEditor):
    """A screen to answer one question; the answer cannot be sent before all of the question was shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="answer.reveal"),
    ]

    def __init__(
        self,
        title: str,
        question: Question,
        redactor: Redactor,
        draft_key: str,
        drafts: MutableMapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(title, "", draft_key, drafts)
        self._question = question
        self._redactor = redactor
        self._clock = clock

    def content(self) -> ComposeResult:
        """Yield the content: the question, its options, the text, what will be sent, and the keys."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Inspector(self._redactor, can_fold=False, is_whole=True, id="asked")
            yield Inspector(self._redactor, can_fold=False, is_whole=True, id="offered")
            yield TextArea(self._drafts.get(self._draft_key, ""), id="text", tab_behavior="focus")
            yield Static("", id="chosen", markup=False)
            yield Static("", id="keys", markup=False)

    def on_mount(self) -> None:
        """Show the question after mounting, and check regularly which lines of it are visible."""
        self.query_one("#asked", Inspector).show([Part("question", self._question.text)])
        offered = self.query_one("#offered", Inspector)
        offered.show([Part("options", "\n".join(self._option_lines()))])
        offered.display = bool(self._question.options)
        self.set_interval(VISIBILITY_CHECK_SECONDS, self._draw)
        self._draw()

    def _option_lines(self) -> list[str]:
        lines = []
        for number, (option_id, label) in enumerate(self._question.options, 1):
            line = f"{number}. {label.replace(chr(10), ' ')}"
            if option_id != label:
                line += f"  id {scalar_text(option_id)}"
            lines.append(line)
        return lines

    def _draw(self) -> None:
        """Draw what will be sent, and the keys or the reason why nothing can be sent yet."""
        if self.is_active:
            for pane in self.query(Inspector):
                pane.note_visible_lines(self._clock())
        self.query_one("#chosen", Static).update(one_line(self._redactor.text(self._choice_text())))
        send, leave = key_name(self, "compose.send"), key_name(self, "compose.leave")
        status = f"{send} sends"
        if unseen := self.unseen:
            status = f"{send} does nothing yet: {unseen}"
        self.query_one("#keys", Static).update(f"{self._status or status} · {leave} keeps it as a draft")

    def _choice_text(self) -> str:
        text = self.query_one(TextArea).text
        if not text.strip() and not self._question.options:
            return ""
        if not text.strip():
            return "write the answer, or the number or the label of an option"
        try:
            return f"answer: {parse_choice(self._question, text).description}"
        except UnclearChoice as error:
            return f"not clear: {error}"

    @property
    def unseen(self) -> str:
        """The unseen part of the question, with the keys that show it, or why it cannot be shown; empty if none is."""
        question, options = self.query_one("#asked", Inspector), self.query_one("#offered", Inspector)
        if reason := question.not_whole_reason or options.not_whole_reason:
            return reason
        unseen = self._unseen_of(question, "question", "tab, ")
        if unseen or not self._question.options:
            return unseen
        return self._unseen_of(options, "options", "shift+tab, ")

    def _unseen_of(self, pane: Inspector, name: str, keys_to_focus: str) -> str:
        focus_prefix = "" if pane.has_focus else keys_to_focus
        return pane.not_shown_yet(name, focus_prefix + key_name(self, "answer.reveal"), focus_prefix)

    def action_reveal(self) -> None:
        """Reveal all masked values for a while."""
        for pane in self.query(Inspector):
            pane.reveal_all()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Save the changed text as a draft, and show what would be sent."""
        self._status = ""
        super().on_text_area_changed(event)
        self._draw()

    def action_send(self) -> None:
        """Send the answer, once all of the question was shown and the choice is clear."""
        text = self.query_one(TextArea).text
        if not text.strip():
            self._show_status("there is nothing to send yet")
            return
        if self.unseen:
            return
        try:
            choice = parse_choice(self._question, text)
        except UnclearChoice:
            return
        self.dismiss(MessageDraft(choice.value, {}))

    def _show_status(self, text: str) -> None:
        self._status = text
        self._draw()
