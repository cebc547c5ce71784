"""Screens whose keys tell why they do nothing, and whose every action has a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
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

from tui.domain.list_status import ListStatus
from tui.screens.stylesheets import stylesheet
from tui.security.sanitize import one_line
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import bound_keys, key_name, named_bindings
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText

if TYPE_CHECKING:
    from tui.domain.action import Action
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import Change, State

MAX_NOTICE_CHARS = 120
"""Characters of a notice in the line above the footer."""


class HeldActions(NamedTuple):
    """The actions that are held, as every screen shows them."""

    words: str
    """Which are held, for how long and the keys that take them back; empty where none is."""
    seconds_left: Mapping[str, float]
    """For how many seconds more each is held, by its id."""
    is_paused: bool
    """Whether that time stands still."""

    def time_left(self, action: Action) -> str:
        """Return for how long an action is held, in words."""
        left = f"{self.seconds_left.get(action.id, action.hold):.0f} s"
        return f"stands still, {left} left" if self.is_paused else f"in {left}"


class AppScreen(Screen[ScreenResultType]):
    """The base of all screens: what the app tells each of them. A screen overrides what concerns it."""

    HAS_NOTICE_LINE: ClassVar[bool] = False
    """Whether notices stand in the line above the footer, because nothing may cover this screen."""
    IS_APPROVAL: ClassVar[bool] = False
    """Whether a person decides here, so that no notice about another task may interrupt."""
    IS_SIZE_NOTICE: ClassVar[bool] = False
    """Whether the screen only tells that the terminal is too small for the others."""
    HAS_COMMANDS: ClassVar[bool] = False
    """Whether the screen has keys and names of its own, for the help and the command line."""
    IS_PALETTE: ClassVar[bool] = False
    """Whether the screen is the palette."""
    followed_task = ""
    """The id of the task whose stream the screen shows."""

    @property
    def open_tasks(self) -> Collection[str]:
        """The ids of the tasks that are open here for a decision."""
        return ()

    @property
    def is_seen(self) -> bool:
        """Whether nothing but dialogs is in front of this screen."""
        for screen in reversed(self.app.screen_stack):
            if screen is self or not screen.is_modal:
                return screen is self
        return False

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Take the new state and the changes that led to it."""

    def update_list_status(self, status: ListStatus) -> None:
        """Take how live the task list is."""

    def update_held(self, held: HeldActions) -> None:
        """Take which actions are held."""

    def update_action(self, action: Action) -> bool:
        """Take how far an action is; return whether it is shown here."""
        return False

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Take what was read of a task that waits for a decision."""

    def review_failed(self, task_id: str, reason: str) -> None:
        """Take why a task that waits for a decision could not be read."""

    def follow_ended(self, task_id: str, reason: str) -> None:
        """Take why a task is no longer followed."""

    def update_presence(self, words: str) -> None:
        """Take where else on this machine the open tasks are open for a decision, in words."""

    def show_notice(self, words: str, seconds: float) -> None:
        """Show a notice for so long, where the screen has a line for notices."""

    def keys_to_take_back(self) -> str:
        """Return the keys that take back what is held, from where the focus is."""
        return f"esc, then {key_name(self.app, 'app.take_back')}"


class OverlayScreen(AppScreen[ScreenResultType]):
    """A screen that goes away only while it is on top, and takes no size but the terminal's own.

    Its line with the id "held" tells what is held, and a click on that line takes it back.
    """

    LEFT_BY: ClassVar[str] = ""
    """The id of the binding that leaves an input of this screen, where it has one."""
    _hint = _held = _notice = ""
    _notice_timer: Timer | None = None

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Go away, with a result."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    async def on_event(self, event: events.Event) -> None:
        """Handle an event, but for Mount where the app ends before the widgets of the screen were mounted."""
        if self.children or not isinstance(event, events.Mount):
            await super().on_event(event)

    def on_resize(self, event: events.Resize) -> None:
        """Only the size that is so now counts: of two that are under way, each would bring up the other, for ever."""
        if event.size != self.app.size:
            event.prevent_default()

    def update_held(self, held: HeldActions) -> None:
        """Show which actions are held."""
        if held.words != self._held:
            self._held = held.words
            self._draw_line()

    def keys_to_take_back(self) -> str:
        """Return the keys that take back what is held; an input has to be left first.

        Textual takes a binding whose default key is a letter from a chain with an input, whatever it is bound to.
        """
        name, focused = key_name(self.app, "app.take_back"), self.focused
        is_input = focused is not None and focused.check_consume_key("u", "u")
        return f"{key_name(self, self.LEFT_BY)}, then {name}" if is_input else name

    def show_notice(self, words: str, seconds: float) -> None:
        """Show a notice in the line above the footer for so long, in the place of the one before."""
        if self._notice_timer is not None:
            self._notice_timer.stop()
        self._notice_timer = self.set_timer(seconds, self._hide_notice)
        self._notice = one_line(words, longest=MAX_NOTICE_CHARS)
        self._draw_line()

    def _hide_notice(self) -> None:
        self._notice = ""
        self._draw_line()

    def _draw_line(self) -> None:
        for bar in self.query("#held").results(SegmentLine):
            pieces = [(StyledText(f" {self._held} ", "need"), "held")] if self._held else []
            pieces += [(StyledText(f" {self._hint} ", "strong"), "")] if self._hint else []
            pieces += [(StyledText(f" {self._notice} "), "")] if self._notice else []
            bar.show(pieces, [])
            bar.set_class(bool(pieces), "-shown")

    @on(SegmentLine.Picked, "#held")
    async def _take_back_what_is_held(self) -> None:
        await self.run_action("app.take_back")


class Dialog(OverlayScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """A screen in front of another, which shows what is held and takes it back as the screens below do."""

    CSS_PATH = stylesheet("dialogs")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "app.take_back", "Take back what is held", show=False, id="app.take_back"),
    ]
    HAS_NOTICE_LINE = True
    HAS_FOOTER: ClassVar[bool] = True

    def compose(self) -> ComposeResult:
        """Yield the dialog, the line that tells what is held, and the footer."""
        yield from self.content()
        yield SegmentLine(id="held")
        if self.HAS_FOOTER:
            yield KeyFooter()

    def content(self) -> ComposeResult:
        """Yield what the dialog shows."""
        raise NotImplementedError


class BaseScreen(OverlayScreen[ScreenResultType]):
    """A screen that greys what cannot work now, and tells the reason when its key is pressed."""

    HAS_COMMANDS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "app.line", "Command line", show=False, id="app.line"),
    ]

    def render_lines(self, crop: Region) -> list[Strip]:
        """What is behind all widgets has no lines of its own."""
        blank = Strip.blank(crop.width, self.rich_style)
        for line_filter in self.get_line_filters():
            blank = blank.apply_filter(line_filter, self.background_colors[1])
        return [blank] * crop.height

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why an action cannot work now; empty when it can."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot work now."""
        return None if self.disabled_reason(action, parameters) else True

    @cached_property
    def actions(self) -> dict[str, str]:
        """The action of each key of this screen, with the operator's own keymap in it."""
        bindings = named_bindings(type(self))
        return {key: binding.action for binding in bindings for key in bound_keys(self, binding.id or "")}

    def on_key(self, event: events.Key) -> None:
        """Tell why a grey key does nothing."""
        if self._hint:
            self.hint("")
        action = self.actions.get(event.key)
        if action and not action.startswith("app."):
            _, name, parameters = parse(action)
            if self.disabled_reason(name, parameters):
                self.refuse(action)

    def refuse(self, action: str) -> None:
        """Tell why an action cannot work."""
        _, name, parameters = parse(action)
        self.hint(self.disabled_reason(name, parameters))

    def hint(self, words: str) -> None:
        """Say something in the line above the footer; the next key takes it away."""
        self._hint = words
        self._draw_line()


class SizeNotice(Dialog[None]):
    """Stands in front of everything while the terminal is too small for it."""

    LEAST = (60, 15)
    HAS_FOOTER = False
    IS_SIZE_NOTICE = True

    class Seen(Message):
        """It is in front now."""

    def content(self) -> ComposeResult:
        """What there is and what is needed."""
        yield Static("", id="small", markup=False)

    def on_screen_resume(self) -> None:
        """Whatever was in front of it is gone: it may not be needed any more."""
        self.post_message(self.Seen())

    def on_resize(self, event: events.Resize) -> None:
        """Tell the size there is."""
        width, height = event.size
        least = "×".join(map(str, self.LEAST))
        self.query_one(Static).update(
            f"Too small: {width}×{height}\n{least} is the least\n{key_name(self.app, 'app.quit')} quits"
        )
