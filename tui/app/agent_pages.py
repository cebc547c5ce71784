"""Opens the pages of agents, and reads the records that they show."""

from __future__ import annotations

from functools import partial

from textual.message import Message

from tui.app.access import AppAccess
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.screens.messages import AgentPageWanted, ReadAgent
from tui.services.list_poller import error_sentence
from tui.services.state_store import StateStore
from tui.widgets.ui_context import UIContext


class AgentPages:
    """The pages of agents."""

    def __init__(self, app: AppAccess, client: Client, store: StateStore, ui: UIContext) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._ui = ui

    def handle(self, event: Message) -> None:
        """Handle a message of a screen: open a page, or read the record of one."""
        match event:
            case AgentPageWanted(agent_id=agent_id, task_id=task_id):
                self.open(agent_id, task_id)
            case ReadAgent(agent_id=agent_id):
                self._app.run_worker(partial(self._read, agent_id), group="agent pages")

    def open(self, agent_id: str, task_id: str = "") -> None:
        """Open the page of an agent, with the nodes that a task tells of where one is given."""
        from tui.screens.agent_page import AgentScreen

        screen = AgentScreen(agent_id, self._ui, task_id)
        self._app.push_screen(screen)
        screen.update_state(self._store.state, ())

    async def _read(self, agent_id: str) -> None:
        """Read the record of an agent, and give it to the pages that show this agent."""
        from tui.services.agent_reader import read_agent_record

        try:
            record = await read_agent_record(self._client, agent_id)
        except (ApiError, BadAddress) as error:
            for screen in self._app.screens:
                screen.agent_failed(agent_id, error_sentence(error))
            return
        for screen in self._app.screens:
            screen.update_agent(agent_id, record)
