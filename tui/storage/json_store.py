"""Texts kept by name in JSON files, so that a crash or a restart loses none: remembered choices, and drafts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tui.storage.private_files import hold_lock, read_private, write_private
from tui.storage.run_lock import live_runs, new_run_name, this_run

SENDING_PREFIX = "sending "
"""Prefix of the name of a draft that is being sent: it is kept, but not offered for editing."""
DRAFT_SEPARATOR = "\n\n--- also written, and not sent ---\n\n"
"""Separator between two texts of one draft."""
_RUN_DRAFT_NAME = re.compile(r"(.*) \[xp-tui (\d+-[0-9a-f]{16})\]", re.DOTALL)


class _DraftName(NamedTuple):
    """The name of a draft in the file, split: its key, and the run that owns it; no run owns a shared draft."""

    key: str
    run: str | None = None


class JsonStore(MutableMapping[str, str]):
    """A store of texts in a JSON file, which each change updates at once.

    A change is merged into the current content of the file, so that several processes can share it.
    For texts that can be lost: where the file cannot be written, a change lasts until the end of this run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = _read_texts(path)

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __setitem__(self, key: str, text: str) -> None:
        if not text.strip():
            self.pop(key, None)
            return
        self._texts[key] = text
        with suppress(OSError), _update_texts(self._path) as texts:
            texts[key] = text

    def __delitem__(self, key: str) -> None:
        del self._texts[key]
        with suppress(OSError), _update_texts(self._path) as texts:
            texts.pop(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


class Drafts(MutableMapping[str, str]):
    """Drafts that all runs of xp-tui on this machine share; two edits of the same draft keep both texts.

    A draft is stored under its key. If another run has changed it since this run last read it, this run stores its
    own text under the key and the name of the run, as `KEY [xp-tui 4711-…]`, and the other text stays untouched.
    After this run has ended, the next reader of the draft gets both texts, with DRAFT_SEPARATOR between them.
    A text is replaced only by an edit of exactly that text.

    The key of a draft that is being sent begins with SENDING_PREFIX and also carries the run: no other run sees the
    draft while this one is alive, and after its end the draft is restored.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs = path.parent / "runs"
        self._known_texts: dict[str, dict[str, str]] = {}
        """For each draft the texts that this run has read or written last, by their names in the file."""

    def get(self, key: str, default: Any = None) -> Any:
        """Get the text of a draft from the file."""
        self._known_texts[key] = self._visible_texts(key, _read_texts(self._path))
        return DRAFT_SEPARATOR.join(self._known_texts[key].values()) or default

    def __getitem__(self, key: str) -> str:
        """Return the draft as this run has read or written it last."""
        text = DRAFT_SEPARATOR.join(self._known_texts.get(key, {}).values()) or self.get(key)
        if not text:
            raise KeyError(key)
        return str(text)

    def __setitem__(self, key: str, text: str) -> None:
        """Replace the texts of a draft that this run knows, unless another run has changed them."""
        has_text = bool(text.strip())
        with _update_texts(self._path) as texts:
            name = self._name_to_write(key, texts)
            for known_name, known_text in self._known_texts.get(key, {}).items():
                if texts.get(known_name) == known_text:
                    del texts[known_name]
            if has_text:
                texts[name] = text
        self._known_texts[key] = {name: text} if has_text else {}

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self[key] = ""

    def setdefault(self, key: str, text: str = "") -> str:
        """Restore a draft, and keep a text that was written under the same key meanwhile: the next reader gets both."""
        with _update_texts(self._path) as texts:
            visible_texts = self._visible_texts(key, texts)
            if text.strip() and text not in visible_texts.values():
                name = key
                if visible_texts:
                    name = _run_draft_name(key, new_run_name())  # a run that does not exist: the text has no owner
                texts[name] = text
        return text

    def __iter__(self) -> Iterator[str]:
        texts = _read_texts(self._path)
        keys = dict.fromkeys(_split_name(name).key for name in texts)
        return (key for key in keys if self._visible_texts(key, texts))

    def __len__(self) -> int:
        return len(list(iter(self)))

    @property
    def _run_name(self) -> str:
        return this_run(self._runs).name

    def _visible_texts(self, key: str, texts: dict[str, str]) -> dict[str, str]:
        """Return the texts of a draft that this run shows: its own, else the shared one and those of ended runs."""
        own_name = _run_draft_name(key, self._run_name)
        if own_name in texts:
            return {own_name: texts[own_name]}
        names = sorted(name for name in texts if _split_name(name).key == key)
        has_texts_of_runs = any(name != key for name in names)
        if not has_texts_of_runs:
            return {name: texts[name] for name in names}
        live = live_runs(self._runs)
        return {name: texts[name] for name in names if _split_name(name).run not in live}

    def _name_to_write(self, key: str, texts: dict[str, str]) -> str:
        """Return the name under which to write a draft: its key, unless another run has changed that text."""
        own_name = _run_draft_name(key, self._run_name)
        is_changed = texts.get(key) != self._known_texts.get(key, {}).get(key)
        is_shared = own_name not in texts and not is_changed and not key.startswith(SENDING_PREFIX)
        if is_shared:
            return key
        this_run(self._runs).acquire()
        return own_name


def _run_draft_name(key: str, run: str) -> str:
    return f"{key} [xp-tui {run}]"


def _split_name(name: str) -> _DraftName:
    """Split the name of a draft in the file into its key and its run."""
    match = _RUN_DRAFT_NAME.fullmatch(name)
    if match is None:
        return _DraftName(name)
    return _DraftName(match[1], match[2])


def _read_texts(path: Path) -> dict[str, str]:
    """Read the texts in a file; return none if it cannot be read."""
    try:
        return _parse_texts(read_private(path))
    except (OSError, ValueError, RecursionError):
        return {}


def _parse_texts(content: bytes) -> dict[str, str]:
    texts = json.loads(content)
    if not isinstance(texts, dict):
        raise ValueError("texts are an object")
    return {key: text for key, text in texts.items() if isinstance(text, str)}


@contextmanager
def _update_texts(path: Path) -> Iterator[dict[str, str]]:
    """Lock a file, yield its texts, and write the updated texts; a damaged file is renamed and kept."""
    with hold_lock(path):
        try:
            texts = _parse_texts(read_private(path))
        except FileNotFoundError:
            texts = {}
        except (ValueError, RecursionError):  # the operator may be able to repair it
            path.rename(path.with_name(f"{path.name}.damaged"))
            texts = {}
        yield texts
        write_private(path, json.dumps(texts).encode())
