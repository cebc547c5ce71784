"""Rules for the whole code: what may be loaded, no markup in untrusted text, no private parts of other libraries."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.loaded_modules import loaded_modules, loaded_packages
from tests.repository import ROOT, TUI, repository_path


@pytest.mark.parametrize(
    "module",
    [
        "services.list_poller",
        "services.actions",
        "services.audit_log",
        "domain.filters",
        "security.sanitize",
        "storage.settings",
        "client.client",
        "client.event_stream",
        "client.sse",
    ],
)
def test_the_core_imports_no_screen_library(module: str) -> None:
    # httpx brings its own command line, and rich with it, where click happens to be installed.
    assert not {"textual", "rich"} & loaded_packages(f"sys.modules['click'] = None\nimport tui.{module}")


def test_help_loads_neither_network_nor_models() -> None:
    code = "from tui.cli.main import run\nrun(['--help'], None)"
    unneeded = {"httpx", "pydantic", "textual", "rich", "asyncio", "ssl", "tui.security.sanitize"}
    modules = loaded_modules(code)
    assert not unneeded & (modules | {name.split(".")[0] for name in modules})


def test_the_first_frame_loads_no_module_it_does_not_need() -> None:
    modules = loaded_modules("import tui.__main__, tui.cli.main, tui.launch, tui.app.app")
    assert not modules & {
        "httpx",
        "httpx_sse",
        "httpcore",
        "pydantic",
        "truststore",
        "markdown_it",
        "tomllib",
    }
    assert not modules & {
        "email",
        "http.client",
        "urllib.request",
        "argparse",
        "tui.client.event_stream",
        "tui.client.sse",
    }
    screens = {name for name in modules if name.startswith("tui.screens.")}
    assert screens == {
        f"tui.screens.{name}"
        for name in (
            "approval_base",
            "base",
            "decision_screen",
            "key_rhythm",
            "messages",
            "reason_editor",
            "stylesheets",
            "task_list",
        )
    }


def test_a_list_of_tasks_needs_no_pydantic() -> None:
    code = """
from datetime import UTC, datetime
from tui.client.task_rows import task_page
from tui.domain.filters import parse_filter
from tui.domain.state import State, TasksSeen
from tui.domain.task_list import ListView, TaskListModel
page = task_page(b'[{"id": "a", "status": "paused", "title": "Pay"}, {"id": "b", "status": "executing"}]', 1)
state = State().after([TasksSeen(page.items, datetime.now(UTC))])
listing = TaskListModel(ListView(matches=parse_filter("pay status:paused").predicate()))
assert not list(listing.build(state))[1:]
assert [listing.row(place).key for place in range(len(listing))][1:] == ["a"]
"""
    assert "pydantic" not in loaded_packages(code)


def test_no_module_outside_local_uses_dataclasses() -> None:
    ours = [file for file in TUI.rglob("*.py") if "local" not in file.relative_to(TUI).parts]
    assert len(ours) > 100
    assert [
        repository_path(file) for file in ours if "@dataclass" in file.read_text(encoding="utf-8")
    ] == []  # a millisecond each


WORKAROUNDS = TUI / "app" / "textual_workarounds.py"


def shows_text(file: Path) -> bool:
    """Return whether a module is one of the screens, the widgets or the app, or calls `notify`."""
    is_on_screen = file.relative_to(TUI).parts[0] in {"app", "screens", "widgets"}
    return (is_on_screen and file != WORKAROUNDS) or "notify(" in file.read_text(encoding="utf-8")


SHOWING = sorted(file for file in TUI.rglob("*.py") if shows_text(file))
UNSAFE = frozenset({"Label", "Markdown", "MarkdownViewer", "RichLog", "Log", "DataTable", "Tree", "OptionList", "Select",
                    "Pretty", "Collapsible", "Tabs", "Link", "Digits", "Text", "Content", "Markup"})  # fmt: skip
"""What shows a text as it is, or reads markup in it."""


def offences(code: str) -> list[str]:
    """Return where a text could reach the terminal unsanitized, or be read as markup."""
    found = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name("Static") | ast.Attribute(attr="notify"), keywords=keywords) if not any(
                one.arg == "markup" and isinstance(one.value, ast.Constant) and one.value.value is False
                for one in keywords
            ):
                if not any(one.arg is None for one in keywords):
                    found.append(f"{node.lineno}: markup=False is missing")
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] in {"textual", "rich"}:
                found += [f"{node.lineno}: {one.name} shows texts as they are" for one in names if one.name in UNSAFE]
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                titles = {"title", "sub_title", "border_title", "border_subtitle", "tooltip"}
                found += [
                    f"{node.lineno}: {one.attr} is read as markup"
                    for one in targets
                    if isinstance(one, ast.Attribute) and one.attr in titles
                ]
            case ast.Call(func=ast.Attribute(attr="from_markup" | "print")):
                found.append(f"{node.lineno}: it prints past the door")
    return found


@pytest.mark.parametrize("file", SHOWING, ids=repository_path)
def test_no_text_is_read_as_markup(file: Path) -> None:
    assert offences(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    ["Static(x)", "self.notify(x)", "notify(x).notify(y, markup=True)", "from textual.widgets import Label",
     "widget.border_title = x", "from rich.text import Text", "Text.from_markup(x)"],
)  # fmt: skip
def test_the_markup_check_finds_each_offence(code: str) -> None:
    assert offences(code)


# Private names of other libraries

COMPARISONS = {"startswith", "endswith", "removeprefix", "removesuffix"}
"""Methods that take a part of a text, never the name of an attribute."""
DOCUMENTED_NAMES = {"_asdict", "_fields", "_make", "_replace"}
"""The public names of a named tuple that begin with an underscore."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("_") and name not in DOCUMENTED_NAMES


def defined_names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines itself: functions, classes, variables and attributes of `self`."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                names.add(name)
            case ast.Attribute(value=ast.Name("self" | "cls"), attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def private_imports(tree: ast.Module) -> Iterator[str]:
    """Find imports of private modules and of private names."""
    for node in ast.walk(tree):
        paths: list[str] = []
        match node:
            case ast.Import(names=imports):
                paths = [one.name for one in imports]
            case ast.ImportFrom(module=str(module), level=0, names=imports):
                paths = [f"{module}.{one.name}" for one in imports]
        for path in paths:
            if not path.startswith("tui.") and any(map(is_private, path.split("."))):
                yield f"{path} is imported"


def private_lookups(tree: ast.Module, own_names: set[str]) -> Iterator[str]:
    """Find private attributes, also those that are named in a string, that no module of ours defines."""
    for node in ast.walk(tree):
        names: list[str] = []
        match node:
            case ast.Attribute(attr=name):
                names = [name]
            case ast.Call(func=ast.Attribute(attr=method)) if method in COMPARISONS:
                continue
            case ast.Call(args=arguments):
                texts = [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                names = [name for text in texts if re.fullmatch(r"[\w.]+", text) for name in text.split(".")]
        for name in names:
            if is_private(name) and name not in own_names:
                yield f"{name} is not ours"


@cache
def attributes_by_class(module: str) -> dict[str, set[str]]:
    """Return the attributes of `self` that each class of a module names, by the class's name."""
    source = inspect.getsourcefile(importlib.import_module(module))
    if source is None:
        return {}
    found: dict[str, set[str]] = {}
    for cls in ast.walk(ast.parse(Path(source).read_text(encoding="utf-8"))):
        if isinstance(cls, ast.ClassDef):
            parts = [one for one in ast.walk(cls) if isinstance(one, ast.Attribute)]
            found[cls.name] = {one.attr for one in parts if isinstance(one.value, ast.Name) and one.value.id == "self"}
    return found


@cache
def foreign_private_names(cls: type) -> frozenset[str]:
    """Return the private names of the bases of a class that are not ours."""
    names: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.split(".")[0] not in {"tui", "builtins"}:
            names |= set(vars(base)) | attributes_by_class(base.__module__).get(base.__name__, set())
    return frozenset(filter(is_private, names))


def inherited_private_names(body: list[ast.stmt], namespace: Mapping[str, Any]) -> Iterator[str]:
    """Find private names of foreign bases that the classes of a module, or those within a class, use or override."""
    for node in body:
        if not isinstance(node, ast.ClassDef):
            continue
        cls = namespace[node.name]
        yield from inherited_private_names(node.body, vars(cls))
        names = [one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        names += [one.id for item in node.body for one in targets(item) if isinstance(one, ast.Name)]
        for part in ast.walk(node):
            match part:
                case ast.Attribute(value=ast.Name("self" | "cls") | ast.Call(func=ast.Name("super")), attr=name):
                    names.append(name)
        for name in sorted(foreign_private_names(cls).intersection(names)):
            yield f"{node.name} uses or overrides the inherited {name}"


def targets(statement: ast.stmt) -> list[ast.expr]:
    """Return what a statement assigns to."""
    match statement:
        case ast.Assign(targets=several):
            return several
        case ast.AnnAssign(target=one):
            return [one]
    return []


def private_uses(tree: ast.Module, namespace: Mapping[str, Any], own_names: set[str]) -> list[str]:
    """Return every use that a module makes of private names of other libraries."""
    return [
        *private_imports(tree),
        *private_lookups(tree, own_names),
        *inherited_private_names(tree.body, namespace),
    ]


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_only_public_parts_of_other_libraries_are_used() -> None:
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in TUI.rglob("*.py")}
    assert len(trees) > 100
    own_names = set().union(*map(defined_names, trees.values()))
    found = [
        f"{repository_path(file)}: {use}"
        for file, tree in trees.items()
        if file != WORKAROUNDS
        for use in private_uses(tree, vars(importlib.import_module(module_name(file))), own_names)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import textual._xterm_parser", "_xterm_parser"),
        ("from textual._xterm_parser import XTermParser", "_xterm_parser"),
        ("from argparse import _ArgumentGroup", "_ArgumentGroup"),
        ("def quit_app(app): app._exit = True", "_exit"),
        ("def driver_of(app): return getattr(app, '_driver')", "_driver"),
        ("from operator import attrgetter\ndriver = attrgetter('app._driver')", "_driver"),
        ("from textual.app import App\nclass Planted(App):\n    def _fatal_error(self): pass", "_fatal_error"),
        ("from textual.app import App\nclass Planted(App):\n    _batch_count = 1", "_batch_count"),
        ("from textual.app import App\nclass Planted(App):\n    def quit_app(self): self._exit = 1", "_exit"),
        ("from textual.app import App\nclass Planted(App):\n    def end(self): super()._end_batch()", "_end_batch"),
        (
            "from textual.app import App\nfrom textual.widget import Widget\n"
            "class Planted(App):\n    class Inner(Widget):\n        _styles_cache: object = None",
            "_styles_cache",
        ),
    ],
)
def test_a_private_part_of_another_library_is_found(code: str, name: str) -> None:
    namespace: dict[str, Any] = {"__name__": "tui.planted"}
    exec(code, namespace)
    tree = ast.parse(code)
    found = private_uses(tree, namespace, defined_names(tree))
    assert [use for use in found if name in use]


def test_private_names_of_our_own_are_no_private_parts_of_another_library() -> None:
    code = "class Planted:\n    def _ours(self): return self._ours, self.__class__, Planted()._ours"
    namespace: dict[str, Any] = {"__name__": "tui.planted"}
    exec(code, namespace)
    tree = ast.parse(code)
    assert private_uses(tree, namespace, defined_names(tree)) == []
