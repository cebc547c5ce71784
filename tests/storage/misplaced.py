"""Links, folders, pipes, sockets and devices in the place of a file."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_file(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(b'{"kind":"sent","deed":"of another"}\n')
    path.symlink_to(elsewhere)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # as /dev/zero: it can be read without an end
    except PermissionError:
        pytest.skip("only root can make a device")


IN_ITS_PLACE: dict[str, Callable[[Path], None]] = {
    "a link": link_to_file,
    "a link to a device": link_to_device,
    "a directory": Path.mkdir,
    "a named pipe": os.mkfifo,
    "a socket": unix_socket,
    "a device": device,
}
every_kind = pytest.mark.parametrize("kind", IN_ITS_PLACE)


def put_in_place(kind: str, path: Path) -> str:
    """Put something in the place of a file, and return the sentence that reports it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    IN_ITS_PLACE[kind](path)
    advice = "remove it" if kind.startswith("a link") else "move it away"
    return f"{path} is {kind.removesuffix(' to a device')}: {advice}, a file is made in its place"


@contextmanager
def without_waiting() -> Iterator[None]:
    """Fail if something waits for the other end of a pipe."""

    def waited(number: int, frame: object) -> None:
        raise TimeoutError("it waits")

    before = signal.signal(signal.SIGALRM, waited)
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
