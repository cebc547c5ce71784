"""Other keys for actions: what the settings file asks for, checked before anything is opened."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

from tui.app import XpTui
from tui.screens.agents import Agents
from tui.screens.bulk import BulkScreen
from tui.screens.commands import CommandLine
from tui.screens.compose import Compose
from tui.screens.confirm import Confirm
from tui.screens.copy import Copy
from tui.screens.deciding import Deciding
from tui.screens.keyed import Keyed
from tui.screens.review import ReviewScreen
from tui.screens.task import TaskScreen
from tui.screens.tasks import TasksScreen
from tui.settings import BadSettings
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.filter_input import FilterInput
from tui.widgets.inspector import Inspector
from tui.widgets.lines import Lines
from tui.widgets.task_list import TaskList

WITH_KEYS: tuple[type[DOMNode], ...] = (
    XpTui, Keyed, TasksScreen, TaskScreen, Deciding, ReviewScreen, BulkScreen, Agents, Compose, Confirm, Copy,
    CommandLine, Lines, TaskList, ActivityTree, EventPane, Inspector, FilterInput,
)  # fmt: skip
NEVER = frozenset({"enter", "space", "tab", "escape"})
"""Keys that never decide."""
_NAMES = frozenset(key.value for key in Keys)
_CHARACTERS = frozenset(unicodedata.name(chr(code), "").lower().replace(" ", "_").replace("-", "_")
                        for code in range(0x21, 0x7F))  # fmt: skip
"""What keys are called that are no letters: question_mark, comma."""


def bindings() -> Iterator[Binding]:
    """Every binding that has an id."""
    for holder in WITH_KEYS:
        for binding in holder.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding


def checked_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """The keys as they are to be used; a mistake raises BadSettings with what would be right."""
    known = {binding.id: binding for binding in bindings() if binding.id}
    for name, wanted in keys.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.4)
            hint = f", did you mean {near[0]}?" if near else ""
            raise BadSettings(f"[keys] no action is called {name!r}{hint}")
        for key in (one.strip() for one in wanted.split(",")):
            if not _is_key(key):
                raise BadSettings(f"[keys] {name}: {key!r} is no key; write it as x, X, f5, ctrl+x or question_mark")
            if known[name].action.startswith("decide(") and (key in NEVER or "+" in key or key in _moves(known, keys)):
                raise BadSettings(f"[keys] {name}: {key} never decides, choose a key of its own")
            if name.startswith(("review.", "bulk.", "lines.", "app.")) and not known[name].action.startswith("decide("):
                deciding = {one: told.key for one, told in known.items() if told.action.startswith("decide(")}
                if key in {keys.get(one, told) for one, told in deciding.items()}:
                    raise BadSettings(f"[keys] {name}: {key} decides in a review, choose another")
    return keys


def _is_key(key: str) -> bool:
    *chords, bare = key.split("+")
    if any(chord not in {"ctrl", "shift", "alt", "super"} for chord in chords):
        return False
    return bare in _NAMES or (len(bare) == 1 and bare.isprintable()) or bare in _CHARACTERS


def _moves(known: Mapping[str, Binding], keys: Mapping[str, str]) -> set[str]:
    """The keys that do something else where decisions are made."""
    areas = ("review.", "bulk.", "lines.", "inspector.", "app.")
    told = [keys.get(name, one.key) for name, one in known.items()
            if name.startswith(areas) and not one.action.startswith("decide(")]  # fmt: skip
    return {key for one in told for key in one.split(",")}
