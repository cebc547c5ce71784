"""The agents: choose one to see its tasks, or to start a new one."""

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
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList


class AgentChoice(NamedTuple):
    """An agent, and what is wanted of it: its tasks, or a new one."""

    agent: Agent
    is_new: bool


class AgentList(VirtualList):
    """Agents, a line each."""

    def __init__(self, ui: UIContext, agents: Sequence[Agent], counts: Mapping[str, int], *, id: str) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._all = agents
        self._counts = counts
        self.agents = agents

    def narrow(self, words: str) -> None:
        """Only those with these words in their names."""
        before = self.rows_will_change()
        wanted = words.casefold()
        found = [agent for agent in self._all if wanted in f"{agent.name} {agent.id}".casefold()]
        self.agents = sorted(found, key=lambda agent: not agent.name.casefold().startswith(wanted))
        self.rows_changed(before)

    def count(self) -> int:
        """How many agents there are."""
        return len(self.agents)

    def pieces(self, index: int, width: int) -> StyledLine:
        """One agent: its name, its status, how many of its tasks are loaded."""
        agent = self.agents[index]
        tasks = self._counts.get(agent.id, 0)
        end = f"{tasks:>5} tasks "
        return [
            StyledText(f" {fit(self._ui.safe(agent.name), max(width - len(end) - 12, 8))}", "strong"),
            StyledText(fit(self._ui.safe(agent.status or ""), 10) + " ", "faint"),
            StyledText(end, "faint"),
        ]


class AgentPicker(Dialog[AgentChoice | None]):
    """Type to narrow; Enter shows the tasks of one, F3 starts a new one."""

    LEFT_BY = "agents.leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="agents.leave"),
        Binding("up", "move(-1)", "Up", show=False, id="agents.up", priority=True),
        Binding("down", "move(1)", "Down", show=False, id="agents.down", priority=True),
        Binding("f3", "create", "new task", id="agents.new"),
    ]

    def __init__(
        self,
        ui: UIContext,
        agents: Sequence[Agent],
        counts: Mapping[str, int],
        *,
        is_new: bool = False,
        begin_at: str | None = None,
    ) -> None:
        super().__init__()
        self._begin_at = begin_at
        self._ui = ui
        self._agents = agents
        self._counts = counts
        self._is_new = is_new
        """An agent is chosen for a new task, not for its tasks."""

    def content(self) -> ComposeResult:
        """What is typed, and the agents."""
        with Vertical(id="dialog"):
            yield Static("A new task: which agent?" if self._is_new else "Agents", id="question", markup=False)
            yield Input(placeholder="type to narrow", id="narrow", compact=True)
            yield AgentList(self._ui, self._agents, self._counts, id="agents")
            new = key_name(self, "agents.new")
            keys = "Enter writes it" if self._is_new else f"Enter shows its tasks · {new} starts a new one"
            yield Static(f"{keys} · {key_name(self, 'agents.leave')} goes back", id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin at the agent that was looked at."""
        places = [place for place, agent in enumerate(self._agents) if agent.id == self._begin_at]
        if places:
            self.call_after_refresh(self.query_one(AgentList).move_to, places[0])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one(AgentList).narrow(event.value)

    def action_move(self, by: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(AgentList).action_move(by)

    @on(Input.Submitted)
    @on(VirtualList.Chosen)
    def _chosen(self) -> None:
        self._choose(self._is_new)

    def action_create(self) -> None:
        """A new task for this agent."""
        self._choose(True)

    def _choose(self, is_new: bool) -> None:
        lines = self.query_one(AgentList)
        if lines.count():
            self.dismiss(AgentChoice(lines.agents[lines.cursor], is_new))

    def action_leave(self) -> None:
        """None."""
        self.dismiss(None)
