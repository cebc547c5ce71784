"""Base classes of the screens: what the app calls on them, dialogs, and reasons for disabled keys."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events, on
from textual.actions import parse
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import Static

from tui.domain import humanize
from tui.domain.list_status import ListStatus
from tui.screens.messages import FactsWanted
from tui.screens.stylesheets import stylesheet
from tui.security.sanitize import one_line
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import bound_keys, key_name, named_bindings
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText

if TYPE_CHECKING:
    from tui.client.agent_models import AgentRecord
    from tui.domain.action import Action
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import Change, State
    from tui.domain.wait_details import WaitDetails

MAX_NOTICE_CHARS = 120
"""Characters of a notice in the notice line above the footer."""
SEEN_NOTICE_SECONDS = 1.0
"""Seconds in the notice line after which a notice counts as seen."""
Segments = list[tuple[StyledText, str]]
"""The texts of a SegmentLine, each with the name that a click on it posts; empty for a text without a click."""


class HeldActions(NamedTuple):
    """The held actions, as every screen shows them."""

    text: str
    """A line with the held actions, their countdown, and the keys that take them back; empty where none is held."""
    seconds_left: Mapping[str, float]
    """The seconds left of each hold, by the id of the action."""
    is_paused: bool
    """Whether the countdown is paused."""

    def time_left(self, action: Action) -> str:
        """Return a text with the time left of the hold of an action."""
        left = humanize.countdown(self.seconds_left.get(action.id, action.hold))
        if self.is_paused:
            return f"stands still, {left} left"
        return f"in {left}"


class AppScreen(Screen[ScreenResultType]):
    """The base of all screens of the app, with the methods that the app calls; a screen overrides those it needs."""

    HAS_NOTICE_LINE: ClassVar[bool] = False
    """Whether the screen shows notices in a line above the footer, because no toast may cover it."""
    IS_APPROVAL: ClassVar[bool] = False
    """Whether the operator decides here, so that nothing may cover the screen."""
    SHOWS_WAIT_DETAILS: ClassVar[bool] = False
    """Whether the screen shows the details of a wait, so that they are read after each review."""
    HAS_NEXT_REVIEW: ClassVar[bool] = False
    """Whether the screen can show the review of the next task in the place of its own."""
    IS_SIZE_NOTICE: ClassVar[bool] = False
    """Whether the screen is the notice that the terminal is too small for the others."""
    HAS_COMMANDS: ClassVar[bool] = False
    """Whether the screen has commands of its own, for the help and the command line."""
    IS_PALETTE: ClassVar[bool] = False
    """Whether the screen is the command palette."""
    followed_task = ""
    """The id of the task that is followed while the screen is open; empty where there is none."""

    @property
    def open_tasks(self) -> Collection[str]:
        """The ids of the tasks that are open here for review."""
        return ()

    @property
    def is_seen(self) -> bool:
        """Whether the screen can be seen: only dialogs are in front of it."""
        for screen in reversed(self.app.screen_stack):
            if screen is self or not screen.is_modal:
                return screen is self
        return False

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the screen with a new state and the changes that led to it."""

    def update_list_status(self, status: ListStatus) -> None:
        """Update the screen with the status of the task list."""

    def update_held(self, held: HeldActions) -> None:
        """Update the screen with the held actions."""

    def update_action(self, action: Action) -> bool:
        """Update the screen with the progress of an action; return whether the screen shows it."""
        return False

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Update the screen with the review of a task, which was just read."""

    def update_wait_details(self, task_id: str, details: WaitDetails) -> None:
        """Update the screen with the details of the wait of a task under review, which were just read."""

    def update_agent(self, agent_id: str, record: AgentRecord) -> None:
        """Update the screen with the record of an agent, which was just read for its page."""

    def agent_failed(self, agent_id: str, reason: str) -> None:
        """Show the reason why the record of an agent could not be read."""

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of a review failed."""

    def follow_ended(self, task_id: str, reason: str) -> None:
        """Show the reason why following a task has ended."""

    def update_presence(self, text: str) -> None:
        """Update the screen with the presence of the same reviews in other processes; empty where there is none."""

    def show_notice(self, text: str, seconds: float) -> None:
        """Show a notice for some seconds, where the screen has a line for notices."""

    def hint(self, text: str) -> None:
        """Show a hint, where the screen has a line for hints."""

    def move_to_row(self, task_ids: Sequence[str], by: int) -> bool:
        """Move the cursor to the next of these tasks; return whether the screen is a list of tasks."""
        return False

    def keys_to_take_back(self) -> str:
        """Return the keys to press, with the current focus, to take back the held actions."""
        return f"esc, then {key_name(self.app, 'app.take_back')}"


class OverlayScreen(AppScreen[ScreenResultType]):
    """A screen that can be dismissed only while it is on top, and that ignores outdated sizes.

    Its line with the id "held" shows the held actions, and a click on that line takes them back.
    """

    LEAVE_BINDING: ClassVar[str] = ""
    """The id of the binding that leaves an input of this screen, if it has one."""
    _hint = _held = ""
    _drawn_notice = ""
    """The notice that the line above the footer shows."""
    _drawn_since = 0.0

    @cached_property
    def _notice_timers(self) -> dict[str, Timer]:
        """The notices that are shown, the newest last, each with the timer that hides it."""
        return {}

    @cached_property
    def seen_notices(self) -> set[str]:
        """The notices that the line above the footer has shown long enough to be seen."""
        return set()

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Dismiss the screen with a result."""
        if not self.is_current:
            return AwaitComplete()
        return super().dismiss(result)

    async def on_event(self, event: events.Event) -> None:
        """Handle an event, except a Mount event of a screen without widgets: the app is shutting down then."""
        if self.children or not isinstance(event, events.Mount):
            await super().on_event(event)

    def on_resize(self, event: events.Resize) -> None:
        """Ignore a resize to an outdated size: two resizes in the queues would cause each other for ever."""
        if event.size != self.app.size:
            event.prevent_default()

    def update_held(self, held: HeldActions) -> None:
        """Show the held actions in the line above the footer."""
        if held.text != self._held:
            self._held = held.text
            self._draw_line()

    def keys_to_take_back(self) -> str:
        """Return the keys to press to take back the held actions; an input has to be left first.

        While an input has the focus, Textual ignores bindings whose default key is a letter, whatever their key is now.
        """
        key, focused = key_name(self.app, "app.take_back"), self.focused
        if focused is not None and focused.check_consume_key("u", "u"):
            return f"{key_name(self, self.LEAVE_BINDING)}, then {key}"
        return key

    def show_notice(self, text: str, seconds: float) -> None:
        """Show a notice in the line above the footer for some seconds, with the count of those that came before it."""
        notice = one_line(text, longest=MAX_NOTICE_CHARS)
        if notice in self._notice_timers:
            self._notice_timers.pop(notice).stop()
        self._notice_timers[notice] = self.set_timer(seconds, partial(self._hide_notice, notice))
        self._draw_line()

    def _hide_notice(self, notice: str) -> None:
        self._notice_timers.pop(notice, None)
        self._draw_line()

    def note_drawn_notice(self, notice: str = "") -> None:
        """Note which notice is drawn from now on, and whether the one before was there long enough to be seen."""
        if notice == self._drawn_notice:
            return
        now = time.monotonic()
        if self._drawn_notice and now - self._drawn_since >= SEEN_NOTICE_SECONDS:
            self.seen_notices.add(self._drawn_notice)
        self._drawn_notice, self._drawn_since = notice, now

    def _draw_line(self) -> None:
        """Draw the line above the footer: what is held and a hint, else the newest notice."""
        segments: Segments = []
        if self._held:
            segments.append((StyledText(f" {self._held} ", "need"), "held"))
        if self._hint:
            segments.append((StyledText(f" {self._hint} ", "strong"), ""))
        notices = list(self._notice_timers)
        self.note_drawn_notice(notices[-1] if notices and not segments else "")
        if notices and not segments:
            segments.append((StyledText(f" {notices.pop()} "), "notices"))
            count = f"+{len(notices)} more"
        else:
            count = f"{len(notices)} notice{'s' if len(notices) > 1 else ''}"
        right = [StyledText(f" {count}{self._key_of_notices} ", "faint")] if notices else []
        for line in self.query("#held").results(SegmentLine):
            line.show(segments, right)
            line.set_class(bool(segments), "-shown")

    @property
    def _key_of_notices(self) -> str:
        """The key that lists all notices, where it works: not in a dialog."""
        return "" if self.is_modal else f": {key_name(self.app, 'app.notices')}"

    @on(SegmentLine.Picked, "#held")
    async def _handle_line(self, event: SegmentLine.Picked) -> None:
        action = "app.notices" if event.name == "notices" else "app.take_back"
        await self.run_action(action)


class Dialog(OverlayScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """A modal dialog with the line of held actions, which it can take back as the screens below do."""

    CSS_PATH = stylesheet("dialogs")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "app.take_back", "Take back what is held", show=False, id="app.take_back"),
    ]
    HAS_NOTICE_LINE = True
    HAS_FOOTER: ClassVar[bool] = True

    def compose(self) -> ComposeResult:
        """Compose the dialog from its content, the line of held actions, and the footer."""
        yield from self.content()
        yield SegmentLine(id="held")
        if self.HAS_FOOTER:
            yield KeyFooter()

    def content(self) -> ComposeResult:
        """Yield the content of the dialog."""
        raise NotImplementedError


class BaseScreen(OverlayScreen[ScreenResultType]):
    """The base of screens that grey disabled keys, and show the reason when one is pressed."""

    HAS_COMMANDS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "app.line", "Command line", show=False, id="app.line"),
    ]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render blank lines: widgets cover all of the screen."""
        blank = Strip.blank(crop.width, self.rich_style)
        for line_filter in self.get_line_filters():
            blank = blank.apply_filter(line_filter, self.background_colors[1])
        return [blank] * crop.height

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled now; empty when it is enabled."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return None, which greys the key, for an action that is disabled; else True."""
        if self.disabled_reason(action, parameters):
            return None
        return True

    @cached_property
    def actions(self) -> dict[str, str]:
        """The actions of this screen by their keys, with the operator's own keymap applied."""
        bindings = named_bindings(type(self))
        return {key: binding.action for binding in bindings for key in bound_keys(self, binding.id or "")}

    def action_facts(self) -> None:
        """Show the facts of the task that is followed here, where a screen has a key for that."""
        self.post_message(FactsWanted(self.followed_task))

    def on_key(self, event: events.Key) -> None:
        """Show the reason when a greyed key is pressed."""
        if self._hint:
            self.hint("")
        action = self.actions.get(event.key)
        if action and not action.startswith("app."):
            _, name, parameters = parse(action)
            if self.disabled_reason(name, parameters):
                self.refuse(action)

    def refuse(self, action: str) -> None:
        """Refuse an action by showing the reason why it is disabled."""
        _, name, parameters = parse(action)
        self.hint(self.disabled_reason(name, parameters))

    def hint(self, text: str) -> None:
        """Show a hint in the line above the footer until the next key."""
        self._hint = text
        self._draw_line()


class SizeNotice(Dialog[None]):
    """A notice that covers all screens while the size of the terminal is too small for them."""

    MIN_SIZE = (60, 15)
    """The least columns and rows that the other screens need."""
    HAS_FOOTER = False
    IS_SIZE_NOTICE = True

    class Resumed(Message):
        """The notice was resumed: it is the topmost screen again."""

    def content(self) -> ComposeResult:
        """Yield the content: one text with the sizes."""
        yield Static("", id="small", markup=False)

    def on_screen_resume(self) -> None:
        """Tell the app that the screen was resumed: the notice may no longer be needed."""
        self.post_message(self.Resumed())

    def on_resize(self, event: events.Resize) -> None:
        """Show the size after a resize, and the least size."""
        width, height = event.size
        min_size = "×".join(map(str, self.MIN_SIZE))
        self.query_one(Static).update(
            f"Too small: {width}×{height}\n{min_size} is the least\n{key_name(self.app, 'app.quit')} quits"
        )
