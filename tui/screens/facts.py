"""The facts of a task: every attribute of its record in groups that fold, and which secrets are present."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.client.json_values import object_of
from tui.client.task_rows import TaskRow
from tui.domain import humanize
from tui.domain.state import Change, State
from tui.domain.task_details import TaskDetails, details_of, shown_value
from tui.domain.tool_use import tool_use_of_nodes
from tui.screens.base import BaseScreen
from tui.screens.messages import CopyWanted
from tui.screens.stylesheets import stylesheet
from tui.screens.task_title import live_state, shortened_name
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.search_bar import SearchBar
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.models import Plan

SECRETS_HEADING = "secrets: present, never shown here"
NOT_SET_HEADING = "not set"
NOT_FULL = "the record is being read: so far only the list's row of it is known"
MAX_NAME_CHARS = 300
"""Characters of a name that are sanitized, before it is shortened to the room in the title."""


class FactsView(Inspector):
    """The facts as a document; no masked value in it is ever revealed."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Check whether an action is available: revealing is not."""
        return action != "reveal" and super().check_action(action, parameters)


class FactsScreen(BaseScreen[None]):
    """The screen with the facts of one task, which changes as the task does."""

    CSS_PATH = stylesheet("facts")
    LEAVE_BINDING = "facts.back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i", "leave", "back", id="facts.back"),
        Binding("y", "copy", "copy", id="facts.copy"),
        Binding("slash", "search", "search", id="facts.search"),
        Binding("n", "find(1)", "In a search, the next", show=False, id="facts.next"),
        Binding("N", "find(-1)", "In a search, the one before", show=False, id="facts.previous"),
    ]
    AUTO_FOCUS = "#facts"

    def __init__(self, task_id: str, ui: UIContext) -> None:
        super().__init__()
        self.task_id = self.followed_task = task_id
        self._ui = ui
        self._state = State()
        self._is_ready = False
        """Whether the widgets of the screen are mounted."""
        self._shown_from: tuple[TaskRow | None, int] | None = None
        """The task and the version of its activity from which the facts are shown."""
        self._ended_reason = ""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets."""
        yield SegmentLine(id="title")
        yield FactsView(self._ui.redactor, id="facts")
        keys = f"{key_name(self, 'facts.next')} and {key_name(self, 'facts.previous')} go on"
        yield SearchBar(f"Enter finds, then {keys}; {key_name(self, 'facts.back')} ends it", id="searching")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the facts after mounting, and keep the title current."""
        self._is_ready = True
        self._show_state()
        self.set_interval(1.0, self._show_title)

    def on_unmount(self) -> None:
        """Note that the widgets are unmounted, and can show nothing any more."""
        self._is_ready = False

    def on_screen_resume(self) -> None:
        """Show the current state once the screen is resumed."""
        if self._is_ready:
            self._show_state()

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the facts with a new state."""
        self._state = state
        if self._is_ready and self.is_seen:
            self._show_state()

    def follow_ended(self, task_id: str, reason: str) -> None:
        """Show the reason why following the task has ended."""
        if task_id == self.task_id:
            self._ended_reason = reason

    def _show_state(self) -> None:
        task, activity = self._state.task(self.task_id), self._state.activity(self.task_id)
        shown_from = task, activity.version if activity else 0
        if shown_from == self._shown_from:
            return
        self._shown_from = shown_from
        self._show_title()
        if task is None:
            return
        record, tool_use = task.raw, None
        if activity:
            record = with_plan(record, activity.plan)
            tool_use = tool_use_of_nodes(activity.nodes)
        parts = facts_parts(details_of(record, tool_use), self._format_time)
        if not task.is_full:
            parts = [Part("a moment", NOT_FULL), *parts]
        self.query_one(FactsView).show(parts)

    def _format_time(self, moment: datetime) -> str:
        """Return a time to the second, in UTC where the operator has chosen that."""
        return humanize.timestamp(moment, utc=self._ui.time_format == "utc")

    def _show_title(self) -> None:
        task = self._state.task(self.task_id)
        full_name = self._ui.safe(task.name, MAX_NAME_CHARS) if task else self.task_id
        name = shortened_name(full_name, self.size.width)
        title = [
            (StyledText(" xp-tui › ", "faint"), "back"),
            (StyledText(name, "strong"), "back"),
            (StyledText(" › facts", "faint"), ""),
        ]
        link = self._state.links.get(self.task_id)
        live = live_state(task, link[1] if link else None, self._ended_reason, self._ui)
        self.query_one("#title", SegmentLine).show(title, [live])

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: those of letter keys are not while a search is being written."""
        is_writing = self._is_ready and self.query_one(SearchBar).is_writing
        if is_writing and action in {"copy", "search", "find"}:
            return False
        return super().check_action(action, parameters)

    @on(SegmentLine.Picked, "#title")
    def _go_back(self) -> None:
        self.dismiss()

    def action_copy(self) -> None:
        """Open the dialog to copy a text of the selected fact, or of the task."""
        facts = self.query_one(FactsView)
        texts = {"text": facts.text_of(facts.cursor).strip()} if facts.count() else {}
        self.post_message(CopyWanted(texts | facts.copies()))

    def action_search(self) -> None:
        """Search the facts."""
        self.query_one(SearchBar).open(self.query_one(FactsView))

    def action_find(self, by: int) -> None:
        """Go to the next match of a search."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.find(by)

    def action_leave(self) -> None:
        """Leave the search, or the screen."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.close()
        else:
            self.dismiss()


def with_plan(record: dict[str, Any], plan: Plan | None) -> dict[str, Any]:
    """Return a record with the plan that the events have reported, which is newer than the record's own."""
    if plan is None:
        return record
    return {**record, "deep_planning": {**object_of(record.get("deep_planning")), **plan.raw}}


def facts_parts(details: TaskDetails, format_time: Callable[[datetime], str]) -> list[Part]:
    """Return the parts of the facts: a group each, the secrets, and the attributes that are not set, folded."""
    parts = [
        Part(group.name, {detail.label: shown_value(detail, format_time) for detail in group.details})
        for group in details.groups
    ]
    parts.append(Part(SECRETS_HEADING, "\n".join(details.secret_lines)))
    parts.append(Part(NOT_SET_HEADING, ", ".join(details.not_set), is_folded=True))
    return parts
