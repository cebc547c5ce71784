"""The draft of the options of a message: kept beside its text until it is sent, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping

from tui.domain.task_options import TASK_OPTIONS, OptionKind, TaskOption
from tui.security.redact import Redactor
from tui.storage.json_store import DRAFT_SEPARATOR


class OptionDraft:
    """The draft of the options of a message: without names of files with secrets, and what looks like a secret."""

    def __init__(self, draft_key: str, drafts: MutableMapping[str, str], redactor: Redactor) -> None:
        self.key = f"{draft_key} options"
        self._drafts = drafts
        self._redactor = redactor

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the options that were kept, by name; none if they cannot be read."""
        first, _, _ = self._drafts.get(self.key, "").partition(DRAFT_SEPARATOR)  # two processes may have kept theirs
        try:
            kept = json.loads(first or "{}")
        except (ValueError, RecursionError):
            return {}
        if not isinstance(kept, dict):
            return {}
        return {option.name: kept[option.name] for option in TASK_OPTIONS if _is_valid(option, kept.get(option.name))}

    def keep(self, texts: Mapping[str, str]) -> None:
        """Keep the texts of the options that hold no secret; raise OSError if they cannot be written."""
        kept = {
            option.name: texts[option.name]
            for option in TASK_OPTIONS
            if option.name in texts and not self._may_be_secret(option, texts[option.name])
        }
        if kept == self.texts:
            return
        if kept:
            self._drafts[self.key] = json.dumps(kept)
        else:
            self._drafts.pop(self.key, None)

    def _may_be_secret(self, option: TaskOption, text: str) -> bool:
        return option.is_secret or self._redactor.text(text) != text


def _is_valid(option: TaskOption, text: object) -> bool:
    """Return whether a text that was kept can be a value of the option."""
    if not isinstance(text, str) or not text or option.is_secret:
        return False
    if option.kind is OptionKind.FLAG:
        return text == "yes"
    return option.kind is not OptionKind.CHOICE or text in option.choices
