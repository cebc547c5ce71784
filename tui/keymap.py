"""Other keys for actions: what the settings file asks for, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

from tui.app import XpTui
from tui.screens.agents import Agents
from tui.screens.bulk import BulkScreen
from tui.screens.compose import Compose
from tui.screens.confirm import Confirm
from tui.screens.copy import Copy
from tui.screens.deciding import Deciding
from tui.screens.keyed import CommandLine, Keyed
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
        for key in wanted.split(","):
            bare = key.strip().rsplit("+", 1)[-1]
            if not bare or (len(bare) > 1 and bare.replace("-", "_") not in _NAMES and not bare.isidentifier()):
                raise BadSettings(f"[keys] {name}: {key!r} is no key; write it as x, X, f5, ctrl+x or question_mark")
            if known[name].action.startswith("decide(") and (key.strip() in NEVER or "+" in key):
                raise BadSettings(f"[keys] {name}: {key.strip()} never decides, choose a key of its own")
    return keys
