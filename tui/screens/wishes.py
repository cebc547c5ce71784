"""What an operator can wish for on more than one screen; the app grants it."""

from __future__ import annotations

from textual.message import Message


class Wish(Message):
    """Something is to be done with a task: stop, continue, create, copy."""

    def __init__(self, verb: str, task_id: str) -> None:
        super().__init__()
        self.verb = verb
        self.task_id = task_id


class ReviewWanted(Message):
    """What a task waits for is to be decided."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id
