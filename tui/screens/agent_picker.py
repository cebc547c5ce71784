"""The agent picker: choose an agent to list its tasks, or to create a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from tui.client.models import Agent
from tui.screens.base import Dialog
from tui.screens.messages import AgentPageWanted
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

STATUS_CELLS = 10
MIN_NAME_CELLS = 8
SPACES = 2
"""The space before the name, and the one after the status."""


class AgentChoice(NamedTuple):
    """The chosen agent, and whether to create a new task for it or to list its tasks."""

    agent: Agent
    is_new: bool


class AgentList(VirtualList):
    """A list of agents, one per line."""

    def __init__(self, ui: UIContext, agents: Sequence[Agent], counts: Mapping[str, int], *, id: str) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._all_agents = agents
        self._counts = counts
        self.agents = agents

    def narrow(self, text: str) -> None:
        """Narrow the list to agents with this text in their name or id; names that start with it come first."""
        cursor_before = self.rows_will_change()
        wanted = text.casefold()
        matching = [agent for agent in self._all_agents if wanted in f"{agent.name} {agent.id}".casefold()]
        starting = [agent for agent in matching if agent.name.casefold().startswith(wanted)]
        others = [agent for agent in matching if not agent.name.casefold().startswith(wanted)]
        self.agents = starting + others
        self.rows_changed(cursor_before)

    def count(self) -> int:
        """Return the count of the agents in the list."""
        return len(self.agents)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a line as styled text: the name of an agent, its status, and the count of its loaded tasks."""
        agent = self.agents[index]
        status = fit(self._ui.safe(agent.status or ""), STATUS_CELLS)
        task_count = f"{self._counts.get(agent.id, 0):>5} tasks "
        cells_beside_name = SPACES + STATUS_CELLS + len(task_count)
        name = fit(self._ui.safe(agent.name), max(width - cells_beside_name, MIN_NAME_CELLS))
        return [
            StyledText(f" {name}", "strong"),
            StyledText(f"{status} ", "faint"),
            StyledText(task_count, "faint"),
        ]


class AgentPicker(Dialog[AgentChoice | None]):
    """A picker of agents: type to narrow the list; Enter lists the tasks of an agent, F3 creates a new one."""

    LEAVE_BINDING = "agents.leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="agents.leave"),
        Binding("up", "move(-1)", "Up", show=False, id="agents.up", priority=True),
        Binding("down", "move(1)", "Down", show=False, id="agents.down", priority=True),
        Binding("f3", "create", "new task", id="agents.new"),
        Binding("f4", "page", "its page", id="agents.page"),
    ]

    def __init__(
        self,
        ui: UIContext,
        agents: Sequence[Agent],
        counts: Mapping[str, int],
        *,
        is_new: bool = False,
        selected_id: str | None = None,
    ) -> None:
        super().__init__()
        self._selected_id = selected_id
        self._ui = ui
        self._agents = agents
        self._counts = counts
        self._is_new = is_new
        """Whether Enter creates a new task for the agent instead of listing its tasks."""

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: the input, the agents, and the keys."""
        with Vertical(id="dialog"):
            yield Static("A new task: which agent?" if self._is_new else "Agents", id="question", markup=False)
            yield Input(placeholder="type to narrow", id="narrow", compact=True)
            yield AgentList(self._ui, self._agents, self._counts, id="agents")
            if self._is_new:
                keys = "Enter writes it"
            else:
                keys = f"Enter shows its tasks · {key_name(self, 'agents.new')} starts a new one"
            page_key, leave_key = key_name(self, "agents.page"), key_name(self, "agents.leave")
            keys = f"{keys} · {page_key} its page · {leave_key} goes back"
            yield Static(keys, id="keys", markup=False)

    def on_mount(self) -> None:
        """Move the cursor to the preselected agent after mounting."""
        for index, agent in enumerate(self._agents):
            if agent.id == self._selected_id:
                self.call_after_refresh(self.query_one(AgentList).move_to, index)
                return

    @on(Input.Changed)
    def _narrow_list(self, event: Input.Changed) -> None:
        self.query_one(AgentList).narrow(event.value)

    def action_move(self, by: int) -> None:
        """Move the cursor of the list while the input keeps the focus."""
        self.query_one(AgentList).action_move(by)

    @on(Input.Submitted)
    @on(VirtualList.Chosen)
    def _choose_default(self) -> None:
        self._choose(self._is_new)

    def action_create(self) -> None:
        """Create a new task for the agent under the cursor."""
        self._choose(True)

    def action_page(self) -> None:
        """Open the page of the agent under the cursor, in front of the picker."""
        agents = self.query_one(AgentList)
        if agents.count():
            self.post_message(AgentPageWanted(agents.agents[agents.cursor].id))

    def _choose(self, is_new: bool) -> None:
        agents = self.query_one(AgentList)
        if agents.count():
            self.dismiss(AgentChoice(agents.agents[agents.cursor], is_new))

    def action_leave(self) -> None:
        """Leave the picker without a choice."""
        self.dismiss(None)
