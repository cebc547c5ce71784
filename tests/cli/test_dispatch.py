"""Running a verb: each verb has its function, the session finds the local platform, and start-up loads little."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import Shell
from tests.loaded_modules import loaded_modules
from tui.cli import dispatch, parser
from tui.cli.context import Session
from tui.local.data_dir import Address
from tui.storage import settings
from tui.storage.settings import BadSettings

ADDRESS = Address("http://127.0.0.1:1", "xpl-key")


def test_each_verb_of_the_command_line_has_its_function() -> None:
    assert dispatch.FUNCTION_OF_VERB.keys() == parser.VERBS.keys()
    for target in dispatch.FUNCTION_OF_VERB.values():
        module, _, function = target.partition(":")
        assert callable(getattr(importlib.import_module(f"tui.cli.{module}"), function))


def test_running_a_verb_loads_neither_network_nor_screens() -> None:
    modules = loaded_modules("import tui.cli.main, tui.cli.dispatch")
    assert "tui.cli.context" in modules
    assert not modules & {"httpx", "pydantic", "textual", "fastapi", "argparse", "tui.local.data_dir", "tui.cli.parser"}


def session_with(shell: Shell, address: Address | None, *, key: str | None = None) -> tuple[Session, list[Path]]:
    """Return a session on a machine with a local platform at this address, and the list of folders that are searched."""
    environ = {"HOME": str(shell.home)} | ({"XPANDER_API_KEY": key} if key else {})
    looked: list[Path] = []

    def find_local(state: Path) -> Address | None:
        looked.append(state)
        return address

    return Session.begin(SimpleNamespace(), settings.read({}, environ), find_local), looked


def test_without_a_key_the_local_platform_of_this_machine_is_used(shell: Shell) -> None:
    session, looked = session_with(shell, ADDRESS)
    key, surfaces = session.platform()
    assert (key.get_secret_value(), surfaces.rest, surfaces.organization) == ("xpl-key", ADDRESS.url, "local")
    assert looked == [shell.state]


def test_with_a_key_no_local_platform_is_searched_for(shell: Shell) -> None:
    session, looked = session_with(shell, ADDRESS, key="another-key")
    key, surfaces = session.platform()
    assert (key.get_secret_value(), surfaces.organization) == ("another-key", None)
    assert looked == []


def test_without_a_key_and_a_local_platform_the_error_says_what_to_set(shell: Shell) -> None:
    session, _ = session_with(shell, None)
    with pytest.raises(BadSettings, match="set XPANDER_API_KEY"):
        session.platform()
