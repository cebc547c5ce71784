"""The session of one run: its arguments, settings, client, journal and output; tasks as table cells and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, field

from tui.cli.output import AMBER, COOL, FAINT, RED, STRONG, Cell, Output
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.client.task_facts import FINAL_STATUSES, RUNNING_STATUSES, Need, Status, Wait
from tui.client.task_rows import AnyTask
from tui.domain import wait_words
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.storage.settings import BadSettings, Settings

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from types import SimpleNamespace

    from tui.local.data_dir import Address


class Session(Struct):
    """The session of one run of the command."""

    arguments: argparse.Namespace | SimpleNamespace
    settings: Settings
    out: Output
    find_local: Callable[[Path], Address | None]
    """Returns the address of the running local platform, given the state directory."""
    _client: Client | None = None
    agents: dict[str, str] = field(default_factory=dict)
    """The agents' names by id; filled by `learn_agents`."""

    @classmethod
    def begin(
        cls,
        arguments: argparse.Namespace | SimpleNamespace,
        settings: Settings,
        find_local: Callable[[Path], Address | None],
    ) -> Self:
        """Begin a session; it connects to the platform only when the client is first used."""
        keys = [key.get_secret_value() for key in (settings.key, settings.unused_key) if key]
        output_format = getattr(arguments, "output", "table")
        out = Output(sys.stdout, sys.stderr, Redactor(keys), output_format, settings["time"])
        return cls(arguments, settings, out, find_local)

    @property
    def client(self) -> Client:
        """The client of the platform, created on first use."""
        if self._client is None:
            key, surfaces = self.platform()
            transport = PlatformSession(
                key,
                frozenset,
                ca=self.settings["ca"],
                on_wait=lambda reason, seconds: self.out.note(f"{reason}; reading again in {seconds:.0f} s"),
                timeout=self.settings["timeout"],
            )
            transport.check_network(surfaces.origins)
            self._client = Client(surfaces, transport, read_only=self.settings["read_only"])
        return self._client

    def platform(self) -> tuple[Secret, Surfaces]:
        """Return the key and the addresses of the configured platform.

        With --local, or when neither a key nor an address is set, this is the local platform that is running.
        """
        settings = self.settings
        if settings.key is not None:
            return settings.key, settings.surfaces
        has_address = settings["base_url"] is not None or settings["api_url"] is not None
        local_address = None
        if not has_address:
            local_address = self.find_local(settings.state)
        if local_address is not None:
            reason = "no API key is set"
            if settings.is_local:
                reason = "--local"
            self.out.note(f"{reason}: using the local platform at {local_address.url}")
            surfaces = Surfaces(local_address.url, local_address.url, local_address.organization)
            return Secret(local_address.key), surfaces
        if settings.is_local:
            raise BadSettings("no local platform is running on this machine: xp-tui local starts one")
        raise BadSettings(
            "no API key is set: set XPANDER_API_KEY, or api_key_file in the settings file, "
            "or start a platform of your own with xp-tui local"
        )

    @property
    def place(self) -> str:
        """The name of the platform to show: the profile, if one is used, and the host."""
        host = self.client.surfaces.host
        if self.settings.profile:
            return f"{self.settings.profile} · {host}"
        return host

    @property
    def journal(self) -> Journal:
        """The journal of the operator's actions on this machine."""
        return Journal(self.settings.state / "journal.jsonl", self.out.redactor)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.transport.close()

    async def learn_agents(self) -> None:
        """Read the names of the agents, unless they were read before."""
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


WAIT_STYLES = {Need.ME: AMBER, Need.ELSEWHERE: STRONG, Need.MACHINE: ""}
"""The styles of waits: only those that can be ended with a verb are amber."""


def status_cell(task: AnyTask, wait: Wait | None) -> Cell:
    """Return the cell for a task's status with its glyph, or for the kind of its wait."""
    if wait:
        return Cell(f"{wait_words.glyph_of(wait)} {wait.kind.words}", WAIT_STYLES[wait.kind.need])
    glyph = STATUS_GLYPHS.get(task.status, "?")
    return Cell(f"{glyph} {task.status or 'unknown'}", STATUS_STYLES.get(task.status, ""))


def group_rank(task: AnyTask, wait: Wait | None) -> int:
    """Return the rank of a task's group in a list: those that need a person first, unknown statuses last."""
    if wait and not wait.needs_person:
        return STATUS_ORDER.index(Status.EXECUTING)
    if wait:
        return -1
    if task.status in STATUS_ORDER:
        return STATUS_ORDER.index(task.status)
    return len(STATUS_ORDER)


def waited_or_run_seconds(task: AnyTask, wait: Wait | None, now: datetime) -> float | None:
    """Return how many seconds a task has waited, has run so far, or took in all; None where that is not known."""
    if wait:
        if wait.since is None or wait.since.year <= 1:
            return None
        return (now - wait.since).total_seconds()
    runs_or_ended = task.status in FINAL_STATUSES | RUNNING_STATUSES
    begin = task.started_at or task.created_at
    end: datetime | None = now
    if task.is_final:
        end = task.finished_at or task.updated_at
    if not runs_or_ended or begin is None or end is None:
        return None
    return max((end - begin).total_seconds(), 0.0)


def task_json(task: AnyTask, wait: Wait | None, agent: str | None) -> dict[str, Any]:
    """Return a task as JSON in the documented shape; `raw` is the object that the platform sent."""
    wait_json = None
    if wait:
        wait_json = {
            "kind": wait.kind,
            "needs": wait.kind.need,
            "since": iso_time(wait.since),
            "until": iso_time(wait.until),
        }
    plan_json = None
    if task.plan and task.plan.steps:
        plan_json = {"done": task.plan.done, "steps": len(task.plan.steps)}
    return {
        "kind": "task",
        "id": task.id,
        "agent_id": task.agent_id,
        "agent": agent,
        "status": task.status,
        "wait": wait_json,
        "title": task.title,
        "result": task.result,
        "parent_id": task.parent_id,
        "created_at": iso_time(task.created_at),
        "updated_at": iso_time(task.updated_at),
        "finished_at": iso_time(task.finished_at),
        "tokens": task.tokens.total if task.tokens else None,
        "plan": plan_json,
        "raw": task.raw,
    }


def iso_time(moment: datetime | None) -> str | None:
    """Return a time in ISO 8601 and UTC; None for the year 1, which stands for a time that is not provided."""
    if moment is None or moment.year == 1:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat().removesuffix("+00:00") + "Z"
