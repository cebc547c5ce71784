"""ActionProgress: which screens show an action, when a notice shows its outcome, and how holds are shown."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from textual.css.query import NoMatches

from tests.app.conftest import Parts
from tests.app.stub import StubScreen
from tui.domain.action import Action, Outcome, Phase, Verb
from tui.services.actions import INTERRUPTED


class Ticker:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def action(**fields: Any) -> Action:
    return replace(Action(Verb.APPROVE, "t1", "digest", id="d1"), **fields)


def hold(parts: Parts, action: Action, seconds: float) -> None:
    """Hold an action, as the runner does."""
    parts.services.progress.update(action)
    parts.services.actions.seconds_left[action.id] = seconds
    parts.services.actions.can_take_back = lambda action_id: True  # type: ignore[method-assign]


async def test_an_outcome_is_shown_in_a_notice_only_if_no_screen_shows_it(parts: Parts) -> None:
    progress = parts.services.progress
    progress.update(action())
    progress.update(action().done(Outcome.CONFIRMED, "approved"))
    assert parts.app.notices == ["approve t1: approved"]
    screen = StubScreen(about="t1")
    parts.app.screens.append(screen)
    progress.update(action(id="d2"))
    progress.update(action(id="d2").done(Outcome.REFUSED, "refused"))
    assert len(parts.app.notices) == 1
    assert [told.phase for _, told in screen.told] == [Phase.HELD, Phase.DONE]
    assert progress.unfinished == {}


async def test_a_removed_screen_counts_as_having_shown_its_action(parts: Parts) -> None:
    class Leaving(StubScreen):
        def update_action(self, action: Action) -> bool:
            raise NoMatches

    parts.app.screens.append(Leaving())
    parts.services.progress.update(action().done(Outcome.CONFIRMED, "approved"))
    assert parts.app.notices == []


async def test_a_second_action_does_not_replace_the_running_action_of_a_task(parts: Parts) -> None:
    screen = StubScreen(about="t1")
    parts.app.screens.append(screen)
    parts.services.progress.update(action())
    parts.services.progress.update(action(id="d2").done(Outcome.NOT_SENT, "something is already under way"))
    assert [told.id for _, told in screen.told] == ["d1"]
    assert parts.app.notices == ["approve t1: something is already under way"]


async def test_a_screen_is_told_the_end_of_a_decision_while_a_message_runs(parts: Parts) -> None:
    screen = StubScreen(about="t1")
    parts.app.screens.append(screen)
    progress, message = parts.services.progress, action(verb=Verb.CONTINUE, id="m1")
    progress.update(action())
    progress.update(replace(message, phase=Phase.SENDING))
    progress.update(action().done(Outcome.CONFIRMED, "approved"))
    progress.update(message.done(Outcome.CONFIRMED, "sent"))
    assert [(told.id, told.phase) for _, told in screen.told] == [
        ("d1", Phase.HELD), ("d1", Phase.DONE), ("m1", Phase.DONE),
    ]  # fmt: skip
    assert parts.app.notices == []


async def test_a_screen_is_told_the_end_of_each_of_two_messages(parts: Parts) -> None:
    screen = StubScreen(about="t1")
    parts.app.screens.append(screen)
    progress = parts.services.progress
    messages = [action(verb=Verb.CONTINUE, id=name) for name in ("m1", "m2")]
    for message in messages:
        progress.update(replace(message, phase=Phase.SENDING))
    for message in messages:
        progress.update(message.done(Outcome.CONFIRMED, "sent"))
    assert [told.id for _, told in screen.told if told.phase is Phase.DONE] == ["m1", "m2"]


async def test_a_review_opens_with_the_decision_that_runs_not_with_a_message(parts: Parts) -> None:
    progress = parts.services.progress
    message = action(verb=Verb.CONTINUE, id="m1", phase=Phase.SENDING)
    progress.update(message)
    assert progress.running_decision("t1") is None
    progress.update(action())
    assert progress.running_decision("t1") == action()
    assert progress.running_decision("t2") is None


async def test_an_interrupted_action_is_kept_but_not_shown(parts: Parts) -> None:
    interrupted = action().done(Outcome.UNKNOWN, INTERRUPTED)
    parts.services.progress.update(interrupted)
    assert await parts.services.commands.interrupted() == [interrupted]
    assert parts.app.notices == []


async def test_every_screen_is_updated_while_an_action_is_held(parts: Parts) -> None:
    progress, ticker = parts.services.progress, Ticker()
    progress.ticker = ticker
    parts.app.screens.append(StubScreen())
    hold(parts, action(), 4.0)
    progress.show_held()
    for screen in parts.app.screens:
        ((_, held),) = screen.told
        assert held.text.startswith("‖ approve t1 in 4 s")
        assert held.text.endswith("u takes it back")
        assert (dict(held.seconds_left), held.is_paused) == ({"d1": 4.0}, False)
    assert ticker.calls == ["resume"]
    progress.finish(action())
    progress.show_held()
    assert parts.app.screens[0].told[-1][1].text == ""
    assert ticker.calls == ["resume", "pause"]


async def test_the_line_of_a_held_action_names_the_answer_or_the_reason(parts: Parts) -> None:
    answer = action(verb=Verb.ANSWER, answer_labels=("eu-west (quiet now)", "8"))
    hold(parts, answer, 4.0)
    parts.services.progress.show_held()
    assert parts.app.screens[0].told[-1][1].text.startswith('‖ answer "eu-west (quiet now)", "8" t1 in 4 s')
    hold(parts, action(verb=Verb.REJECT, comment="no\n" + "x" * 300), 4.0)
    parts.services.progress.show_held()
    text = parts.app.screens[0].told[-1][1].text
    assert text.startswith('‖ reject "no xxx')
    assert " t1 in 4 s" in text
    assert text.endswith("u takes it back")
    assert len(text) <= parts.app.size.width


async def test_a_hold_pauses_while_a_dialog_is_in_front(parts: Parts) -> None:
    hold(parts, action(), 4.0)
    parts.app.screens.append(StubScreen(is_modal=True))
    assert parts.services.actions.is_paused()
    parts.services.progress.show_held()
    assert "stands still, 4 s left" in parts.app.screens[0].told[0][1].text


async def test_a_hold_pauses_while_the_app_shuts_down(parts: Parts) -> None:
    hold(parts, action(), 4.0)
    assert not parts.services.actions.is_paused()
    parts.app.screens.clear()
    assert parts.services.actions.is_paused()


async def test_quitting_asks_for_confirmation_only_while_an_action_runs(parts: Parts) -> None:
    progress = parts.services.progress
    assert await progress.confirm_quit()
    assert parts.app.dialogs == []
    progress.update(action(phase=Phase.SENDING))
    parts.app.answers = [False, True]
    assert not await progress.confirm_quit()
    assert await progress.confirm_quit()
    assert len(parts.app.dialogs) == 2


async def test_a_new_task_is_named_by_its_title_and_else_by_its_agent(parts: Parts) -> None:
    parts.platform.task("t1", title="Ship it")
    await parts.load("t1")
    made = action(verb=Verb.CREATE, target="release-bot-long")
    progress = parts.services.progress
    task = await parts.client.task("t1")
    progress.update(made.done(Outcome.CONFIRMED, "the task was created, after the answer was lost", task))
    progress.update(made.done(Outcome.REFUSED, "refused"))
    assert parts.app.notices == [
        "created: Ship it, after the answer was lost",
        "new task for release-bot-long: refused",
    ]


async def test_a_hold_never_shows_zero_seconds(parts: Parts) -> None:
    hold(parts, action(), 0.2)
    parts.services.progress.show_held()
    assert "in 1 s" in parts.app.screens[0].told[-1][1].text
