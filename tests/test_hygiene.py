"""Who meets whom at run time: the library has no screen, and help loads next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after some code, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stdout.split()[-500:])


@pytest.mark.parametrize(
    "module", ["watch", "deeds", "query", "journal", "plain", "settings", "api.client", "api.stream"]
)
def test_the_core_never_meets_a_screen(module: str) -> None:
    # httpx brings its own command line, and rich with it, where click happens to be installed.
    assert not {"textual", "rich"} & loaded(f"sys.modules['click'] = None\nimport tui.{module}")


def test_help_loads_neither_network_nor_models() -> None:
    code = "from tui.cli.main import run\nrun(['--help'], None)"
    assert not {"httpx", "pydantic", "textual", "rich", "asyncio", "ssl"} & loaded(code)
