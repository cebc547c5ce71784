"""The benchmarks themselves: all of them can be imported, they use public interfaces only, and the table says what it should."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from benchmarks import table
from benchmarks.__main__ import found
from benchmarks.onscreen import Peer
from benchmarks.table import Row, circumstances, lines, put_into_page, row, without_judgement

HERE = Path(__file__).parent
SOURCES = [path for path in sorted(HERE.glob("*.py")) if path.stem not in {"__init__", "mutants"}]
OURS = ("benchmarks", "tui", "tests")
TEXTUAL = {name for cls in (App, Screen, Widget) for name in dir(cls)}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_module_can_be_imported(source: Path) -> None:
    importlib.import_module(f"benchmarks.{source.stem}")


def test_every_row_is_found() -> None:
    assert list(found()) == list(range(1, 17))


def is_private(name: str) -> bool:
    """Whether a name is private; names between double underscores are not."""
    return name.startswith("_") and not name.startswith("__")


def names_defined(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a module defines: functions, classes, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def private_names_used(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a module reads from objects, or imports from other projects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.attr
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith((*OURS, "__future__")):
            yield from filter(is_private, [*node.module.split("."), *(one.name for one in node.names)])


def private_names_inherited(name: str, tree: ast.AST) -> Iterator[str]:
    """Yield the private names of other projects' classes that a module's classes define again."""
    module = importlib.import_module(f"benchmarks.{name}")
    defined = set(filter(is_private, names_defined(tree)))
    for _, cls in inspect.getmembers(module, inspect.isclass):
        foreign = [base for base in cls.__mro__ if not base.__module__.startswith((*OURS, "builtins"))]
        if cls.__module__ == module.__name__:
            yield from (name for base in foreign for name in vars(base).keys() & vars(cls).keys() & defined)


def test_only_public_parts_of_other_libraries_are_used() -> None:
    trees = {path: ast.parse(path.read_text()) for path in SOURCES}
    ours = [*trees.values(), *(ast.parse(path.read_text()) for path in (HERE.parent / "tui").rglob("*.py"))]
    own = {name for tree in ours for name in names_defined(tree)} - TEXTUAL
    used = [
        f"{path.stem}: {name}" for path, tree in trees.items() for name in private_names_used(tree) if name not in own
    ]
    used += [
        f"{path.stem}: {name}" for path, tree in trees.items() for name in private_names_inherited(path.stem, tree)
    ]
    assert not used


async def test_a_frame_is_counted_with_its_bytes_and_told_to_those_who_wait() -> None:
    peer = Peer(static := Static("before"))
    async with peer.running():
        await peer.quiet()
        frames, written = peer.frames, peer.written
        cost = await peer.cost(lambda: static.update("the words that follow"))
        assert peer.frames == frames + 1
        assert peer.written > written + len("the words that follow")
        assert cost.wall > 0
        assert cost.cpu > 0


async def test_what_fails_within_the_app_fails_where_it_was_asked_for() -> None:
    async with Peer(Static()).running() as peer:
        with pytest.raises(ZeroDivisionError):
            await peer.within(lambda: 1 / 0)


async def test_an_app_that_ends_by_itself_fails_the_benchmark() -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        async with Peer(Static()).running() as peer:
            await peer.within(lambda: peer.exit(return_code=3))


COMPARED = row(4, "tasks: theirs, ours", 300.0, 2.0, "ms", "≥ 150")
OPEN = row(9, "lines: theirs, ours", 6.0, 2.0, "ms", "≥")


def cells(one: Row) -> list[str]:
    """Return the cells of a row of the table."""
    return [cell.strip() for cell in list(lines([one]))[-1].strip("|").split("|")]


def test_a_row_stands_beside_its_target_and_the_figure_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (before := tmp_path / "before.json").write_text('{"4 tasks: theirs, ours": "748× / 627×"}')
    monkeypatch.setattr(table, "BEFORE", before)
    assert cells(COMPARED) == ["4", COMPARED.name, "300 ms", "2.00 ms", "150×", "≥ 150", "yes", "748× / 627×", ""]
    assert cells(OPEN) == ["9", OPEN.name, "6.00 ms", "2.00 ms", "3×", "higher is better", "", "", ""]


def test_small_sizes_are_not_judged_by_the_targets_of_large_ones() -> None:
    assert cells(without_judgement(COMPARED))[6] == ""


def test_a_ratio_without_a_target_is_compared_with_the_recorded_one_too() -> None:
    assert OPEN.times_worse(9.0) == 3.0
    assert row(16, "lists", 6.0, 2.0, "s", "≤").times_worse(1.5) == 2.0


def test_what_is_recorded_is_compared_and_has_to_be_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (kept := tmp_path / "recorded.json").write_text(
        '{"4 tasks: theirs, ours": 301, "4 renamed": 1, "5 not asked for": 1}'
    )
    monkeypatch.setattr(table, "RECORDED", kept)
    assert table.worsened([COMPARED]) == ["4 tasks: theirs, ours: 150×, recorded 301×", "4 renamed: not measured"]
    kept.write_text('{"4 tasks: theirs, ours": 299}')
    assert table.worsened([COMPARED]) == []


def test_the_table_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    (page := tmp_path / "page.md").write_text("# Title\n\n<!-- table -->\n\nwords behind it\n")
    for number in ("1", "2"):
        put_into_page(["| a |", f"| {number} |", "", circumstances()], page=page)
    assert page.read_text() == f"# Title\n\n<!-- table -->\n\n| a |\n| 2 |\n\n{circumstances()}\n\nwords behind it\n"


def test_a_page_without_a_marker_is_left_as_it_is(tmp_path: Path) -> None:
    (page := tmp_path / "page.md").write_text("# Title\n")
    with pytest.raises(SystemExit, match="write one"):
        put_into_page(["| a |"], page=page)
    assert page.read_text() == "# Title\n"


@pytest.mark.parametrize("marker", [table.MARKER, table.GROWTH_MARKER])
def test_the_page_has_one_place_for_each_table(marker: str) -> None:
    assert table.PAGE.read_text().count(marker) == 1
