"""docs/architecture.md: its example runs, and what it says of folders and layers is true."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.local.conftest import KEY, served
from tests.repository import ROOT, TUI

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the code block of the document in this language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


async def test_the_ten_line_example_lists_tasks_and_follows_one(tmp_path: Path) -> None:
    code = block("python")
    assert len([line for line in code.splitlines() if line]) == 10
    async with served(tmp_path) as here, asyncio.timeout(30):
        platform = here.local.platform
        task = platform.create("your-agent", {"input": {"text": "do it"}, "title": "Do it", "events_streaming": True})
        platform.change(task, status="executing")
        environ = {
            "PATH": os.environ["PATH"],
            "XPANDER_API_KEY": KEY,
            "XPANDER_BASE_URL": here.url,
            "XPANDER_API_URL": here.url,
        }
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", code, env=environ, stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout is not None
        assert await program.stdout.readline() == f"executing {task['id']} Do it\n".encode()
        platform.push(task["id"], [{"type": "chunk", "data": "as it happens"}])
        while (line := await program.stdout.readline()) != b"chunk as it happens\n":
            assert line, "it ended before the event came"
        with here.local.store.transaction():
            platform.change(platform.task(task["id"]), status="completed", result="done")
        rest = (await program.stdout.read()).splitlines()
        assert await program.wait() == 0
    assert rest[-1].startswith(b"task_finished {")


def test_the_documented_layers_are_the_checked_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert block("text").splitlines() == layers


FOLDERS = [path.name for path in TUI.iterdir() if (path / "__init__.py").exists()]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_documented(folder: str) -> None:
    assert f"| `tui/{folder}/`" in DOCUMENT or f", `tui/{folder}/`" in DOCUMENT


PATHS = sorted(set(re.findall(r"`((?:tui/|tests/|styles/|\w+/)[\w/]*(?:\.py|/))`", DOCUMENT)))


@pytest.mark.parametrize("path", PATHS)
def test_every_documented_path_exists(path: str) -> None:
    assert (ROOT / path).exists() or (TUI / path).exists()


def test_the_glossary_has_twenty_words() -> None:
    glossary = DOCUMENT.partition("## Twenty words")[2].partition("\n## ")[0]
    assert len([line for line in glossary.splitlines() if line.startswith("| ")]) == 1 + 20
