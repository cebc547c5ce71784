"""The filter of the task list: the input, the error below it, and the query that the platform can answer itself."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import Static

from tui.client.task_rows import TaskQuery
from tui.domain.filter_values import is_status_begun
from tui.domain.filters import FIELDS, Filter, FilterContext, FilterError, parse_filter
from tui.domain.list_status import counted_total
from tui.domain.seen_values import SeenValues
from tui.domain.state import State
from tui.widgets.filter_input import FilterInput
from tui.widgets.keys import key_name
from tui.widgets.ui_context import UIContext

SERVER_FILTER_DELAY_SECONDS = 0.6
"""Debounce: seconds without typing before the platform is asked for a filtered list."""
FIELD_OF_QUERY_PARAMETER = {
    "status": "status",
    "agent_id": "agent",
    "parent_task_id": "parent",
    "triggering_agent_id": "triggering",
    "internal_status": "internal",
    "from_date": "age",
    "to_date": "age",
}
"""The field of a filter that each parameter of the platform's query comes from."""
EXAMPLE_FILTER = "status:paused agent:invoice* age:<2d words"


class TaskFilter(Vertical):
    """A filter for tasks: an input, and the error below it.

    The task list watches `active_filter`; the app reads the list for a `ServerQueryChanged`.
    """

    active_filter: var[Filter] = var(Filter, init=False)
    """The last filter that could be parsed. While the operator types, an unfinished last word is left out of it."""

    class ServerQueryChanged(Message):
        """A message that the query for the platform has changed; it is None if the platform cannot narrow the list."""

        def __init__(self, query: TaskQuery | None) -> None:
            super().__init__()
            self.query = query

    def __init__(self, ui: UIContext, seen_values: SeenValues) -> None:
        super().__init__()
        self._ui = ui
        self._seen_values = seen_values
        self._state = State()
        self._server_query: TaskQuery | None = None
        self._server_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Compose the input with the texts at its right, and the error below it."""
        with Horizontal(id="line"):
            yield Static(" / ", id="slash", markup=False)
            yield FilterInput(self._ui.memory, self._seen_values.values, placeholder=EXAMPLE_FILTER, id="filter")
            yield Static("", id="only", markup=False)
            yield Static("", id="there", markup=False)
            yield Static("", id="known", markup=False)
        yield Static(id="wrong", markup=False)

    @property
    def input(self) -> FilterInput:
        """The input for the filter."""
        return self.query_one(FilterInput)

    def update_state(self, state: State) -> None:
        """Update the state, from which a filter takes the names of agents and why tasks wait."""
        self._state = state

    def show_group(self, group: str | None) -> None:
        """Show that only this group is listed, and the key that lists all groups; None clears the text."""
        text = ""
        if group:
            text = f" only {group.lower()}: {key_name(self.screen, 'tasks.leave')} shows all "
        self.query_one("#only", Static).update(text)

    def show_server_count(self, query: TaskQuery, total: int | None) -> None:
        """Show the count of tasks that the platform has for this query, if it is still the current one."""
        if query != self._server_query:
            return
        fields = [field for name, field in FIELD_OF_QUERY_PARAMETER.items() if getattr(query, name)]
        different_fields = dict.fromkeys(fields)
        text = f" {', '.join(different_fields)} asked of the platform: {counted_total(total)} "
        self.query_one("#there", Static).update(text)

    def show_coverage(self, words: str) -> None:
        """Show for how many tasks the fields of the filter are known; an empty text if for all."""
        if words:
            words = f" {words} "
        self.query_one("#known", Static).update(words)

    def show_refusal(self, query: TaskQuery, reason: str) -> None:
        """Show why the platform does not take this query, if it is still the current one."""
        if query == self._server_query:
            self._show_mistake(f" the platform does not take this filter: {reason}")

    def _show_mistake(self, text: str) -> None:
        """Show the mistake in the filter; an empty text clears it."""
        self.query_one("#wrong", Static).update(text)
        self.query_one("#wrong").set_class(bool(text), "-shown")
        self.input.set_class(bool(text), "-wrong")

    @on(FilterInput.Changed)
    def _parse_text(self, event: FilterInput.Changed) -> None:
        """Parse what is typed, show its error, and start the debounce anew."""
        self._use_text(_complete_part(event.value))
        if self._server_timer:
            self._server_timer.stop()
        self._server_timer = self.set_timer(SERVER_FILTER_DELAY_SECONDS, self._update_server_query)

    def _update_server_query(self) -> None:
        """Post the part of the filter that the platform can evaluate, if it has changed."""
        server_query: TaskQuery | None = self.active_filter.pushed_down(filter_context(self._ui, self._state))
        if server_query == Filter().pushed_down():
            server_query = None
        if server_query != self._server_query:
            self._server_query = server_query
            self.query_one("#there", Static).update("")
            self.post_message(self.ServerQueryChanged(server_query))

    @on(FilterInput.Submitted)
    def _use_whole_text(self, event: FilterInput.Submitted) -> None:
        """Use the whole text on Enter, the last word too."""
        self.input.remember()
        self._use_text(event.value)

    def _use_text(self, text: str) -> None:
        """Use a text as the filter; if there is a mistake in it, show it, and keep the filter before it."""
        mistake = ""
        try:
            self.active_filter = parse_filter(text)
        except FilterError as error:
            _, mistake = error.underlined().split("\n", 1)  # without the filter itself, which is in the input above
        self._show_mistake(mistake)


def filter_context(ui: UIContext, state: State) -> FilterContext:
    """Return what a filter needs in addition to the task it tests: the time, agents' names, and why tasks wait."""
    return FilterContext(ui.now(), agent_names(state), lambda task: state.wait(task.id))


def agent_names(state: State) -> dict[str, str]:
    """Return the names of all agents by their ids."""
    return {agent_id: agent.name for agent_id, (_, agent) in state.agents.items()}


def _complete_part(text: str) -> str:
    """Return the complete part of a filter.

    `invoice -sta` is returned without `-sta`, which may become the field `-status:`, and `status:pau` is left out.
    """
    complete_words, _, last_word = text.rpartition(" ")
    name = last_word.removeprefix("-")
    may_become_field = bool(name) and any(field.startswith(name) for field in FIELDS)
    field, _, values = name.partition(":")
    may_become_status = field == "status" and is_status_begun(values.rpartition(",")[2])
    if may_become_field or may_become_status:
        return complete_words.rstrip()
    return text
