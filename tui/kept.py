"""Texts kept on disk by name, so that a crash or a restart loses none: drafts, and what the screens remember."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from tui.private import write_private


class Kept(MutableMapping[str, str]):
    """Texts by what they are for; every change is written at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts: dict[str, str] = {}
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(found, dict):
            self._texts = {str(key): text for key, text in found.items() if isinstance(text, str)}

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __setitem__(self, key: str, text: str) -> None:
        if text.strip():
            self._texts[key] = text
        else:
            self._texts.pop(key, None)
        self._write()

    def __delitem__(self, key: str) -> None:
        del self._texts[key]
        self._write()

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def _write(self) -> None:
        write_private(self._path, json.dumps(self._texts).encode())
