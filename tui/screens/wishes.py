"""What an operator can wish for on more than one screen; the app grants it."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message


class Wish(Message):
    """Something is to be done with tasks: stop, continue, create, copy."""

    def __init__(self, verb: str, *task_ids: str) -> None:
        super().__init__()
        self.verb = verb
        self.task_ids = task_ids


class CopyWanted(Message):
    """One of these texts is to be copied, whichever is chosen."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self.texts = texts


class ReviewWanted(Message):
    """What tasks wait for is to be decided."""

    def __init__(self, *task_ids: str) -> None:
        super().__init__()
        self.task_ids = task_ids
