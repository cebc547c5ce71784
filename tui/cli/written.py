"""A long list of tasks as lines of JSON: what is of the usual form is printed as it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from tui.api.models import FINAL, RUNNING, Task
from tui.api.record import moment
from tui.api.sheets import Written, value_of
from tui.api.wirejson import dumps, loads
from tui.cli.session import iso
from tui.masks import Masks, is_secret

_ONE = rb'(?:"(?![\[{])[ !#-\[\]-~]*"|null|true|false|0|-?[1-9][0-9]{0,17}|\[\]|\{\})'
_is_plain = re.compile(rb"%b(?:,%b)*" % (_ONE, _ONE)).fullmatch
"""Tells values that are written back as they were: texts without an escape, whole numbers, and what is empty."""
_is_name = re.compile(rb'"[!#-\[\]-~][ !#-\[\]-~]*"').fullmatch
MOST = 1000
"""How many values and shapes are remembered."""
SHORT = 400
"""Bytes up to which what a row says anew is remembered."""
_NULL = b"null"
_TEXT = frozenset({b'"', _NULL[:1]})
"""How a text begins, or what stands for none."""
_NOTHING = frozenset({_NULL, b'""', b"[]", b"{}"})
_QUIET = frozenset(f'"{status}"'.encode() for status in FINAL | RUNNING)
"""The statuses in which a task waits for nobody, if it wants no sign-in."""
_TEXTS = ("id", "agent_id", "title", "result", "parent_task_id", "parent_execution")
_MOMENTS = ("created_at", "updated_at", "finished_at")
_ABSENT = ("pending_eca_request", "deep_planning", "tokens")
"""What is told in another way than it was written, where it is there."""
_LINE = (
    '{"v":1,"kind":"task","id":%b,"agent_id":%b,"agent":%b,"status":%b,"wait":null,"title":%b,"result":%b,'
    '"parent_id":%b,"created_at":%b,"updated_at":%b,"finished_at":%b,"tokens":null,"plan":null,"raw":{'
)


class _Shape(NamedTuple):
    """Rows that say something of the same, in the same order."""

    outline: bytes
    """The line, with a place for each value."""
    texts: itemgetter[Any]
    moments: itemgetter[Any]
    absent: itemgetter[Any]
    status: int
    veiled: tuple[int, ...]
    """Where a name tells of a secret."""


class Lines:
    """The lines of one list: what becomes of shapes, agents and moments is found out once."""

    def __init__(self, masks: Masks, agents: Mapping[str, str]) -> None:
        self._masks = masks
        self._agents = agents
        self._open: set[bytes] = set()
        """Short values that are printed as they were written: many come again and again."""
        self._shape = lru_cache(MOST)(self._shape_of)
        self._agent = lru_cache(4096)(self._agent_of)
        self._moment = lru_cache(4096)(self._moment_of)

    def line(self, task: Task) -> str | None:
        """The line about a task; None where more of it has to be read for that."""
        row = task.made_of
        if not isinstance(row, Written) or (shape := self._shape(row.names)) is None:
            return None
        told = (*row.written, _NULL)
        texts = shape.texts(told)
        if not _is_name(texts[0]) or told[shape.status] not in _QUIET or not _NOTHING.issuperset(shape.absent(told)):
            return None
        if not {text[:1] for text in texts} <= _TEXT:
            return None
        shown = self._shown(row, shape)
        name, agent, title, result, parent, above = shape.texts((*shown, _NULL))
        line = shape.outline % (
            name,
            b'""' if agent == _NULL else agent,
            self._agent(texts[1]),
            told[shape.status],
            title,
            result,
            above if parent == _NULL else parent,
            *map(self._moment, shape.moments(told)),
            *shown,
        )
        return line.decode()

    def _shown(self, row: Written, shape: _Shape) -> Sequence[bytes]:
        """Each value as it is printed."""
        if not shape.veiled:
            if len(self._open) > MOST:
                self._open.clear()
            fresh = set(row.written) - self._open
            told = b",".join(fresh)
            if not fresh or self._is_open(told):
                if len(told) <= SHORT:
                    self._open |= fresh
                return row.written
        return [
            value if place not in shape.veiled and self._is_open(value) else self._masked(loads(value), name, 2)
            for place, (name, value) in enumerate(zip(row.names, row.written, strict=True))
        ]

    def _is_open(self, written: bytes) -> bool:
        return _is_plain(written) is not None and self._masks.leaves(written.decode())

    def _masked(self, value: Any, name: str, depth: int) -> bytes:
        return dumps(self._masks.json(value, name, depth)).encode()

    def _shape_of(self, names: tuple[str, ...]) -> _Shape | None:
        if any(self._masks.text(name) != name for name in names):
            return None
        members = ",".join(f"{dumps(name).replace('%', '%%')}:%b" for name in names)

        def get(wanted: Sequence[str]) -> itemgetter[Any]:
            return itemgetter(*(places.get(name, len(names)) for name in wanted))

        places = {name: place for place, name in enumerate(names)}
        veiled = tuple(place for place, name in enumerate(names) if is_secret(name))
        outline = f"{_LINE}{members}}}}}\n".encode()
        return _Shape(outline, get(_TEXTS), get(_MOMENTS), get(_ABSENT), places.get("status", len(names)), veiled)

    def _agent_of(self, agent_id: bytes) -> bytes:
        return self._masked(self._agents.get(loads(agent_id) or ""), "agent", 1)

    def _moment_of(self, written: bytes) -> bytes:
        told = iso(moment(value_of(written)))
        return _NULL if told is None else dumps(self._masks.known(told)).encode()
