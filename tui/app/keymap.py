"""Other keys for actions: what the settings file asks for, checked before anything is opened."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.keys import Keys
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, TextArea

from tui.app.app import XpTui
from tui.screens.agent_picker import AgentList, AgentPicker
from tui.screens.answer import AnswerScreen
from tui.screens.approval_base import ApprovalScreen
from tui.screens.base import BaseScreen, SizeNotice
from tui.screens.bulk_review import BulkReviewScreen, OutcomeList
from tui.screens.command_line import CommandLineScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.copy_dialog import CopyChoices, CopyScreen
from tui.screens.help import HelpLines, HelpScreen
from tui.screens.message_editor import MessageEditor
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.storage.settings import BadSettings
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_timeline import ActivityTimeline
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.event_pane import EventPane
from tui.widgets.filter_input import FilterInput
from tui.widgets.inspector import Inspector
from tui.widgets.keys import normalize_keys
from tui.widgets.task_table import TaskTable
from tui.widgets.virtual_list import VirtualList

CLASSES_WITH_BINDINGS: tuple[type[DOMNode], ...] = (
    XpTui, BaseScreen, TaskListScreen, TaskScreen, ApprovalScreen, ReviewScreen, BulkReviewScreen, AgentPicker,
    MessageEditor, AnswerScreen, ConfirmScreen, CopyScreen, CommandLineScreen, VirtualList, TaskTable, ActivityPane,
    EventPane, Inspector,
    FilterInput,
)  # fmt: skip
FOCUSABLE_BY_SCREEN: dict[type[Screen[Any]], tuple[type[DOMNode], ...]] = {
    TaskListScreen: (TaskTable, FilterInput),
    TaskScreen: (ActivityTree, ActivityTimeline, EventPane, Inspector, Input),
    ReviewScreen: (Inspector, Input),
    BulkReviewScreen: (OutcomeList, Inspector, Input),
    AgentPicker: (Input, AgentList),
    MessageEditor: (TextArea, Input, VerticalScroll),
    AnswerScreen: (TextArea, Inspector),
    ConfirmScreen: (Button,),
    CopyScreen: (CopyChoices,),
    CommandLineScreen: (Input,),
    HelpScreen: (HelpLines,),
    SizeNotice: (),
}
"""The screens, and what can have the focus on each."""
CONTAINERS_BY_WIDGET: dict[type[DOMNode], tuple[type[DOMNode], ...]] = {
    ActivityTree: (ActivityPane,),
    ActivityTimeline: (ActivityPane,),
}
"""What has keys of its own between a widget that can have the focus and its screen."""
KEYS_THAT_NEVER_DECIDE = frozenset({"enter", "space", "tab", "escape"})
"""Keys that never decide."""
_PSEUDO_KEYS = frozenset({"return", "<any>", "<ignore>", "<scroll-up>", "<scroll-down>"})
"""Names of Textual's that no key press has, or that are another name of Enter."""
_NAMES = frozenset(key.value for key in Keys) - _PSEUDO_KEYS
_CHARACTERS = frozenset({"comma", *(normalize_keys(chr(code))[0] for code in range(0x21, 0x7F) if chr(code) != ",")})
"""What keys are called that are no letters: question_mark, comma."""


def all_bindings() -> Iterator[Binding]:
    """Every binding that has an id."""
    for holder in CLASSES_WITH_BINDINGS:
        for binding in holder.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding


def checked_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """The keys as they are to be used; a mistake raises BadSettings with what would be right."""
    known = {binding.id: binding for binding in all_bindings() if binding.id}
    chosen: dict[str, str] = {}
    for name, wanted in keys.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.4)
            hint = f", did you mean {near[0]}?" if near else ""
            raise BadSettings(f"[keys] no action is called {name!r}{hint}")
        for key in (one.strip() for one in wanted.split(",")):
            if not _is_key(key):
                raise BadSettings(f"[keys] {name}: {key!r} is no key; write it as x, X, f5, ctrl+x or question_mark")
        chosen[name] = ",".join(normalize_keys(wanted))
        if known[name].action.startswith("decide("):
            _check_deciding(name, chosen[name])
    deliberate = _deliberate()
    for clash in key_conflicts(chosen):
        if clash.actions not in deliberate:
            name = min(clash.actions & chosen.keys())
            (other,) = clash.actions - {name}
            raise BadSettings(f"[keys] {name}: {clash.key} is the key of {other} too, choose another")
    return chosen


def _check_deciding(name: str, keys: str) -> None:
    for key in keys.split(","):
        if key in KEYS_THAT_NEVER_DECIDE or "+" in key:
            raise BadSettings(f"[keys] {name}: {key} never decides, choose a key of its own")


@cache
def _deliberate() -> frozenset[frozenset[str]]:
    """Return the pairs of actions that have one key by default, where the one stands in for the other."""
    return frozenset(clash.actions for clash in key_conflicts({}))


class KeyConflict(NamedTuple):
    """Two actions that can be live at once and have the same key."""

    actions: frozenset[str]
    key: str


def key_conflicts(chosen: Mapping[str, str]) -> Iterator[KeyConflict]:
    """Yield the clashes of actions, by their ids, with these keys; what has no id goes by its action."""
    for chain in binding_chains():
        names: dict[str, set[str]] = {}
        for key, name in live_keys(chain, chosen):
            names.setdefault(key, set()).add(name)
        for key, live in names.items():
            for pair in combinations(sorted(live), 2):
                yield KeyConflict(frozenset(pair), key)


def binding_chains() -> Iterator[tuple[type[DOMNode], ...]]:
    """Yield the classes whose bindings are live at once: what has the focus, its screen, and the app."""
    for screen, focusable in FOCUSABLE_BY_SCREEN.items():
        for widget in focusable:
            yield widget, *CONTAINERS_BY_WIDGET.get(widget, ()), screen, XpTui
        yield screen, XpTui


def live_keys(chain: tuple[type[DOMNode], ...], chosen: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield every key that is live in a chain, with its action; behind a dialog only the app's priority keys are."""
    is_modal = any(issubclass(one, ModalScreen) for one in chain)
    if not is_modal:
        yield XpTui.COMMAND_PALETTE_BINDING, "the palette"
    for holder in chain:
        for binding in _bindings_of(holder):
            if holder is XpTui and is_modal and not binding.priority:
                continue
            keys = chosen.get(binding.id or "", binding.key)
            yield from ((key, binding.id or binding.action) for key in normalize_keys(keys))


@cache
def _bindings_of(holder: type[DOMNode]) -> Sequence[Binding]:
    """Return the bindings of a class and of those that it inherits them from."""
    found: list[Binding] = []
    for one in holder.__mro__:
        told = one.__dict__.get("BINDINGS", ())
        found += [binding if isinstance(binding, Binding) else Binding(*binding) for binding in told]
        if one is VirtualList:
            break  # it takes none from Textual
    return found


def _is_key(key: str) -> bool:
    *chords, bare = key.split("+")
    if any(chord not in {"ctrl", "shift", "alt", "super"} for chord in chords):
        return False
    return bare in _NAMES or (len(bare) == 1 and bare.isprintable()) or bare in _CHARACTERS
