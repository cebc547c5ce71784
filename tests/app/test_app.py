"""XpTui: every screen is updated in the same way, and the app checks the type of none."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from pathlib import Path

import pytest
from textual.screen import Screen

from tests.local.conftest import Serve
from tests.repository import TUI, repository_path
from tests.screens.operator import dashboard_with_invoice
from tui.screens.base import AppScreen

MODULES = sorted(f"tui.screens.{file.stem}" for file in (TUI / "screens").glob("*.py") if file.stem != "__init__")
SCREENS = sorted(
    {
        member
        for module in MODULES
        for _, member in inspect.getmembers(importlib.import_module(module), inspect.isclass)
        if issubclass(member, Screen) and member.__module__.startswith("tui.")
    },
    key=lambda one: one.__qualname__,
)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda one: one.__qualname__)
def test_every_screen_is_an_app_screen(screen: type) -> None:
    assert issubclass(screen, AppScreen)


def test_the_update_methods_of_app_screen_do_nothing_by_default() -> None:
    told = [name for name in vars(AppScreen) if name.startswith(("update_", "review_", "follow_", "agent_"))]
    assert len(told) == 11
    for name in told:
        body = ast.parse(textwrap.dedent(inspect.getsource(getattr(AppScreen, name)))).body[0]
        assert isinstance(body, ast.FunctionDef)
        assert all(isinstance(one, ast.Expr | ast.Return) for one in body.body), name


def asked_types(code: str) -> set[str]:
    """Return the names of the types that some code passes to `isinstance`."""
    return {
        name.id
        for call in ast.walk(ast.parse(code))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "isinstance"
        for name in ast.walk(call.args[1])
        if isinstance(name, ast.Name)
    }


@pytest.mark.parametrize("file", sorted((TUI / "app").glob("*.py")), ids=repository_path)
def test_the_app_checks_the_type_of_no_screen(file: Path) -> None:
    names = {screen.__name__ for screen in SCREENS} | {"Screen", "ModalScreen", "CommandPalette"}
    assert asked_types("isinstance(screen, Screen | ReviewScreen)") <= names, "the names of screens are not found"
    assert not asked_types(file.read_text(encoding="utf-8")) & names


@pytest.mark.parametrize("key", ["f10", "ctrl+p", "question_mark", "colon", "enter"])
async def test_every_screen_that_a_key_opens_is_an_app_screen(serve: Serve, tmp_path: Path, key: str) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press(key)
        await operator.until(lambda: len(operator.app.screen_stack) == 2)
        assert all(isinstance(screen, AppScreen) for screen in operator.app.screen_stack)
        before = operator.app.services.store.state
        operator.app.services.store.step()
        operator.app.services.progress.show_held()
        assert operator.app.services.store.state is not before
