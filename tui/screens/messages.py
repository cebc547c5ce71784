"""Messages that screens post to the app; `tui.app` handles them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from tui.client.task_facts import Status
from tui.domain import wait_words

if TYPE_CHECKING:
    from tui.client.task_rows import AnyTask
    from tui.domain.action import Action
    from tui.domain.state import State


def task_to_review(state: State, task_id: str) -> str | None:
    """Return the id of the task to review: this one or one below it that waits for a person.

    A paused task counts as waiting while the reason of the pause was not read yet.
    """
    waiting = next(state.waiting_below(task_id), None)
    if waiting is not None:
        return waiting
    task = state.task(task_id)
    if task is not None and task.status == Status.PAUSED and state.wait(task_id) is None:
        return task_id
    return None


class TaskCommand(Message):
    """A command about tasks: stop, continue, create or copy."""

    def __init__(self, verb: str, *task_ids: str) -> None:
        super().__init__()
        self.verb = verb
        self.task_ids = task_ids


class CopyWanted(Message):
    """A request to copy one of these texts or of those of a task, which the operator chooses.

    Without an id, the task is the one that is open.
    """

    def __init__(self, texts: Mapping[str, str], task_id: str = "", *, is_about_task: bool = True) -> None:
        super().__init__()
        self.texts = texts
        self.task_id = task_id
        self.is_about_task = is_about_task
        """Whether the texts of a task are offered as well."""


class ReviewWanted(Message):
    """A request to review waiting tasks."""

    def __init__(self, *task_ids: str) -> None:
        super().__init__()
        self.task_ids = task_ids


class ReadReview(Message):
    """A request to read the review of a task, for the screen that posts this message."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id


def why_no_review(state: State, task_id: str) -> str:
    """Return why a task has nothing to review: it waits for a machine, or not at all."""
    wait = state.wait(task_id)
    if wait is None:
        return "this task waits for nobody"
    return f"it waits for a machine: {wait_words.ENDS.get(wait.kind, wait.kind.words)}"


class ReviewsTask(Protocol):
    """A screen that reviews one task at a time."""

    task_id: str

    def show_task(self, task_id: str, running_action: Action | None = None) -> None:
        """Show another task, with the action that is running for it."""


class ShowNextReview(Message):
    """A request to show the next review: of the task `by` positions after the current one in the waiting tasks."""

    def __init__(self, screen: ReviewsTask, by: int) -> None:
        super().__init__()
        self.screen = screen
        self.by = by


class ReplyWanted(Message):
    """A request to reply to a task: to answer its question, or to write to its thread."""

    def __init__(self, task: AnyTask) -> None:
        super().__init__()
        self.task = task


class AnswerDecided(Message):
    """The operator has decided how to answer: the action that sends it, and the keys of its drafts."""

    def __init__(self, action: Action, draft_keys: Sequence[str]) -> None:
        super().__init__()
        self.action = action
        self.draft_keys = draft_keys


class OpenUrl(Message):
    """A request to open a URL in a browser."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url


class OpenReviewedTask(Message):
    """A request to open the reviewed task and to close its review."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id


class AgentPageWanted(Message):
    """A request to open the page of an agent; with a task, to show there which nodes this task tells of."""

    def __init__(self, agent_id: str, task_id: str = "") -> None:
        super().__init__()
        self.agent_id = agent_id
        self.task_id = task_id


class ReadAgent(Message):
    """A request to read the record of an agent, for its page."""

    def __init__(self, agent_id: str) -> None:
        super().__init__()
        self.agent_id = agent_id


class ReadLog(Message):
    """A request to read the record and the log of a sub-task; a failure is told only if the operator has asked."""

    def __init__(self, task_id: str, *, is_asked: bool = True) -> None:
        super().__init__()
        self.task_id = task_id
        self.is_asked = is_asked


class FactsWanted(Message):
    """A request to show the facts of a task."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task_id = task_id
