"""The key map: which configured keys are refused, and that screens name the keys that are bound."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, invoice
from tui.app.keymap import FOCUSABLE_BY_SCREEN, all_bindings, binding_chains, checked_keys, key_conflicts, live_keys
from tui.screens.approval_base import DEAD_KEY_SECONDS
from tui.screens.base import OverlayScreen
from tui.screens.task_list import TaskListScreen
from tui.storage.settings import BadSettings
from tui.widgets.inspector import Inspector

OWN_KEYS = {
    "app.take_back": "f11",
    "review.undo": "f11",
    "review.approve": "H",
    "review.reject": "L",
    "review.reveal": "O",
    "lines.page_down": "f7",
    "tasks.more": "f8",
}


@pytest.mark.long
async def test_screens_name_the_keys_that_are_bound(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, hold=60.0, keys=checked_keys(OWN_KEYS)) as operator:
        task = invoice(operator)
        request = {**task["hitl_request"], "content": {"password": "hidden-from-me", "lines": [1] * 60}}
        operator.here.local.platform.change(task, hitl_request=request)
        await operator.press("a")
        await operator.until(lambda: "O shows them for 10 s" in operator.text)
        await operator.until(lambda: "were not shown yet: f7" in operator.text.casefold())
        payload = operator.app.screen.query_one("#payload", Inspector)
        await operator.press("O")
        await operator.press(*["f7"] * 2)
        await operator.until(lambda: payload.scroll_offset.y > 0)
        await operator.press("question_mark")
        await operator.until(lambda: "H                Approve" in operator.text)
        await operator.press("escape", "O")
        payload.is_read = True
        await operator.until(lambda: "H approve" in operator.text and "L reject" in operator.text)
        await operator.pilot.pause(DEAD_KEY_SECONDS)
        await operator.press("H")
        await operator.until(lambda: "F11 takes it back" in operator.text)
        await operator.pilot.pause(DEAD_KEY_SECONDS)
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.press("slash")
        await operator.until(lambda: "esc, then F11 takes it back" in operator.text)
        await operator.press("escape", "f11")
        await operator.until(lambda: "taken back" in operator.toasts())
        assert operator.sent == []


def test_two_actions_that_are_active_at_once_cannot_share_a_key() -> None:
    known = {binding.id: binding for binding in all_bindings() if binding.id}
    deliberate = {clash.actions for clash in key_conflicts({})}
    pairs = {
        frozenset(pair)
        for chain in binding_chains()
        for pair in combinations(sorted({name for _, name in live_keys(chain, {}) if name in known}), 2)
    }
    assert len(pairs) > 800
    for one, other in sorted(map(sorted, pairs - deliberate)):
        with pytest.raises(BadSettings, match="too, choose another"):
            checked_keys({one: "f12", other: "f12"})
        if not known[other].action.startswith("decide("):
            with pytest.raises(BadSettings, match="too, choose another"):
                checked_keys({other: known[one].key})


def test_two_actions_that_are_never_active_at_once_may_share_a_key() -> None:
    assert checked_keys({"tree.errors": "f12", "events.follow": "f12"})


def test_the_default_keys_have_only_the_listed_conflicts() -> None:
    ids = {binding.id for binding in all_bindings()}
    assert {tuple(sorted(clash.actions)) for clash in key_conflicts({}) if clash.actions <= ids} == {
        ("agents.down", "lines.down"),
        ("agents.up", "lines.up"),
        ("app.take_back", "review.undo"),
        ("answer.undo", "app.take_back"),
        ("answer.pick", "inspector.turn"),
        ("answer.pick", "lines.choose"),
        ("answer.reveal", "inspector.reveal"),
        ("inspector.reveal", "review.reveal"),
        ("inspector.turn", "lines.choose"),
        ("inspector.turn", "review.open"),
        ("lines.choose", "review.open"),
        ("lines.choose", "tasks.open"),
    }


def test_every_screen_is_checked_for_key_conflicts() -> None:
    def below(screen: type[Any]) -> set[type[Any]]:
        return {screen, *(one for heir in screen.__subclasses__() for one in below(heir))}

    screens = {one for one in below(OverlayScreen) if one.__module__.startswith("tui.")}
    assert {one.__name__ for one in screens - set(FOCUSABLE_BY_SCREEN)} == {
        "OverlayScreen",
        "Dialog",
        "BaseScreen",
        "ApprovalScreen",
        "DecisionScreen",
        "QuestionKeysScreen",
        "ReviewDecision",
        "TaskDecisionScreen",
    }


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"review.say": "?"}, "question_mark is the key of app.help too"),
        ({"tasks.stop": ":"}, "colon is the key of app.line too"),
        ({"tasks.sort": "tab"}, "app.focus_next"),
        ({"copy.curl": "u"}, "app.take_back"),
        ({"tasks.stop": "ctrl+p"}, "the palette"),
    ],
)
def test_a_character_is_the_same_key_as_its_name(keys: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=re.escape(words)):
        checked_keys(keys)
    assert checked_keys({"tasks.stop": ";"}) == {"tasks.stop": "semicolon"}


@pytest.mark.parametrize("key", ["return", "<any>", "<ignore>", "<scroll-up>", "<scroll-down>"])
@pytest.mark.parametrize("action", ["review.approve", "review.reject", "tasks.stop"])
def test_an_invalid_key_is_refused(action: str, key: str) -> None:
    with pytest.raises(BadSettings, match="is no key"):
        checked_keys({action: key})


async def test_a_configured_key_replaces_the_default(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, keys=checked_keys({"tasks.stop": "f8"})) as operator:
        await operator.press("X")
        assert isinstance(operator.app.screen, TaskListScreen)
        await operator.press("f8")
        await operator.until(lambda: "Stop this task?" in operator.text)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"tasks.stpo": "f8"}, "did you mean tasks.stop?"),
        ({"tasks.stop": ""}, "is no key"),
        ({"review.approve": "enter"}, "never decides"),
        ({"review.reject": "ctrl+r"}, "never decides"),
    ],
)
def test_an_invalid_key_setting_is_refused_with_the_reason(keys: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=words.replace("?", r"\?")):
        checked_keys(keys)


def test_ctrl_keys_change_nothing_and_binding_ids_are_unique() -> None:
    found = list(all_bindings())
    harmless = {"app.quit", "app.suspend", "lines.half_down", "lines.half_up"}
    assert {one.id for one in found if "ctrl+" in one.key} <= harmless
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids))
