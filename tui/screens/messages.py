"""Messages by which a screen asks the app for something; `tui.app` handles them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from tui.client.task_facts import Status

if TYPE_CHECKING:
    from tui.client.task_rows import AnyTask
    from tui.domain.action import Action
    from tui.domain.state import State


def task_to_review(state: State, task_id: str) -> str | None:
    """The task that waits for a person, this one or below it; a paused one too, whose reason was not read yet."""
    waiting = next(state.waiting_below(task_id), None)
    task = state.task(task_id)
    if waiting is None and task is not None and task.status == Status.PAUSED:
        return task_id
    return waiting


class TaskCommand(Message):
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


class ReadReview(Message):
    """Read what a task waits for, to show it on the review that sends this."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id


class ReviewsTask(Protocol):
    """A screen that reviews one task at a time."""

    task_id: str

    def forget(self, task_id: str, begun: Action | None = None) -> None:
        """Show another task, for which an action may be under way."""


class ShowNextReview(Message):
    """Show the task that waits `by` places after the reviewed one."""

    def __init__(self, screen: ReviewsTask, by: int) -> None:
        super().__init__()
        self.screen = screen
        self.by = by


class ReplyWanted(Message):
    """Answer what a task asks, or say more in its thread."""

    def __init__(self, task: AnyTask) -> None:
        super().__init__()
        self.task = task


class OpenUrl(Message):
    """Open a web address in a browser."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class OpenReviewedTask(Message):
    """Open the task of a review in the place of the review."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id


class ReadLog(Message):
    """Read the record and the log of a sub-task."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id
