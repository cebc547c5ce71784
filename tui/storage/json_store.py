"""Texts kept on disk by name, so that a crash or a restart loses none: what the screens remember, and drafts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tui.storage.private_files import hold_lock, read_private, write_private
from tui.storage.run_lock import live_runs, new_run_name, this_run

SENDING_PREFIX = "sending "
"""Before the name of a draft that is on its way: it is kept, and not offered again meanwhile."""
DRAFT_SEPARATOR = "\n\n--- also written, and not sent ---\n\n"
"""The line between two texts of one draft."""
_OWNED = re.compile(r"(.*) \[xp-tui (\d+-[0-9a-f]{16})\]", re.DOTALL)


class JsonStore(MutableMapping[str, str]):
    """Texts by what they are for; every change is written at once, into what is on the disk at that moment.

    It is for what can be done without: where the disk takes nothing, a change holds until the end of this run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = _texts_in(path)

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __setitem__(self, key: str, text: str) -> None:
        if not text.strip():
            self.pop(key, None)
            return
        self._texts[key] = text
        with suppress(OSError), _changed(self._path) as texts:
            texts[key] = text

    def __delitem__(self, key: str) -> None:
        del self._texts[key]
        with suppress(OSError), _changed(self._path) as texts:
            texts.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Drafts(MutableMapping[str, str]):
    """Drafts that all xp-tui of this machine share; two edits of one draft keep both texts.

    A draft is in the file under its name. Where another xp-tui has changed it since it was shown here, what is written
    here goes under its name with the run, as `NAME [xp-tui 4711-…]`: the edit goes on there, the other's stays.
    Once that run has ended, whoever opens the draft next finds both texts, one below the other with a line between.
    A text is only ever replaced by an edit of what it was shown with.
    The name of a draft that is being sent begins with SENDING and has the run too: no other run sees it while that
    lives, and once it has ended, it is put back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = path.parent / "runs"
        self._seen: dict[str, dict[str, str]] = {}
        """For each draft the texts that were shown or written here last, by their names in the file."""

    def get(self, key: str, default: Any = None) -> Any:
        """Read a draft from the disk, to show it."""
        self._seen[key] = self._shown(key, _texts_in(self._path))
        return DRAFT_SEPARATOR.join(self._seen[key].values()) or default

    def __getitem__(self, key: str) -> str:
        """The draft as it was shown or written here last."""
        if text := DRAFT_SEPARATOR.join(self._seen.get(key, {}).values()) or self.get(key):
            return str(text)
        raise KeyError(key)

    def __setitem__(self, key: str, text: str) -> None:
        is_kept = bool(text.strip())
        with _changed(self._path) as texts:
            name = self._name_to_write(key, texts)
            for seen, as_seen in self._seen.get(key, {}).items():
                if texts.get(seen) == as_seen:
                    del texts[seen]
            if is_kept:
                texts[name] = text
        self._seen[key] = {name: text} if is_kept else {}

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self[key] = ""

    def setdefault(self, key: str, text: str = "") -> str:
        """Put a draft back: beside what was written under its name meanwhile, for whoever opens it next."""
        with _changed(self._path) as texts:
            shown = self._shown(key, texts)
            if text.strip() and text not in shown.values():
                texts[_owned(key, new_run_name()) if shown else key] = text  # nobody holds the lock of a new name
        return text

    def __iter__(self) -> Iterator[str]:
        texts = _texts_in(self._path)
        keys = dict.fromkeys(_key_and_run(name)[0] for name in texts)
        return (key for key in keys if self._shown(key, texts))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @property
    def _own_run(self) -> str:
        return this_run(self._runs).name

    def _shown(self, key: str, texts: dict[str, str]) -> dict[str, str]:
        """The texts of a draft that are shown here: this run's own, else the shared one and those of ended runs."""
        own = _owned(key, self._own_run)
        if own in texts:
            return {own: texts[own]}
        names = sorted(name for name in texts if _key_and_run(name)[0] == key)
        if names in ([], [key]):
            return {name: texts[name] for name in names}
        live = live_runs(self._runs)
        return {name: texts[name] for name in names if _key_and_run(name)[1] not in live}

    def _name_to_write(self, key: str, texts: dict[str, str]) -> str:
        """The name in the file for a draft that is written here: the shared one, unless another has changed that."""
        own = _owned(key, self._own_run)
        is_changed = texts.get(key) != self._seen.get(key, {}).get(key)
        if own not in texts and not is_changed and not key.startswith(SENDING_PREFIX):
            return key
        this_run(self._runs).acquire()
        return own


def _owned(key: str, run: str) -> str:
    return f"{key} [xp-tui {run}]"


def _key_and_run(name: str) -> tuple[str, str | None]:
    """The draft's name, and the run that it belongs to, if to one."""
    found = _OWNED.fullmatch(name)
    return (found[1], found[2]) if found else (name, None)


def _texts_in(path: Path) -> dict[str, str]:
    """The texts in a file; none where it cannot be read."""
    try:
        return _texts(read_private(path))
    except (OSError, ValueError, RecursionError):
        return {}


def _texts(content: bytes) -> dict[str, str]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("texts are an object")
    return {key: text for key, text in found.items() if isinstance(text, str)}


@contextmanager
def _changed(path: Path) -> Iterator[dict[str, str]]:
    """The texts in a file, to be changed; they are written afterwards, and meanwhile no other process changes them."""
    with hold_lock(path):
        try:
            texts = _texts(read_private(path))
        except FileNotFoundError:
            texts = {}
        except (ValueError, RecursionError):  # somebody may still mend it
            path.rename(path.with_name(f"{path.name}.damaged"))
            texts = {}
        yield texts
        write_private(path, json.dumps(texts).encode())
