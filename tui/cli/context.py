"""What every verb has at hand: its arguments, the settings, a client, the journal, and where to print."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, field

from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.client.task_facts import FINAL_STATUSES, RUNNING_STATUSES, Wait
from tui.client.task_rows import AnyTask
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.storage.settings import BadSettings, Settings

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from types import SimpleNamespace

    from tui.local.data_dir import Address


class Session(Struct):
    """One run of the command."""

    arguments: argparse.Namespace | SimpleNamespace
    settings: Settings
    out: Output
    find_local: Callable[[Path], Address | None]
    """Finds the local platform that runs on this machine, by the folder of our state."""
    _client: Client | None = None
    agents: dict[str, str] = field(default_factory=dict)
    """The agents' names by id, once they were asked for."""

    @classmethod
    def begin(
        cls,
        arguments: argparse.Namespace | SimpleNamespace,
        settings: Settings,
        find_local: Callable[[Path], Address | None],
    ) -> Self:
        """A session with everything but a connection."""
        keys = [key.get_secret_value() for key in (settings.key, settings.unused_key) if key]
        form = getattr(arguments, "output", "table")
        out = Output(sys.stdout, sys.stderr, Redactor(keys), form, settings["time"])
        return cls(arguments, settings, out, find_local)

    @property
    def client(self) -> Client:
        """The client, made when it is first needed."""
        if self._client is None:
            key, surfaces = self.platform()
            transport = PlatformSession(
                key,
                frozenset,
                ca=self.settings["ca"],
                on_wait=lambda why, seconds: self.out.note(f"{why}; reading again in {seconds:.0f} s"),
                timeout=self.settings["timeout"],
            )
            transport.check_network(surfaces.origins)
            self._client = Client(surfaces, transport, read_only=self.settings["read_only"])
        return self._client

    def platform(self) -> tuple[Secret, Surfaces]:
        """The platform that is set; with --local, or without a key and an address, the local one."""
        if self.settings.key is not None:
            return self.settings.key, self.settings.surfaces
        has_address = self.settings["base_url"] is not None or self.settings["api_url"] is not None
        if not has_address and (address := self.find_local(self.settings.state)):
            why = "--local" if self.settings.is_local else "no API key is set"
            self.out.note(f"{why}: using the local platform at {address.url}")
            return Secret(address.key), Surfaces(address.url, address.url, address.organization)
        if self.settings.is_local:
            raise BadSettings("no local platform is running on this machine: xp-tui local starts one")
        raise BadSettings(
            "no API key is set: set XPANDER_API_KEY, or api_key_file in the settings file, "
            "or start a platform of your own with xp-tui local"
        )

    @property
    def journal(self) -> Journal:
        """What is done from this machine."""
        return Journal(self.settings.state / "journal.jsonl", self.out.redactor)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.transport.close()

    async def learn_agents(self) -> None:
        """Ask for the agents' names, once."""
        if not self.agents:
            async for page in self.client.agents():
                self.agents.update((agent.id, agent.name) for agent in page.items)


STATUS_GLYPHS = {
    "paused": "‖",
    "executing": "▶",
    "pending": "·",
    "completed": "✓",
    "failed": "✗",
    "error": "!",
    "stopped": "■",
}
STATUS_STYLES = {"paused": AMBER, "executing": COOL, "failed": RED, "error": RED, "completed": FAINT, "stopped": FAINT}
STATUS_ORDER = ("paused", "executing", "pending", "failed", "error", "completed", "stopped")


def status_cell(task: AnyTask, wait: Wait | None) -> Cell:
    """A status with its glyph; for a task that waits, why."""
    if wait:
        return Cell(f"‖ {wait.kind}", AMBER)
    return Cell(f"{STATUS_GLYPHS.get(task.status, '?')} {task.status or 'unknown'}", STATUS_STYLES.get(task.status, ""))


def group_rank(task: AnyTask, wait: Wait | None) -> int:
    """The place of a task's group: who needs a person first, unknown statuses last."""
    if wait:
        return -1
    return STATUS_ORDER.index(task.status) if task.status in STATUS_ORDER else len(STATUS_ORDER)


def waited_or_run_seconds(task: AnyTask, wait: Wait | None, now: datetime) -> float | None:
    """Seconds that a task has waited or run, or took."""
    if wait:
        return (now - wait.since).total_seconds() if wait.since and wait.since.year > 1 else None
    begun = task.started_at or task.created_at
    if begun is None or task.status not in FINAL_STATUSES | RUNNING_STATUSES:
        return None
    end = (task.finished_at or task.updated_at) if task.is_final else now
    return max((end - begun).total_seconds(), 0.0) if end else None


def task_json(task: AnyTask, wait: Wait | None, agent: str | None) -> dict[str, Any]:
    """A task in the documented shape; `raw` is the platform's own object."""
    return {
        "kind": "task",
        "id": task.id,
        "agent_id": task.agent_id,
        "agent": agent,
        "status": task.status,
        "wait": {"kind": wait.kind, "since": iso_time(wait.since)} if wait else None,
        "title": task.title,
        "result": task.result,
        "parent_id": task.parent_id,
        "created_at": iso_time(task.created_at),
        "updated_at": iso_time(task.updated_at),
        "finished_at": iso_time(task.finished_at),
        "tokens": task.tokens.total if task.tokens else None,
        "plan": {"done": task.plan.done, "steps": len(task.plan.steps)} if task.plan and task.plan.steps else None,
        "raw": task.raw,
    }


def iso_time(moment: datetime | None) -> str | None:
    """A moment in ISO 8601 and UTC; the year 1 stands for a moment that is not provided."""
    if moment is None or moment.year == 1:
        return None
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return there.isoformat()[: -len("+00:00")] + "Z"
