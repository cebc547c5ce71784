"""Tells when a newer SDK is published than the pinned one, and runs it against the local platform beside the pinned one.

It never fails the build, and all of it is bounded in time: what is published elsewhere is no fault of this code.

python -m tests.interop.newest PYTHON_WITH_THE_PINNED_SDK UV
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = "xpander-sdk"
LOOK_SECONDS = 30
INSTALL_SECONDS = 240
RUN_SECONDS = 240
MAX_REASON_CHARS = 200


class CouldNotLook(Exception):
    """Raised when it cannot be known which SDK is the newest, or when it cannot be installed; it says why."""


def pinned_version(requirements: str) -> str:
    """Return the version of the SDK that the requirements pin."""
    match = re.search(rf"^{PROJECT}(?:\[[^\]]*\])?==(\S+)$", requirements, re.MULTILINE)
    if match is None:
        raise CouldNotLook(f"the requirements pin no {PROJECT}")
    return match[1]


def newest_version(python: str, seconds: float = LOOK_SECONDS) -> str:
    """Return the newest version that pip finds, wherever it is set up to look."""
    options = ["--disable-pip-version-check", "--no-input", "--retries", "0", "--timeout", "10"]
    output = run_bounded([python, "-m", "pip", "index", "versions", PROJECT, *options], seconds)
    match = re.search(rf"^{PROJECT} \((\S+)\)$", output, re.MULTILINE)
    if match is None:
        raise CouldNotLook("pip's answer names no version")
    return match[1]


def is_newer(version: str, than: str) -> bool:
    """Return whether a version is newer than another one: its numbers are compared, one by one."""
    return version_numbers(version) > version_numbers(than)


def version_numbers(version: str) -> list[int]:
    """Return the numbers of a version, without zeros at its end."""
    numbers = [int(digits) for digits in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def run_bounded(command: Sequence[str], seconds: float) -> str:
    """Run a command and return its output; raise CouldNotLook where it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise CouldNotLook(f"no answer within {seconds:g} s") from error
    except OSError as error:
        raise CouldNotLook(f"{Path(command[0]).name}: {error.strerror}") from error
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "it failed").splitlines()
        raise CouldNotLook(lines[-1][:MAX_REASON_CHARS])
    return done.stdout


def install(version: str, python: str, uv: str, place: Path) -> str:
    """Install a version of the SDK in an environment beside the pinned one; return its Python."""
    run_bounded([uv, "venv", "--quiet", "--clear", "--python", python, str(place)], INSTALL_SECONDS)
    new_python = str(place / "bin" / "python")
    words = [f"{PROJECT}[agno]=={version}"]
    run_bounded([uv, "pip", "install", "--quiet", "--python", new_python, *words], INSTALL_SECONDS)
    return new_python


def main(python: str, uv: str, place: Path = Path(".venv-interop-newest")) -> int:
    """Print what is known of the newest SDK, and how it gets on with the local platform; always return 0."""
    try:
        pinned = pinned_version((HERE / "requirements.txt").read_text(encoding="utf-8"))
        newest = newest_version(python)
    except CouldNotLook as error:
        say(f"could not look for a newer {PROJECT}: {error}")
        return 0
    if not is_newer(newest, pinned):
        say(f"{PROJECT} {pinned} is the newest")
        return 0
    say(f"NEWER: {PROJECT} {newest} is published, {pinned} is pinned; it is run beside the pinned one")
    try:
        new_python = install(newest, python, uv, place)
        say(run_bounded([sys.executable, "-m", "tests.interop.run", new_python], RUN_SECONDS).rstrip())
        say(f"{PROJECT} {newest}: all of it works; pin it in tests/interop/requirements.txt")
    except CouldNotLook as error:
        say(f"{PROJECT} {newest}: not all of it works, or it could not be run: {error}")
    return 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
