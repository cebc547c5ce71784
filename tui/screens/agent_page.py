"""The page of an agent: what its record tells, by an allow-list, and the nodes of its workflow as a task tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.client.json_codec import pretty
from tui.client.json_values import text_of
from tui.client.log_entries import ToolCall
from tui.domain.agent_page import HEADINGS, agent_json, agent_sections, shown_section
from tui.domain.state import Change, State
from tui.domain.workflow_nodes import node_rows
from tui.screens.base import BaseScreen
from tui.screens.messages import AgentPageWanted, CopyWanted, ReadAgent
from tui.screens.stylesheets import stylesheet
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.search_bar import SearchBar
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.agent_models import AgentRecord

NODES_HEADING = "Nodes, as far as the task tells"
MAX_NAME_CHARS = 60


class AgentDocument(Inspector):
    """The document of an agent's page: Enter on a sub-agent opens the page of that agent."""

    class AgentChosen(Message):
        """A sub-agent was chosen."""

        def __init__(self, agent_id: str) -> None:
            super().__init__()
            self.agent_id = agent_id

    sub_agents: Sequence[str] = ()
    """The ids of the sub-agents, in the order of their section."""
    sub_agents_part = -1
    """The index of the part with the sub-agents; -1 if there is none."""

    def action_turn(self) -> None:
        """Open the sub-agent under the cursor; fold or unfold anything else."""
        row = self.row
        if row is None or row.key.part != self.sub_agents_part or not row.key.path:
            super().action_turn()
            return
        number = int(str(row.key.path[0]).partition(" ")[0])
        self.post_message(self.AgentChosen(self.sub_agents[number - 1]))


class AgentScreen(BaseScreen[None]):
    """The page of one agent, opened from the agent picker, from a task or from the page of another agent."""

    CSS_PATH = stylesheet("agent")
    LEAVE_BINDING = "agent.back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", id="agent.back"),
        Binding("slash", "search", "search", id="agent.search"),
        Binding("n", "next(1)", "In a search, the next", show=False, id="agent.next"),
        Binding("N", "next(-1)", "In a search, the one before", show=False, id="agent.previous"),
        Binding("y", "copy", "copy", id="agent.copy"),
        Binding("r", "reload", "read again", id="agent.reload"),
    ]
    AUTO_FOCUS = "#agent"

    def __init__(self, agent_id: str, ui: UIContext, task_id: str = "") -> None:
        """Create the page of an agent; with a task, it also shows the nodes that this task tells of."""
        super().__init__()
        self.agent_id = agent_id
        self._task_id = task_id
        self._ui = ui
        self._state = State()
        self._record: AgentRecord | None = None
        self._status = "reading"
        self._is_ready = False

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets."""
        yield SegmentLine(id="title")
        yield AgentDocument(self._ui.redactor, id="agent")
        next_keys = f"{key_name(self, 'agent.next')} and {key_name(self, 'agent.previous')} go on"
        yield SearchBar(f"Enter finds, then {next_keys}; {key_name(self, 'agent.back')} ends it", id="searching")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show what is known after mounting, and read the record."""
        self._is_ready = True
        self._show()
        self.post_message(ReadAgent(self.agent_id))

    def on_unmount(self) -> None:
        """Note that the widgets are unmounted, and can show nothing any more."""
        self._is_ready = False

    # Called by the app

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the nodes of the task and the names of the sub-agents."""
        self._state = state
        touched = state.touched.tasks | state.touched.logs
        if not changes or self._task_id in touched or state.touched.agents:
            self._show()

    def update_agent(self, agent_id: str, record: AgentRecord) -> None:
        """Show the record of the agent, which was just read."""
        if agent_id == self.agent_id:
            self._record, self._status = record, ""
            self._show()

    def agent_failed(self, agent_id: str, reason: str) -> None:
        """Show the reason why the record could not be read; what was read before stays."""
        if agent_id == self.agent_id:
            self._status = reason
            self._show()

    # Drawing

    @property
    def _names(self) -> dict[str, str]:
        return {agent_id: agent.name for agent_id, (_, agent) in self._state.agents.items()}

    def _show(self) -> None:
        if not self._is_ready:
            return
        record = self._record
        name = self._names.get(self.agent_id) or self.agent_id
        if record is not None and record.name:
            name = record.name
        title = [
            (StyledText(" xp-tui › ", "faint"), "back"),
            (StyledText(f"agent {self._ui.safe(name, MAX_NAME_CHARS)}", "strong"), ""),
        ]
        self.query_one("#title", SegmentLine).show(title, [StyledText(f"{self._status_words} ", "faint")])
        document = self.query_one(AgentDocument)
        if record is None:
            document.show([Part("", self._status_words)])
            return
        sections = agent_sections(record, self._names)
        shown = [(heading, _by_number(shown_section(name, sections[name]))) for name, heading in HEADINGS.items()]
        parts = [Part(heading, value) for heading, value in [*self._task_sections(record), *shown] if value]
        headings = [part.heading for part in parts]
        document.sub_agents = [agent["id"] for agent in sections["sub_agents"]]
        document.sub_agents_part = -1
        if document.sub_agents:
            document.sub_agents_part = headings.index(HEADINGS["sub_agents"])
        document.show(parts)

    @property
    def _status_words(self) -> str:
        """The status of the page: the version that was read, or why none could be."""
        if self._status == "reading":
            return "reading the agent…"
        if self._status:
            key = key_name(self, "agent.reload")
            return f"the agent could not be read: {self._ui.safe(self._status)}; {key} reads it again"
        version = self._record.version if self._record else None
        return f"version {self._ui.safe(version)}" if version else ""

    def _task_sections(self, record: AgentRecord) -> list[tuple[str, Any]]:
        """Return the section of the task that the page was opened from: its nodes, and another version of the agent."""
        task = self._state.task(self._task_id)
        if task is None:
            return []
        fields: dict[str, str] = {}
        version = text_of(task.raw.get("agent_version"))
        if version and record.version and version != record.version:
            fields["version"] = f"the task runs version {version}; this page shows version {record.version}"
        activity = self._state.activity(self._task_id)
        calls = [node.entry for node in activity.nodes.of_kind(ToolCall)] if activity and record.nodes else []
        rows = node_rows(task, record.nodes, [call for call in calls if isinstance(call, ToolCall)])
        fields |= {f"{number}  {row.label}": row.value for number, row in enumerate(rows, 1)}
        return [(f"{NODES_HEADING}: {self._ui.safe(task.name, MAX_NAME_CHARS)}", fields)]

    # Actions

    @on(AgentDocument.AgentChosen)
    def _open_sub_agent(self, event: AgentDocument.AgentChosen) -> None:
        self.post_message(AgentPageWanted(event.agent_id))

    @on(SegmentLine.Picked)
    def _handle_segment(self, event: SegmentLine.Picked) -> None:
        if event.name == "back":
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: those of letter keys are not while a search is being written."""
        is_writing = self._is_ready and self.query_one(SearchBar).is_writing
        if is_writing and action in {"search", "copy", "reload", "next"}:
            return False
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Search the page."""
        self.query_one(SearchBar).open(self.query_one(AgentDocument))

    def action_next(self, by: int) -> None:
        """Go to the next match of a search."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.find(by)

    def action_reload(self) -> None:
        """Read the agent again."""
        self._status = "reading"
        self._show()
        self.post_message(ReadAgent(self.agent_id))

    def action_copy(self) -> None:
        """Open the dialog to copy a value of the page, or all of it as JSON."""
        texts = {**self.query_one(AgentDocument).copies(), "id": self.agent_id}
        if self._record is not None:
            texts["record"] = pretty(self._ui.redactor.json(agent_json(self._record, self._names)))
        self.post_message(CopyWanted(texts, is_about_task=False))

    def action_leave(self) -> None:
        """Leave the search, or the page."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.close()
        else:
            self.dismiss()


def _by_number(section: Any) -> Any:
    """Return the items of a section by number and name, so that none is hidden by another of the same name."""
    if not isinstance(section, list):
        return section
    items: dict[str, Any] = {}
    for number, item in enumerate(section, 1):
        if isinstance(item, dict):
            items[f"{number}  {item.get('name') or item.get('id') or 'without a name'}"] = item
        else:
            items[str(number)] = item
    return items
