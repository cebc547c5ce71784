"""The command without a verb: what it refuses before the screens open."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from tests.cli.conftest import Shell, said_instead_of_screens
from tests.wire.platform import KEY
from tui.__main__ import main
from tui.cli.main import _parse_arguments
from tui.cli.parser import build_parser


def refused(shell: Shell, *words: str) -> str:
    """Return the error that is printed instead of opening the screens."""
    said = said_instead_of_screens(shell, *words)
    assert said.count("\n") == 1
    return said.strip()


def test_a_command_without_arguments_is_parsed_like_an_empty_line() -> None:
    # Private: the short cut for an empty line is not visible from outside.
    assert vars(_parse_arguments([])) == vars(build_parser().parse_args([]))


def test_without_a_terminal_the_error_points_to_the_verbs(shell: Shell) -> None:
    shell.patch.setattr(sys, "argv", ["xp-tui"])
    assert main() == 3
    assert shell.capsys.readouterr() == (
        "",
        "xp-tui: the screens need a terminal; for scripts there are verbs, see xp-tui --help\n",
    )


def test_an_unknown_theme_is_reported_with_the_known_ones(shell: Shell) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    said = refused(shell, "--theme", "nope")
    assert said.startswith("xp-tui: there is no theme 'nope'; there is: ")
    assert "xp-contrast" in said


def test_a_key_for_an_unknown_action_is_reported(shell: Shell) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    shell.configure('time = "utc"\nagent = "a1"\n[keys]\n"tasks.stpo" = "x"\n')
    assert refused(shell) == "xp-tui: [keys] no action is called 'tasks.stpo', did you mean tasks.stop?"


@pytest.mark.parametrize("words", [[], ["--local"]])
def test_without_key_and_local_libraries_both_remedies_are_named(shell: Shell, words: list[str]) -> None:
    if words:
        shell.export(XPANDER_API_KEY=KEY)  # which is not what is wanted
    shell.patch.setattr(importlib.util, "find_spec", lambda name: None)
    assert refused(shell, *words) == (
        "xp-tui: no API key is set: set XPANDER_API_KEY; "
        "the local platform needs more than is installed: pip install 'xp-tui[local]'"
    )


def test_a_platform_that_does_not_start_says_why(shell: Shell) -> None:
    (shell.state / "local/key").mkdir(parents=True)
    said = refused(shell)
    assert said.startswith("xp-tui: the local platform did not start: xp-tui: ")
    assert "local/key is a directory: move it away, a file is made in its place" in said
    (shell.state / "local/key").rmdir()
    (shell.state / "local/use").unlink()
    (shell.state / "local/use").mkdir()
    assert "local/use is a directory: move it away, a file is made in its place" in refused(shell)
