"""A long list of tasks as lines of JSON, a page at a time: what many rows have in common is looked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from tui.cli.context import task_json
from tui.cli.output import Output
from tui.client.json_codec import dumps
from tui.client.models import FINAL, RUNNING, Task
from tui.client.wire_model import moment, text_of
from tui.security.redact import is_secret

MOST = 4096
"""How many agents, moments and sets of names are remembered."""
_SIMPLE = frozenset({str, int, bool, type(None)})
"""What is looked at for a whole page."""
_TEXTS = ("id", "agent_id", "title", "result", "parent_task_id", "parent_execution")
_TEXT = frozenset({str, type(None)})
_MOMENTS = ("created_at", "updated_at", "finished_at")
_MOMENT = frozenset({str, int, float, type(None)})
_ABSENT = ("pending_eca_request", "deep_planning", "tokens")
"""What a line tells in words of its own, where it is there."""
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_QUIET = FINAL | RUNNING
"""The statuses in which a task waits for nobody, if it wants no sign-in."""
_encode = msgspec.json.Encoder().encode_lines


class Lines:
    """The lines of one list: they say what those of tasks that are read one by one would say."""

    def __init__(self, out: Output, agents: Mapping[str, str]) -> None:
        self._out = out
        self._masks = out.masks
        self._agents = agents
        self._open: set[object] = set()
        """What the page says that is printed as it is; much of it comes again with the next."""
        self._secret_names = lru_cache(MOST)(self._secret_names_of)
        self._agent = lru_cache(MOST)(self._agent_of)
        self._moment = lru_cache(MOST)(self._moment_of)

    def of(self, tasks: Sequence[Task]) -> str:
        """The lines about the tasks of a page."""
        is_open = self._look_at([task.made_of for task in tasks if type(task.made_of) is dict])
        return _encode([self._line(task, is_open) for task in tasks]).decode()

    def _look_at(self, rows: Sequence[dict[str, Any]]) -> bool:
        """Find out what of these rows is printed as it is, and whether that is all but what has a secret's name."""
        told = [value for row in rows for value in row.values() if type(value) in _SIMPLE]
        values = set(told)
        fresh = [value for value in values - self._open if isinstance(value, str)]
        once = "\n".join(["", *fresh])
        closed: list[str] = []
        if not _is_ascii(once) or "\n{" in once or "\n[" in once or not self._masks.leaves(once):
            closed = [text for text in fresh if not self._is_open(text)]
        self._open = values.difference(closed)
        return not closed and len(told) == sum(map(len, rows))

    def _is_open(self, text: str) -> bool:
        return _is_ascii(text) and self._masks.text(text) == text

    def _line(self, task: Task, is_open: bool) -> dict[str, Any] | msgspec.Raw:
        """A line, in which what is raw is written already."""
        row = task.made_of
        if type(row) is not dict or (secret := self._secret_names(tuple(row))) is None:
            return self._read(task)
        get = row.get
        texts, moments, status = [*map(get, _TEXTS)], [*map(get, _MOMENTS)], get("status")
        if not (_TEXT.issuperset(map(type, texts)) and _MOMENT.issuperset(map(type, moments))):
            return self._read(task)
        if type(status) is not str or status not in _QUIET or any(get(name) not in _NOTHING for name in _ABSENT):
            return self._read(task)
        if not (texts[0] or "").strip():
            return self._read(task)
        agent = self._agent(texts[1] or "")
        if secret or not is_open:
            texts = [text if text is None or text in self._open else self._masked(text_of(text)) for text in texts]
            row = {name: self._value(name, value, secret) for name, value in row.items()}
        name, agent_id, title, result, parent, above = texts
        created, updated, finished = map(self._moment, moments)
        return {
            "v": 1,
            "kind": "task",
            "id": name,
            "agent_id": agent_id or "",
            "agent": agent,
            "status": status,
            "wait": None,
            "title": title,
            "result": result,
            "parent_id": above if parent is None else parent,
            "created_at": created,
            "updated_at": updated,
            "finished_at": finished,
            "tokens": None,
            "plan": None,
            "raw": row,
        }

    def _value(self, name: str, value: Any, secret: frozenset[str]) -> Any:
        """A value of a row, masked where it has to be: what is empty never has."""
        if not value or (type(value) in _SIMPLE and value in self._open and name not in secret):
            return value
        return self._masked(value, name, 2)

    def _read(self, task: Task) -> msgspec.Raw:
        """The line about a task that has more to tell."""
        return msgspec.Raw(self._out.document(task_json(task, task.wait, self._agents.get(task.agent_id))).encode())

    def _masked(self, value: Any, name: str = "", depth: int = 1) -> msgspec.Raw:
        return msgspec.Raw(dumps(self._masks.json(value, name, depth)).encode())

    def _secret_names_of(self, names: tuple[str, ...]) -> frozenset[str] | None:
        """Of the names of a row those that tell of a secret; None where one has to be masked itself."""
        return frozenset(filter(is_secret, names)) if all(map(self._is_open, names)) else None

    def _agent_of(self, agent_id: str) -> msgspec.Raw:
        return self._masked(self._agents.get(agent_id))

    def _moment_of(self, value: str | float | None) -> str | msgspec.Raw | None:
        told: str | None = msgspec.to_builtins(moment(value))
        return told if told is None or self._masks.known(told) == told else self._masked(told)


def _is_ascii(text: str) -> bool:
    """Whether it is written in the same way by whatever writes JSON."""
    return text.isascii() and "\x7f" not in text
