"""What an operator can wish for on more than one screen; the app grants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.message import Message

from tui.client.task_facts import Status

if TYPE_CHECKING:
    from tui.domain.state import Board


def task_to_review(board: Board, task_id: str) -> str | None:
    """The task that waits for a person, this one or below it; a paused one too, whose reason was not read yet."""
    waiting = next(board.waiting_below(task_id), None)
    task = board.task(task_id)
    if waiting is None and task is not None and task.status == Status.PAUSED:
        return task_id
    return waiting


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
