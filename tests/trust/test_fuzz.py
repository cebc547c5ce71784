"""Whatever is typed, set, stored, piped or sent by a terminal ends in a documented exit code and a message."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.app.pseudo_terminal import UNREADABLE_INPUT, terminal
from tests.conftest import RecordTried
from tests.trust.fuzz import CODES

CASES = int(os.environ.get("XP_FUZZ", "80"))
PIECES = [*UNREADABLE_INPUT, b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[200~", b"\x1b[201~", b"\x1b[A", b"\x1b[B", b"\x1b[5~", b"\x1b[I", b"\x1b[O",
          b"\r", b"\t", b"\x7f", b"\x1b[48;99999;99999;9;9t", b"\x1b[48;20;20;9;9t", b"\x1b[?2026;2$y", b"\x1b[<0;10;10M", b"\x1b[<64;9;9M"]  # fmt: skip
"""What a terminal may send, beside random bytes."""
ENDING_BYTES = b"\x1a\x11\x1c"
"""Ctrl+Z, Ctrl+Q, and Ctrl+\\, which kills whatever has just given the terminal back."""


@pytest.mark.parametrize("part", range(2))
def test_a_command_line_ends_in_a_code_of_the_table_and_words(part: int, record_tried: RecordTried) -> None:
    command = [sys.executable, "-m", "tests.trust.fuzz", str(CASES // 2), str(part)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["wrong"] == [], "\n".join([f"{len(told['wrong'])} are wrong", *told["wrong"][:12]])
    assert set(map(int, told["codes"])) <= CODES
    record_tried(
        "odd words, variables, settings, files and streams: a code and words", told["cases"], f"{told['codes']}"
    )


def pieces(chance: random.Random) -> bytes:
    """Generate random terminal input."""
    if chance.random() < 0.5:
        return chance.choice(PIECES)
    typed = chance.randbytes(chance.randrange(1, 40))
    return bytes(byte for byte in typed if byte not in ENDING_BYTES)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_no_terminal_input_ends_the_screens(part: int, tmp_path: Path, record_tried: RecordTried) -> None:
    sent = 0
    for number in range(max(CASES // 200, 1)):
        chance = random.Random(f"{part}:{number}")
        home = tmp_path / str(number)
        home.mkdir()
        with terminal(home) as shell:
            shell.until(b"Invoice bot")
            end = time.monotonic() + 2.0
            while time.monotonic() < end and shell.process.poll() is None:
                os.write(shell.leader, pieces(chance))
                sent += 1
                if select.select([shell.leader], [], [], 0.005)[0]:
                    shell.seen = (shell.seen + os.read(shell.leader, 65536))[-200_000:]
            shell.process.send_signal(signal.SIGTERM)
            shell.process.send_signal(signal.SIGCONT)  # the palette may have suspended it
            code = shell.ends()
        assert code in CODES
        assert b"has failed" not in shell.seen, shell.seen[-2_000:]
        assert not [*home.rglob("crashes/*.txt")]
    record_tried("odd bytes of a terminal: the screens go on", sent)
