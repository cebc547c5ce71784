"""The form with all questions of a card: the text of each question, and its choices to pick from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.client.questions import Question
from tui.domain.answers import text_as_drawn
from tui.security.redact import Redactor
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
from tui.widgets.keys import bound_keys
from tui.widgets.styled_text import StyledLine, StyledText

OWN_WORDS = -1
"""The number that stands for the operator's own words, in the place of the number of a choice."""
OWN_WORDS_TEXT = "your own words, in the field below"
NEXT_DIGIT_SECONDS = 1.0
"""Seconds within which another digit makes a longer number of the one before."""
MOVING_BINDINGS = ("lines.down", "lines.up", "lines.first", "lines.last", "lines.page_down", "lines.page_up",
                   "lines.half_down", "lines.half_up")  # fmt: skip
"""The bindings that move the cursor; a key of theirs that is a letter does not place it."""
MARK = "( )"
PICKED_MARK = "(x)"


class FormTarget(NamedTuple):
    """The target of a part of the form: its question, and the number of the choice; None for a part without one."""

    question: int
    choice: int | None = None


class QuestionForm(Inspector):
    """An inspector that shows questions with their choices; it posts which choice is picked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "pick", "Pick the choice", show=False, id="answer.pick"),
    ]

    class ChoicePicked(Message):
        """A message that a choice of a question was picked; its number may be one that no choice has."""

        def __init__(self, question: int, choice: int, pressed_at: float | None) -> None:
            super().__init__()
            self.question = question
            self.choice = choice
            self.pressed_at = pressed_at
            """The time of the key that has picked it; None for a click."""

    class NotPicked(Message):
        """A message that a key picked no choice, because nothing has placed the cursor on one."""

        def __init__(self, pressed_at: float) -> None:
            super().__init__()
            self.pressed_at = pressed_at

    def __init__(self, redactor: Redactor, clock: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(redactor, can_fold=False, is_whole=True, id=id)
        self._clock = clock
        self._targets: list[FormTarget] = []
        """The target of each part."""
        self._picked: Mapping[int, int | None] = {}
        """The number of the choice that is picked, by question."""
        self._last_digit: tuple[float, FormTarget] | None = None
        """The time of the last digit, and the number that it picked."""
        self._last_key_at = 0.0
        """The time of the last key."""
        self._is_cursor_placed = False
        """Whether an arrow, a click or a digit has placed the cursor; a letter that moves it may be text."""

    # The questions

    def show_questions(self, questions: Sequence[Question], before: Sequence[Part] = ()) -> None:
        """Show questions, below other parts."""
        parts, targets = list(before), [FormTarget(0)] * len(before)
        for index, question in enumerate(questions):
            heading = "question" if len(questions) == 1 else f"question {index + 1} of {len(questions)}"
            parts.append(Part(heading, question.text or "(without a text)"))
            targets.append(FormTarget(index))
            if question.more:
                parts.append(Part("more about it", question.more))
                targets.append(FormTarget(index))
            for number, text in enumerate(_choice_texts(question, self._redactor), 1):
                parts.append(Part(f"{MARK} {number}", text, is_beside=True))
                targets.append(FormTarget(index, number))
            if question.options and question.takes_text:
                parts.append(Part(f"{MARK} text", OWN_WORDS_TEXT, is_beside=True))
                targets.append(FormTarget(index, OWN_WORDS))
        self._targets = targets
        self._is_cursor_placed = False
        self.show(parts)

    def show_picked(self, picked: Mapping[int, int | None]) -> None:
        """Show which choice of each question is picked."""
        self._picked = dict(picked)
        self.draw_changed()

    @property
    def question(self) -> int:
        """The index of the question under the cursor."""
        return self._target(self.cursor).question

    def _target(self, index: int) -> FormTarget:
        if not 0 <= index < len(self._rows):
            return FormTarget(0)
        return self._targets[self._rows[index].key.part]

    def move_to_choice(self, question: int, choice: int | None) -> None:
        """Move the cursor to a choice of a question, or to the first line of the question."""
        rows = range(len(self._rows))
        wanted = FormTarget(question, choice)
        first = next((index for index in rows if self._target(index).question == question), 0)
        self.move_to(next((index for index in rows if self._target(index) == wanted), first))

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return the pieces of a row; the picked choice is marked."""
        pieces = super().styled_line(index, width)
        target = self._target(index)
        if target.choice is None or self._picked.get(target.question) != target.choice:
            return pieces
        return [StyledText(piece.text.replace(MARK, PICKED_MARK) if not at else piece.text, "strong")
                for at, piece in enumerate(pieces)]  # fmt: skip

    # Picking

    def action_pick(self) -> None:
        """Pick the choice under the cursor."""
        self._pick(self._last_key_at)

    def _pick(self, pressed_at: float | None) -> None:
        target = self._target(self.cursor)
        if target.choice is not None:
            self.post_message(self.ChoicePicked(target.question, target.choice, pressed_at))

    def on_key(self, event: events.Key) -> None:
        """Pick a choice with its digits, and keep a key from picking one on which nothing has placed the cursor."""
        super().on_key(event)
        self._last_key_at = event.time
        if event.character is not None and event.character.isascii() and event.character.isdigit():
            event.stop()
            event.prevent_default()
            self._is_cursor_placed = True
            self._pick_number(event)
        elif event.key in bound_keys(self, "answer.pick"):
            if not self._is_cursor_placed:
                event.stop()
                event.prevent_default()
                self.post_message(self.NotPicked(event.time))
        elif event.is_printable:
            self._is_cursor_placed = False
        elif any(event.key in bound_keys(self, name) for name in MOVING_BINDINGS):
            self._is_cursor_placed = True

    def _pick_number(self, event: events.Key) -> None:
        """Pick the choice with the number of a digit key; digits in quick succession make one number."""
        question, number = self.question, int(event.character or 0)
        if self._last_digit is not None and self._clock() - self._last_digit[0] < NEXT_DIGIT_SECONDS:
            before = self._last_digit[1]
            longer = FormTarget(question, (before.choice or 0) * 10 + number)
            if before.question == question and longer in self._targets:
                number = longer.choice or 0
        self._last_digit = (self._clock(), FormTarget(question, number))
        self.post_message(self.ChoicePicked(question, number, event.time))

    def on_click(self, event: events.Click) -> None:
        """Pick the choice that is clicked."""
        index = self.scroll_offset.y + event.y
        super().on_click(event)
        if 0 <= index < self.count():
            self._is_cursor_placed = True
            self._pick(None)


def _choice_texts(question: Question, redactor: Redactor) -> list[str]:
    """Return the text of each choice: its label, its id if another label looks the same, and its other fields."""
    drawn = [text_as_drawn(redactor.text(label)) for _, label in question.options]
    counts = Counter(drawn)
    texts = []
    for index, (option_id, label) in enumerate(question.options):
        text = label if drawn[index] else f'"{label}"'
        if counts[drawn[index]] > 1:
            text += f"   id {option_id}"
        if question.option_notes and question.option_notes[index]:
            text += f"   {question.option_notes[index]}"
        texts.append(text)
    return texts
