"""The answer to a question of a task: the whole question, its options, the text, and what will be sent."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static, TextArea

from tui.client.log_entries import Question
from tui.screens.message_editor import MessageDraft, MessageEditor
from tui.security.redact import Redactor
from tui.security.sanitize import one_line
from tui.widgets.document_layout import Part, scalar_text
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name

VISIBILITY_CHECK_SECONDS = 0.1
"""Seconds between two looks at which lines are in sight."""


class AnswerChoice(NamedTuple):
    """What is sent for an answer, and what that is, in words."""

    sent: str
    words: str


class UnclearChoice(ValueError):
    """A text that names more than one option, or a number that no option has; the message says what to write."""


def parse_choice(question: Question, text: str) -> AnswerChoice:
    """Return what to send for a text: the id of the option that its number, label or id names, else the text."""
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
    return AnswerChoice(text, "none of the options, your own words" if question.options else "your own words")


def _options_named(question: Question, text: str) -> set[int]:
    """Return the numbers of the options that a text names; in quotation marks it is a label and nothing else."""
    labels = {number: label.strip() for number, (_, label) in enumerate(question.options, 1)}
    if len(text) > 1 and text[0] == text[-1] == '"':
        return _options_labelled(labels, text[1:-1].strip())
    named = _options_labelled(labels, text)
    named |= {number for number, (option_id, _) in enumerate(question.options, 1) if option_id == text}
    return named | {number for number in labels if str(number) == text}


def _options_labelled(labels: dict[int, str], text: str) -> set[int]:
    """Return the numbers of the options with this label; small and capital letters count only where they have to."""
    exact = {number for number, label in labels.items() if label == text}
    return exact or {number for number, label in labels.items() if label.casefold() == text.casefold()}


class AnswerScreen(MessageEditor):
    """Asks for the answer to one question; sends nothing before all of the question was in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="answer.reveal"),
    ]

    def __init__(
        self,
        title: str,
        question: Question,
        redactor: Redactor,
        key: str,
        drafts: MutableMapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(title, "", key, drafts)
        self._asked = question
        self._redactor = redactor
        self._clock = clock

    def content(self) -> ComposeResult:
        """Yield the question, the options, the text, what will be sent, and the keys."""
        with Vertical(id="dialog"):
            yield Static(one_line(self._title), id="question", markup=False)
            yield Inspector(self._redactor, can_fold=False, is_whole=True, id="asked")
            yield Inspector(self._redactor, can_fold=False, is_whole=True, id="offered")
            yield TextArea(self._drafts.get(self._key, ""), id="text", tab_behavior="focus")
            yield Static("", id="chosen", markup=False)
            yield Static("", id="keys", markup=False)

    def on_mount(self) -> None:
        """Show the question, and look again and again which lines of it are in sight."""
        self.query_one("#asked", Inspector).show([Part("question", self._asked.text)])
        offered = self.query_one("#offered", Inspector)
        offered.show([Part("options", "\n".join(self._option_lines()))])
        offered.display = bool(self._asked.options)
        self.set_interval(VISIBILITY_CHECK_SECONDS, self._draw)
        self._draw()

    def _option_lines(self) -> list[str]:
        lines = []
        for number, (option_id, label) in enumerate(self._asked.options, 1):
            told_id = "" if option_id == label else f"  id {scalar_text(option_id)}"
            lines.append(f"{number}. {label.replace(chr(10), ' ')}{told_id}")
        return lines

    def _draw(self) -> None:
        """Show what will be sent, and the keys or why nothing can be sent yet."""
        if self.is_active:
            for pane in self.query(Inspector):
                pane.note_visible_lines(self._clock())
        self.query_one("#chosen", Static).update(one_line(self._redactor.text(self._chosen_words())))
        send, leave = key_name(self, "compose.send"), key_name(self, "compose.leave")
        unseen = self.unseen
        can = f"{send} does nothing yet: {unseen}" if unseen else f"{send} sends"
        self.query_one("#keys", Static).update(f"{self._told or can} · {leave} keeps it as a draft")

    def _chosen_words(self) -> str:
        text = self.query_one(TextArea).text
        if not text.strip():
            return "write the answer, or the number or the label of an option" if self._asked.options else ""
        try:
            return f"answer: {parse_choice(self._asked, text).words}"
        except UnclearChoice as error:
            return f"not clear: {error}"

    @property
    def unseen(self) -> str:
        """What of the question was not shown yet and the keys that show it, or why it cannot be; empty when all was."""
        asked, offered = self.query_one("#asked", Inspector), self.query_one("#offered", Inspector)
        if why := asked.not_whole_reason or offered.not_whole_reason:
            return why
        unseen = self._unseen_of(asked, "question", "tab, ")
        return unseen if unseen or not self._asked.options else self._unseen_of(offered, "options", "shift+tab, ")

    def _unseen_of(self, pane: Inspector, name: str, keys_to_focus: str) -> str:
        before = "" if pane.has_focus else keys_to_focus
        return pane.not_shown_yet(name, before + key_name(self, "answer.reveal"), before)

    def action_reveal(self) -> None:
        """Show everything that is masked, for a while."""
        for pane in self.query(Inspector):
            pane.reveal_all()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Keep every letter as a draft, and show what would be sent."""
        self._told = ""
        super().on_text_area_changed(event)
        self._draw()

    def action_send(self) -> None:
        """Send the answer, once all of the question was in sight and the answer is clear."""
        text = self.query_one(TextArea).text
        if not text.strip():
            self._tell("there is nothing to send yet")
            return
        if self.unseen:
            return
        try:
            choice = parse_choice(self._asked, text)
        except UnclearChoice:
            return
        self.dismiss(MessageDraft(choice.sent, {}))

    def _tell(self, words: str) -> None:
        self._told = words
        self._draw()
