"""Who meets whom at run time: the library has no screen, and help loads next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest


def imported(code: str) -> set[str]:
    """The modules that are there after some code, in a process of its own."""
    whole = f"import sys\n{code}\nprint('\\n', *(name for name in sys.modules if sys.modules[name]))"
    done = subprocess.run([sys.executable, "-c", whole], check=True, capture_output=True, text=True)
    return set(done.stdout.rpartition("\n ")[2].split())


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after some code."""
    return {name.split(".")[0] for name in imported(code)}


@pytest.mark.parametrize(
    "module", ["watch", "deeds", "query", "journal", "plain", "settings", "api.client", "api.stream", "api.frames"]
)
def test_the_core_never_meets_a_screen(module: str) -> None:
    # httpx brings its own command line, and rich with it, where click happens to be installed.
    assert not {"textual", "rich"} & loaded(f"sys.modules['click'] = None\nimport tui.{module}")


def test_help_loads_neither_network_nor_models() -> None:
    code = "from tui.cli.main import run\nrun(['--help'], None)"
    assert not {"httpx", "pydantic", "textual", "rich", "asyncio", "ssl"} & loaded(code)


def test_the_first_frame_waits_for_nothing_it_does_not_need() -> None:
    modules = imported("import tui.__main__, tui.cli.main, tui.dashboard, tui.app")
    assert not modules & {
        "httpx",
        "httpx_sse",
        "httpcore",
        "pydantic",
        "truststore",
        "markdown_it",
        "tomllib",
    }
    assert not modules & {"email", "http.client", "urllib.request", "argparse", "tui.api.stream", "tui.api.frames"}
    screens = {name for name in modules if name.startswith("tui.screens.")}
    assert screens == {f"tui.screens.{name}" for name in ("deciding", "keyed", "tasks", "wishes")}


def test_no_class_of_ours_is_written_anew_each_time_it_is_imported() -> None:
    ours = [file for file in Path("tui").rglob("*.py") if "local" not in file.parts]
    assert [str(file) for file in ours if "@dataclass" in file.read_text(encoding="utf-8")] == []  # a millisecond each


SHOWING = [
    *Path("tui/screens").glob("*.py"),
    *Path("tui/widgets").glob("*.py"),
    Path("tui/app.py"),
    Path("tui/watching.py"),
]
UNSAFE = frozenset({"Label", "Markdown", "MarkdownViewer", "RichLog", "Log", "DataTable", "Tree", "OptionList", "Select",
                    "Pretty", "Collapsible", "Tabs", "Link", "Digits", "Text", "Content", "Markup"})  # fmt: skip
"""What shows a text as it is, or reads markup in it."""


def offences(code: str) -> list[str]:
    """Where a text could reach the terminal, or be read as markup, without having passed the door."""
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


@pytest.mark.parametrize("file", SHOWING, ids=str)
def test_no_text_is_read_as_markup(file: Path) -> None:
    assert offences(file.read_text()) == []


@pytest.mark.parametrize(
    "code",
    ["Static(x)", "self.notify(x)", "notify(x).notify(y, markup=True)", "from textual.widgets import Label",
     "widget.border_title = x", "from rich.text import Text", "Text.from_markup(x)"],
)  # fmt: skip
def test_what_is_forbidden_is_found(code: str) -> None:
    assert offences(code)
