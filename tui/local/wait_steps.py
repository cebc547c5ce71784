"""The steps of a scenario that wait for what no operator does here: a secret, a member, a webhook, the clock.

Somebody or something on the platform ends each of these waits after its time, so that a demonstration goes on.
"""

from __future__ import annotations

from datetime import timedelta

from tui.local.clock import format_time
from tui.local.scenario_steps import StepPlayer
from tui.local.sqlite_store import Json

SETTLE_SECONDS = 0.8
"""Seconds from the end of a wait to the next step."""


class WaitStepPlayer(StepPlayer):
    """Plays the steps that wait on the platform, besides all others."""

    pace = 1.0
    """How many times as fast as usual the waits end."""

    def _play_secret(self, step: Json) -> float | None:
        """Play a request for a secret, which a colleague enters on the platform after some time."""
        secret = step["secret"]
        if self.run["phase"] == 0:
            self._record_card("ask_for_secret", {"name": secret["name"], "reason": secret.get("reason", "")})
            self._pause_until(step)
            return None
        return self._go_on("secret_saved", {"names": [secret["name"]]})

    def _play_invite(self, step: Json) -> float | None:
        """Play a request to invite a member, which a colleague sends on the platform after some time."""
        member = step["invite"]
        if self.run["phase"] == 0:
            self._record_card("invite_member", member)
            self._pause_until(step)
            return None
        return self._go_on("member_invited", {"email": member["email"]})

    def _play_webhook(self, step: Json) -> float | None:
        """Play a wait node of type webhook, which is called after some time."""
        if self.run["phase"] == 0:
            self.task["last_executed_node_id"] = step["webhook"]
            self._pause_until(step)
            return None
        return self._go_on()

    def _play_self_schedule(self, step: Json) -> float | None:
        """Play a self-schedule node: the task pauses until the time for which it has scheduled itself."""
        schedule = step["self_schedule"]
        if self.run["phase"] == 0:
            self.task["last_executed_node_id"] = schedule["node"]
            self._pause_until(step)
            card = {"id": self.platform.new_id(), "created_at": self.platform.now, "action": "self_schedule"}
            entry = {**card, "title": schedule["title"], "run_at": self.run["resumes_at"]}
            self.platform.store.put_entry(self.task["id"], entry)
            return None
        return self._go_on()

    def _pause_until(self, step: Json) -> None:
        """Pause the task for the seconds of its step; the runner plays on when they are over."""
        resumes_at = self.platform.clock.now + timedelta(seconds=float(step["waits"]) / self.pace)
        self.run |= {"resumes_at": format_time(resumes_at), "phase": 1}
        self.platform.change(self.task, status="paused")

    def _go_on(self, kind: str = "", data: Json | None = None) -> float:
        """Go on after the wait, with the card that settles it if there is one."""
        self.run["resumes_at"] = None
        if kind:
            self._record_card(kind, data or {})
        self.platform.change(self.task, status="executing")
        self._advance()
        return SETTLE_SECONDS

    def _record_card(self, kind: str, data: Json) -> None:
        """Record a card: its event, and the entry of the log with the same id."""
        card_id = self.platform.new_id()
        self.platform.emit(self.task, kind, {"id": card_id, **data})
        entry = {"id": card_id, "created_at": self.platform.now, "action": kind, **data}
        self.platform.store.put_entry(self.task["id"], entry)
