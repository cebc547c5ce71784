"""The operator's own keys for actions, checked before the app starts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, TextArea

from tui.app.app import XpTui
from tui.screens.agent_page import AgentDocument, AgentScreen
from tui.screens.agent_picker import AgentList, AgentPicker
from tui.screens.answer import AnswerScreen
from tui.screens.approval_base import ApprovalScreen
from tui.screens.base import BaseScreen, SizeNotice
from tui.screens.bulk_review import BulkReviewScreen, OutcomeList
from tui.screens.command_line import CommandLineScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.copy_dialog import CopyChoices, CopyScreen
from tui.screens.facts import FactsScreen, FactsView
from tui.screens.help import HelpList, HelpScreen
from tui.screens.message_editor import MessageEditor
from tui.screens.notice_list import NoticeRows, NoticesScreen
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.storage.settings import BadSettings
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_timeline import ActivityTimeline
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.choice_field import ChoiceField
from tui.widgets.event_pane import EventPane
from tui.widgets.filter_input import FilterInput
from tui.widgets.inspector import Inspector
from tui.widgets.keys import normalize_keys
from tui.widgets.option_form import OptionForm
from tui.widgets.question_form import QuestionForm
from tui.widgets.task_table import TaskTable
from tui.widgets.virtual_list import VirtualList

CLASSES_WITH_BINDINGS: tuple[type[DOMNode], ...] = (
    XpTui, BaseScreen, TaskListScreen, TaskScreen, FactsScreen, ApprovalScreen, ReviewScreen, BulkReviewScreen,
    AgentPicker, AgentScreen, MessageEditor, OptionForm, ChoiceField, AnswerScreen, ConfirmScreen, CopyScreen,
    CommandLineScreen, VirtualList, TaskTable, ActivityPane, EventPane, Inspector, QuestionForm, FilterInput,
)  # fmt: skip
FOCUSABLE_BY_SCREEN: dict[type[Screen[Any]], tuple[type[DOMNode], ...]] = {
    TaskListScreen: (TaskTable, FilterInput),
    TaskScreen: (ActivityTree, ActivityTimeline, EventPane, Inspector, Input),
    FactsScreen: (FactsView, Input),
    ReviewScreen: (Inspector, Input),
    BulkReviewScreen: (OutcomeList, Inspector, Input),
    AgentPicker: (Input, AgentList),
    AgentScreen: (AgentDocument, Input),
    MessageEditor: (TextArea, Input, ChoiceField),
    AnswerScreen: (QuestionForm, TextArea),
    ConfirmScreen: (Button,),
    CopyScreen: (CopyChoices,),
    CommandLineScreen: (Input,),
    HelpScreen: (HelpList,),
    NoticesScreen: (NoticeRows,),
    SizeNotice: (),
}
"""The screens, each with the widgets that can have the focus on it."""
CONTAINERS_BY_WIDGET: dict[type[DOMNode], tuple[type[DOMNode], ...]] = {
    ActivityTree: (ActivityPane,),
    ActivityTimeline: (ActivityPane,),
    ChoiceField: (OptionForm,),
}
"""The containers with bindings of their own between a focusable widget and its screen."""
KEYS_THAT_NEVER_DECIDE = frozenset({"enter", "space", "tab", "escape"})
"""Keys that cannot be bound to approve or reject: operators press them without looking."""
MIN_SIMILARITY = 0.4
"""How similar a binding id must be to be suggested, between 0 and 1."""
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super"})
_PSEUDO_KEYS = frozenset({"return", "<any>", "<ignore>", "<scroll-up>", "<scroll-down>"})
"""Names in Textual's enumeration that no key press has, or that are another name of Enter."""
_KEY_NAMES = frozenset(key.value for key in Keys) - _PSEUDO_KEYS
_CHARACTER_NAMES = frozenset(
    {"comma", *(normalize_keys(chr(code))[0] for code in range(0x21, 0x7F) if chr(code) != ",")}
)
"""The key names of the ASCII characters: `a`, `question_mark`, `comma`."""


def all_bindings() -> Iterator[Binding]:
    """Yield all bindings that have an id."""
    for holder in CLASSES_WITH_BINDINGS:
        for binding in holder.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding


def checked_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """Return the keys of each binding id, checked and normalized; a mistake raises BadSettings with a hint."""
    known_bindings = {binding.id: binding for binding in all_bindings() if binding.id}
    chosen: dict[str, str] = {}
    for binding_id, wanted_keys in keys.items():
        if binding_id not in known_bindings:
            raise BadSettings(f"[keys] no action is called {binding_id!r}{_suggestion(binding_id, known_bindings)}")
        _check_key_names(binding_id, wanted_keys)
        chosen[binding_id] = ",".join(normalize_keys(wanted_keys))
        is_deciding = known_bindings[binding_id].action.startswith("decide(")
        if is_deciding:
            _check_deciding_keys(binding_id, chosen[binding_id])
    _check_conflicts(chosen)
    return chosen


def _suggestion(binding_id: str, known_bindings: Mapping[str, Binding]) -> str:
    """Return a question whether the most similar binding id was meant; empty if none is similar."""
    similar = difflib.get_close_matches(binding_id, known_bindings, n=1, cutoff=MIN_SIMILARITY)
    if not similar:
        return ""
    return f", did you mean {similar[0]}?"


def _check_key_names(binding_id: str, keys: str) -> None:
    for key in map(str.strip, keys.split(",")):
        if not _is_key(key):
            raise BadSettings(f"[keys] {binding_id}: {key!r} is no key; write it as x, X, f5, ctrl+x or question_mark")


def _check_deciding_keys(binding_id: str, keys: str) -> None:
    for key in keys.split(","):
        if key in KEYS_THAT_NEVER_DECIDE or "+" in key:
            raise BadSettings(f"[keys] {binding_id}: {key} never decides, choose a key of its own")


def _check_conflicts(chosen: Mapping[str, str]) -> None:
    """Raise BadSettings for the first conflict that the default keys do not have."""
    accepted_pairs = _default_conflicts()
    for conflict in key_conflicts(chosen):
        if conflict.actions in accepted_pairs:
            continue
        binding_id = min(conflict.actions & chosen.keys())
        (other_id,) = conflict.actions - {binding_id}
        raise BadSettings(f"[keys] {binding_id}: {conflict.key} is the key of {other_id} too, choose another")


@cache
def _default_conflicts() -> frozenset[frozenset[str]]:
    """Return the pairs of actions that have a key in common by default: one of the two replaces the other."""
    return frozenset(conflict.actions for conflict in key_conflicts({}))


class KeyConflict(NamedTuple):
    """Two actions with the same key that can be available at the same time."""

    actions: frozenset[str]
    key: str


def key_conflicts(chosen: Mapping[str, str]) -> Iterator[KeyConflict]:
    """Yield the key conflicts with the chosen keys.

    Actions are named by the ids of their bindings; a binding without an id is named by its action.
    """
    for chain in binding_chains():
        actions_by_key: dict[str, set[str]] = {}
        for key, action in live_keys(chain, chosen):
            actions_by_key.setdefault(key, set()).add(action)
        for key, actions in actions_by_key.items():
            for pair in combinations(sorted(actions), 2):
                yield KeyConflict(frozenset(pair), key)


def binding_chains() -> Iterator[tuple[type[DOMNode], ...]]:
    """Yield the chains of classes whose bindings are live together: the focused widget, its screen, and the app."""
    for screen, focusable in FOCUSABLE_BY_SCREEN.items():
        for widget in focusable:
            yield widget, *CONTAINERS_BY_WIDGET.get(widget, ()), screen, XpTui
        yield screen, XpTui


def live_keys(chain: tuple[type[DOMNode], ...], chosen: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the live keys of a chain, each with its action; behind a dialog, only priority keys of the app are live."""
    is_modal = any(issubclass(holder, ModalScreen) for holder in chain)
    if not is_modal:
        yield XpTui.COMMAND_PALETTE_BINDING, "the palette"
    for holder in chain:
        for binding in _bindings_of(holder):
            is_behind_dialog = is_modal and holder is XpTui
            if is_behind_dialog and not binding.priority:
                continue
            action = binding.id or binding.action
            keys = chosen.get(binding.id or "", binding.key)
            for key in normalize_keys(keys):
                yield key, action


@cache
def _bindings_of(holder: type[DOMNode]) -> Sequence[Binding]:
    """Return the bindings of a class, with those that it inherits."""
    bindings: list[Binding] = []
    for cls in holder.__mro__:
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding):
                bindings.append(binding)
            else:  # a tuple: key, action, description
                bindings.append(Binding(*binding))
        if cls is VirtualList:
            break  # inherits no bindings from Textual
    return bindings


def _is_key(key: str) -> bool:
    """Return whether a text names a key: a character, or a name that Textual knows, with or without modifiers."""
    *modifiers, name = key.split("+")
    if not _MODIFIERS.issuperset(modifiers):
        return False
    is_character = len(name) == 1 and name.isprintable()
    return is_character or name in _KEY_NAMES or name in _CHARACTER_NAMES
