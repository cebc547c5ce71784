"""Another process with the same drafts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFTS_PROGRAM = """
import json, pathlib, sys
from tui.storage.json_store import Drafts
drafts = Drafts(pathlib.Path(sys.argv[1]))
print(flush=True)
for line in sys.stdin:
    what, *words = json.loads(line)
    if what == "set":
        drafts[words[0]] = words[1]
    elif what == "delete":
        del drafts[words[0]]
    print(json.dumps([drafts.get(words[0]), sorted(drafts)]), flush=True)
"""


class OtherProcess:
    """Another process with the same drafts."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, *words: str) -> tuple[str | None, list[str]]:
        """Let it change a draft or open it; what it sees of this draft then, and the names of all."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        text, keys = json.loads(self.process.stdout.readline())
        return text, keys

    def end(self, *, killed: bool = False) -> None:
        """End the process."""
        if killed:
            self.process.kill()
        self.process.communicate()


@contextmanager
def other_xp_tui(path: Path, program: str = DRAFTS_PROGRAM, *words: str) -> Iterator[OtherProcess]:
    """Start another process that has read the file."""
    command, pipe = [sys.executable, "-c", program, str(path), *words], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        yield OtherProcess(process)
        process.kill()
