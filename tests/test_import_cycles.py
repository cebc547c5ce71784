"""No folder of tui/ has an import cycle, not even within functions."""

from __future__ import annotations

from functools import cache
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

FOLDERS = ("app", "cli", "client", "domain", "local", "screens", "security", "services", "storage", "widgets")


@cache
def graph() -> grimp.ImportGraph:
    """Return what imports what, without what only type checkers import."""
    return grimp.build_graph("tui", exclude_type_checking_imports=True, cache_dir=None)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_has_an_import_cycle(folder: str) -> None:
    modules = graph().find_descendants(f"tui.{folder}")
    assert modules
    imports = {name: graph().find_modules_directly_imported_by(name) & modules for name in modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))
