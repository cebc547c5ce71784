"""The command without a verb, up to the point where the screens would open: what it refuses to open them with."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import KEY
from tui.__main__ import main
from tui.cli.main import _parse_arguments, run
from tui.cli.parser import build_parser
from tui.launch import run_dashboard


def said_instead_of_screens(shell: Shell, *words: str) -> str:
    """What is said on a terminal where the screens are not opened."""
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as screen, os.fdopen(os.dup(follower)) as keys:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stdin", keys)
            assert run(words, run_dashboard) == 3
    return shell.capsys.readouterr().err


def refused(shell: Shell, *words: str) -> str:
    """Why the screens are not opened on a shell."""
    said = said_instead_of_screens(shell, *words)
    assert said.count("\n") == 1
    return said.strip()


def test_no_words_mean_what_the_parser_would_make_of_them() -> None:
    assert vars(_parse_arguments([])) == vars(build_parser().parse_args([]))


def test_a_script_is_told_of_the_verbs(shell: Shell) -> None:
    shell.patch.setattr(sys, "argv", ["xp-tui"])
    assert main() == 3
    assert shell.capsys.readouterr() == (
        "",
        "xp-tui: the screens need a terminal; for scripts there are verbs, see xp-tui --help\n",
    )


def test_a_theme_that_there_is_not_is_told_with_those_there_are(shell: Shell) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    said = refused(shell, "--theme", "nope")
    assert said.startswith("xp-tui: there is no theme 'nope'; there is: ")
    assert "xp-contrast" in said


def test_a_key_for_an_action_that_there_is_not_is_told(shell: Shell) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    shell.configure('time = "utc"\nagent = "a1"\n[keys]\n"tasks.stpo" = "x"\n')
    assert refused(shell) == "xp-tui: [keys] no action is called 'tasks.stpo', did you mean tasks.stop?"


@pytest.mark.parametrize("words", [[], ["--local"]])
def test_without_a_key_and_without_the_libraries_both_ways_out_are_told(shell: Shell, words: list[str]) -> None:
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
