"""The filter of the task list: where it is written, what is wrong with it, what the platform was asked for."""

from __future__ import annotations

from contextlib import suppress

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import Static

from tui.client.task_rows import TaskQuery
from tui.domain.filters import FIELDS, Filter, FilterContext, FilterError, parse_filter
from tui.domain.seen_values import SeenValues
from tui.domain.state import State
from tui.widgets.filter_input import FilterInput
from tui.widgets.keys import key_name
from tui.widgets.ui_context import UIContext

SERVER_FILTER_DELAY_SECONDS = 0.6
"""Seconds after the last letter until the platform itself is asked for what the filter wants."""
QUERY_FIELDS = {
    "status": "status", "agent_id": "agent", "parent_task_id": "parent", "from_date": "age", "to_date": "age",
}  # fmt: skip
"""Parameters of the platform's query, and the fields of a filter that they stand for."""
EXAMPLE_FILTER = "status:paused agent:invoice* age:<2d words"


class TaskFilter(Vertical):
    """A line for the filter, and below it what is wrong with the filter."""

    asked: var[Filter] = var(Filter, init=False)
    """The filter as far as it can be used while it is written."""

    class ServerQueryChanged(Message):
        """The platform itself is to be asked for what the filter wants."""

        def __init__(self, query: TaskQuery | None) -> None:
            super().__init__()
            self.query = query

    def __init__(self, ui: UIContext, seen: SeenValues) -> None:
        super().__init__()
        self._ui = ui
        self._seen = seen
        self._state = State()
        self._server_query: TaskQuery | None = None
        self._server_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the line, and what is wrong."""
        with Horizontal(id="line"):
            yield Static(" / ", id="slash", markup=False)
            yield FilterInput(self._ui.memory, self._seen.values, placeholder=EXAMPLE_FILTER, id="filter")
            yield Static("", id="only", markup=False)
            yield Static("", id="there", markup=False)
        yield Static(id="wrong", markup=False)

    @property
    def input(self) -> FilterInput:
        """Where the filter is written."""
        return self.query_one(FilterInput)

    def update_state(self, state: State) -> None:
        """Take the new state: the names of agents and waits that the filter is about."""
        self._state = state

    def show_group(self, group: str | None) -> None:
        """Say which group is shown alone, where one is."""
        leave = key_name(self.screen, "tasks.leave")
        self.query_one("#only", Static).update(f" only {group.lower()}: {leave} shows all " if group else "")

    def answered(self, query: TaskQuery, total: int) -> None:
        """Say how many tasks the platform has of what it was asked for."""
        if query == self._server_query:
            names = [QUERY_FIELDS[name] for name in QUERY_FIELDS if getattr(query, name)]
            self.query_one("#there", Static).update(f" {', '.join(names)} asked of the platform: {total:,} ")

    @on(FilterInput.Changed)
    def _parse(self, event: FilterInput.Changed) -> None:
        wrong = ""
        try:
            self.asked = parse_filter(_usable(event.value))
        except FilterError as error:
            wrong = error.underlined().split("\n", 1)[1]  # the text itself stands above it
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#wrong").set_class(bool(wrong), "-shown")
        event.input.set_class(bool(wrong), "-wrong")
        if self._server_timer:
            self._server_timer.stop()
        self._server_timer = self.set_timer(SERVER_FILTER_DELAY_SECONDS, self._ask_server)

    def _ask_server(self) -> None:
        """Ask the platform for the part of the filter that it can filter by."""
        query = self.asked.pushed_down(filter_context(self._ui, self._state))
        wanted = query if query != Filter().pushed_down() else None
        if wanted != self._server_query:
            self._server_query = wanted
            self.query_one("#there", Static).update("")
            self.post_message(self.ServerQueryChanged(wanted))

    @on(FilterInput.Submitted)
    def _use(self, event: FilterInput.Submitted) -> None:
        self.input.remember()
        with suppress(FilterError):
            self.asked = parse_filter(event.value)


def filter_context(ui: UIContext, state: State) -> FilterContext:
    """Return what a filter has to know besides a task: the time, the names of agents, who waits."""
    waits = {task_id: wait for task_id in state.logs if (wait := state.wait(task_id))}
    return FilterContext(ui.now(), agent_names(state), waits)


def agent_names(state: State) -> dict[str, str]:
    """Return the names of all agents by their ids."""
    return {agent_id: told[1].name for agent_id, told in state.agents.items()}


def _usable(text: str) -> str:
    """Return what of a filter can be used while it is written: a last word that may become a field's name waits."""
    last = text.rsplit(" ", 1)[-1].lstrip("-")
    is_beginning = bool(last) and any(name.startswith(last) for name in FIELDS)
    return text[: len(text) - len(last)].rstrip("- ") if is_beginning else text
