"""The form to answer the questions of a task: an answer is a decision, held and read again before it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import TextArea

from tui.client.json_codec import canonical
from tui.domain.action import Action, Phase
from tui.domain.answers import UnclearAnswer, answer_action, questions_of, unanswerable_reason
from tui.domain.review import differences
from tui.screens.answer_draft import AnswerDraft, shown_fields
from tui.screens.base import Segments
from tui.screens.messages import AnswerDecided, ReadReview
from tui.screens.question_keys import LETTERS_BELOW, NO_LETTERS, NOT_PICKED, QuestionKeysScreen
from tui.screens.review_status import running_segments
from tui.screens.review_words import title_segments, wait_segments
from tui.screens.stylesheets import stylesheet
from tui.widgets.document_layout import Part
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.outcome_line import OutcomeLine
from tui.widgets.question_form import OWN_WORDS, QuestionForm
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import Change, State

MAX_ANSWER_CHARS = 200
"""Characters of an answer in the line that says what will be sent."""


class AnswerScreen(QuestionKeysScreen):
    """The screen with all questions of a task as one form."""

    CSS_PATH = stylesheet("answer")
    LEAVE_BINDING, UNDO_BINDING, REVEAL_BINDING = "answer.leave", "answer.undo", "answer.reveal"
    AUTO_FOCUS = "#form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "decide('answer')", "send", id="answer.send"),
        Binding("u", "undo", "undo", id="answer.undo"),
        Binding("n", "question(1)", "next question", show=False, id="answer.next"),
        Binding("N", "question(-1)", "Previous question", show=False, id="answer.previous"),
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="answer.reveal"),
        Binding("escape,q", "leave", "back", id="answer.leave"),
    ]

    def __init__(
        self,
        review: ReviewSnapshot,
        ui: UIContext,
        drafts: MutableMapping[str, str],
        running_action: Action | None = None,
        *,
        no_surface: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(review.task.id, running_action, clock)
        self._ui = ui
        self._drafts = drafts
        self._no_surface = no_surface
        """The reason why the platform's address for answers is missing; empty where it is not."""
        self._review = review
        """The review as it was read last."""
        self._draft: AnswerDraft | None = None
        """The answers to the card that is shown; None until it was read."""
        self._edited_question = 0
        """The index of the question whose text is in the field."""
        self._reread_for: object = None
        """The time of the update for which the task was last read again."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield SegmentLine(id="title")
        with Vertical(id="answers"):
            yield QuestionForm(self._ui.redactor, self._clock, id="form")
            yield SegmentLine(id="text-title")
            yield TextArea("", id="text", tab_behavior="focus")
        yield SegmentLine(id="chosen")
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Start drawing after mounting."""
        self.watch(self.form, "cursor", self._follow_cursor, init=False)
        self.set_interval(0.1, self.draw)
        self.arm()
        if (card := questions_of(self._review)) is not None:
            self._show_card(card, ())
        self.draw()

    # Called by the app

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Update the form with the review that was just read."""
        if task_id != self.task_id or self._is_decided:
            return
        before, self._review = self._review, review
        if before.digest != review.digest:
            self.arm()
            self._note = "it has changed since you opened it: read it again"
        card = questions_of(review)
        if card is not None and canonical(before.held) != canonical(review.held):
            self._show_card(card, differences(before, review, self._ui.redactor.json))
        self.refresh_bindings()
        self.draw()

    def _show_card(self, card: Questions, changes: Sequence[str]) -> None:
        """Show a card with the draft of its answers, and the changes since another one was shown."""
        before, self._draft = self._draft, None  # no text is loaded while the cursor moves
        self.text_run.end()
        draft = AnswerDraft(self.task_id, card, self._drafts)
        parts = [Part("what has changed since you opened it", "\n".join(changes))] if changes else []
        fields = shown_fields(card)
        parts += [Part(name, fields.pop(name)) for name in ("title", "description") if name in fields]
        if fields:
            parts.append(Part("more about it", fields))
        self.form.show_questions(card.asked, parts)
        self.form.show_picked(draft.picked)
        self._draft = draft
        if before is None:
            self._load_text(0)
            self.call_after_refresh(self._place_cursor)
        else:
            self._go_on_writing(before.question_keys[self._edited_question])

    def _go_on_writing(self, question_key: str) -> None:
        """Keep the field for its question where a changed card still asks it; else take the focus from the field."""
        assert self._draft
        is_writing = self.query_one(TextArea).has_focus
        if is_writing and question_key in self._draft.question_keys:
            index = self._edited_question = self._draft.question_keys.index(question_key)
            self.form.move_to_choice(index, self._draft.picked[index] or OWN_WORDS)
            return
        if is_writing:
            self.set_focus(self.form)
            self.rhythm.pause(time.monotonic())  # the keys that follow are of a text for another question
        self._load_text(0)

    def _place_cursor(self) -> None:
        """Place the cursor on the first choice if all of the form is visible; without choices, in the field."""
        if self._draft is None:
            return
        if not self._draft.questions[0].options:
            self.query_one(TextArea).focus()
        elif self.form.count() <= self.form.scrollable_content_region.height:
            self.form.move_to_choice(0, self._draft.picked[0] or 1)

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the screen with a new state: request a read if the task was updated after it was read."""
        task = state.task(self.task_id)
        if task is None or self._is_decided or self._is_running:
            return
        updated_at, read_at = task.updated_at, self._review.task.updated_at
        if updated_at and read_at and updated_at > read_at and updated_at != self._reread_for:
            self._reread_for = updated_at
            self.post_message(ReadReview(self.task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of the task failed."""
        if task_id == self.task_id:
            self._note = reason
            self.draw()

    # Choosing and writing

    @on(QuestionForm.ChoicePicked)
    def _pick(self, event: QuestionForm.ChoicePicked) -> None:
        """Pick a choice; one that does not exist is refused with the range."""
        pressed_at = event.pressed_at or time.monotonic()
        if self.note_other_key(pressed_at):  # right after the deciding key: none of a burst does anything
            self.rhythm.pause(pressed_at)
            return
        if self._draft is None or self._is_running or self._is_decided:
            return
        if event.pressed_at is None:
            self.text_run.end()
        elif not self.takes_text_key(event.pressed_at):
            return
        before = self._draft.picked[event.question]
        self._note = ""
        with self._notes_problems():
            self._draft.pick(event.question, event.choice)
            if event.pressed_at is not None:
                self.text_run.note_pick(event.question, before)
            if event.choice == OWN_WORDS:
                self.query_one(TextArea).focus()
            else:
                self.form.move_to_choice(event.question, event.choice)
        self.form.show_picked(self._draft.picked)
        self.draw()

    @on(QuestionForm.NotPicked)
    def _refuse_pick(self, event: QuestionForm.NotPicked) -> None:
        """Refuse a key that picks where nothing has placed the cursor: it may belong to a text."""
        if self.takes_text_key(event.pressed_at):
            self._note = NOT_PICKED
            self.draw()

    def refuse_text(self, choices_before: Mapping[int, int | None]) -> None:
        """Say where letters go, and restore the choices from before the first key of the text."""
        self._note = LETTERS_BELOW if self.query_one(TextArea).display else NO_LETTERS
        if self._draft is not None:
            with self._notes_problems():
                self._draft.restore(choices_before)
            self.form.show_picked(self._draft.picked)
        self.draw()

    @contextmanager
    def _notes_problems(self) -> Iterator[None]:
        """Note a choice that does not exist, or a draft that cannot be written, and go on."""
        try:
            yield
        except UnclearAnswer as error:
            self._note = str(error)
        except OSError as error:
            self._note = f"this is not kept as a draft: {error}"

    def _follow_cursor(self) -> None:
        """Show the text of the question under the cursor in the field."""
        if self._draft is not None and self.form.question != self._edited_question:
            self._load_text(self.form.question)

    def _load_text(self, index: int) -> None:
        assert self._draft
        self._edited_question = index
        area = self.query_one(TextArea)
        area.load_text(self._draft.texts[index])
        area.move_cursor(area.document.end)
        self.draw()

    @on(TextArea.Changed)
    def _write(self, event: TextArea.Changed) -> None:
        """Keep the changed text, which picks the operator's own words."""
        index, text = self._edited_question, event.text_area.text
        if self._draft is None or text == self._draft.texts[index]:
            return  # the text of another question was loaded
        self.note_other_key(time.monotonic())
        self._note = ""
        with self._notes_problems():
            self._draft.write(index, text)
        self.form.show_picked(self._draft.picked)
        self.draw()

    def action_question(self, by: int) -> None:
        """Go to the next question, or to the previous one."""
        if self._draft is not None:
            index = (self.form.question + by) % len(self._draft.questions)
            self.form.move_to_choice(index, self._draft.picked[index] or 1)

    # Drawing

    def draw(self) -> None:
        """Draw the titles, the answers, the outcome, and the status line; note the visible lines."""
        self.note_visible_lines()
        about_wait = [] if self._is_decided else wait_segments(self._review, None, self._ui)
        title = title_segments(self._review, self._ui, name="Answer")
        self.query_one("#title", SegmentLine).show(title, [*about_wait, StyledText(self.presence, "need")])
        self._draw_field()
        self.query_one("#chosen", SegmentLine).show(list(self._chosen_segments()), [])
        outcome = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            outcome = self._ui.redactor.text(self._action.words)
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])

    def _draw_field(self) -> None:
        """Show the field for a text only where the question takes one, and it can be sent."""
        draft, area, title = self._draft, self.query_one(TextArea), self.query_one("#text-title", SegmentLine)
        is_open = draft is not None and not self._is_running and not self._closed_reason
        is_shown = draft is not None and is_open and draft.questions[self._edited_question].takes_text
        if not is_shown and area.has_focus:
            self.form.focus()
        area.display = title.display = is_shown
        self.form.set_class(not is_shown, "-alone")
        words = "your answer, kept as a draft"
        if draft is not None and draft.questions[self._edited_question].options:
            words = "or in your own words, kept as a draft"
        if draft is not None and len(draft.questions) > 1:
            words = f"{draft.name_of(self._edited_question)}: {words}"
        title.show([(StyledText(f"  {words}", "faint"), "text")], [])

    def _chosen_segments(self) -> Iterator[tuple[StyledText, str]]:
        """Yield what will be sent for each question, or why it is not clear yet."""
        if self._draft is None or self._is_running or self._is_decided or self._no_surface:
            return
        for index in range(len(self._draft.questions)):
            text, is_clear = self._draft.describe(index)
            name = index + 1 if len(self._draft.questions) > 1 else "answer"
            text = self._ui.safe(f"{name}: {text}", MAX_ANSWER_CHARS)
            yield StyledText(f" {text} ", "strong" if is_clear else "need"), ""

    def _status_segments(self) -> Segments:
        """Return the status line: the running action, or the note and the key that sends."""
        if self._action is not None and self._is_running:
            retractable = self._is_retractable
            return running_segments(self, self._action, self._ui, self._held_actions, is_retractable=retractable)
        blocked = self.blocked_now
        segments: Segments = []
        if not self._closed_reason:
            button = StyledText(f" {key_name(self, 'answer.send')} send ", "button-off" if blocked else "button")
            segments = [(StyledText(" "), ""), (button, "send"), (StyledText(" "), "")]
        if self._note:
            segments.append((StyledText(f" {self._ui.safe(self._note)} ", "need"), ""))
        if self._draft is not None and blocked and blocked == self._draft.problem:
            blocked = self._keys_to_answer()  # what is not answered is in the line above
        if blocked:
            style = "need" if self._is_refused else "faint"
            segments.append((StyledText(f" {self._ui.safe(blocked)} ", style), ""))
        return segments

    def _keys_to_answer(self) -> str:
        """Return the keys that answer the question under the cursor."""
        assert self._draft
        question = self._draft.questions[self.form.question]
        ways = "write the answer" if question.takes_text else ""
        if question.options:
            ways = f"a digit, an arrow and {key_name(self.form, 'answer.pick')}, or a click picks a choice"
        if len(self._draft.questions) > 1:
            ways += f"; {key_name(self, 'answer.next')} goes to the next question"
        return ways

    # Deciding

    @property
    def blocked(self) -> str:
        """The reason why nothing can be sent yet; empty when it can."""
        if reason := self._closed_reason:
            return reason
        if self._is_running:
            return "a decision is under way"
        return self._unseen or (self._draft.problem if self._draft is not None else "")

    @property
    def _unseen(self) -> str:
        """The unseen part of the form, with the keys that show it, or why it cannot be shown; empty if none is."""
        form = self.form
        return form.not_whole_reason or self.not_shown_yet(form, "questions", "" if form.has_focus else "tab, ")

    @property
    def _closed_reason(self) -> str:
        """The reason why nothing can be answered here; empty when it can."""
        if reason := self._ui.read_only or self._no_surface:
            return reason
        if self._is_decided:
            return f"{key_name(self, self.LEAVE_BINDING)} goes back"
        return unanswerable_reason(self._review)

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled."""
        if action == "decide":
            return self._closed_reason
        if action == "undo" and not (self._is_retractable or self._held):
            return "nothing is held"
        return ""

    def action_decide(self, verb: str) -> None:
        """Send the answers, unless something blocks it."""
        if self.takes_deciding_key(self.blocked) and self._draft is not None:
            self.note_decision()
            self.form.focus()
            action = answer_action(self._review, self._draft.card, self._draft.answers)
            self.post_message(AnswerDecided(action, self._draft.keys))
        self.draw()

    def action_leave(self) -> None:
        """Leave the screen; what was chosen and written is kept as a draft, and a held answer stays held."""
        self.leave()

    @on(SegmentLine.Picked)
    def _handle_segment(self, event: SegmentLine.Picked) -> None:
        match event.name:
            case "send":
                self._pressed_at = None  # of the last key; the click is now
                self.action_decide("answer")
            case "undo":
                self.take_back()
            case "text":
                self.query_one(TextArea).focus()
            case "back":
                self.leave()
