"""The activity pane: a task's activity as a tree or as a timeline, both over the same rows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial
from typing import ClassVar, Self

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from tui.domain.activity_rows import ActivityRows, ActivitySource, key_of
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import SearchHit, TreeRow, is_failed_call
from tui.widgets.activity_timeline import ActivityTimeline
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.activity_view import ActivityView
from tui.widgets.slices import MAX_BLOCKING_SECONDS, SLICE_SECONDS, run_slice, yield_to_loop
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import NO_RESULT, SearchResult

ARRANGE_PAUSE_RATIO = 3.0
"""Pause after the rows were arranged in slices, as a multiple of the time that it took."""


class ActivityPane(Vertical):
    """A pane with an activity tree and a timeline, one of them shown; filters and folds apply to both."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,equals_sign", "fold(False)", "Unfold", show=False, id="tree.unfold"),
        Binding("left,h,minus", "fold(True)", "Fold", show=False, id="tree.fold"),
        Binding("e", "errors", "Errors only", show=False, id="tree.errors"),
        Binding("T", "reasoning", "With or without reasoning", show=False, id="tree.reasoning"),
        Binding("P", "plan", "Grouped by the plan", show=False, id="tree.plan"),
        Binding("v", "timeline", "tree, timeline", id="tree.timeline"),
    ]

    class LogRequested(Message):
        """A message that requests the log of a sub-task."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class ViewChanged(Message):
        """A message that the view or one of its filters has changed."""

    def __init__(self, ui: UIContext, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ui = ui
        self.rows = ActivityRows(ui.now)
        self._tree = ActivityTree(ui, self.rows, toggle_fold=self.toggle_fold, fold_all=self.fold_all, id="tree")
        self._timeline = ActivityTimeline(
            ui, self.rows, toggle_fold=self.toggle_fold, fold_all=self.fold_all, id="timeline"
        )
        self._timeline.display = False
        self._pending_slices: Iterator[None] | None = None
        """The slices still to run, when there are too many rows to arrange them at once."""
        self._show_timer: Timer | None = None
        self._next_arrange_at = 0.0
        """Monotonic time before which the rows are not arranged again."""

    def compose(self) -> ComposeResult:
        """Compose the tree and the timeline."""
        yield self._tree
        yield self._timeline

    @property
    def view(self) -> ActivityView:
        """The view that is shown."""
        if self._timeline.display:
            return self._timeline
        return self._tree

    @property
    def row(self) -> TreeRow | StatusRow | None:
        """The row under the cursor."""
        return self.view.row

    @property
    def title_words(self) -> list[str]:
        """The words for the pane's title: active filters first, then those of the view."""
        words = []
        if self.rows.errors_only:
            words.append("errors only")
        if not self.rows.with_reasoning:
            words.append("no reasoning")
        return words + self.view.title_words

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the view that is shown."""
        self.view.focus(scroll_visible)
        return self

    # Updating

    def show(self, source: ActivitySource) -> None:
        """Show a task's activity; folds and the cursor stay as they are."""
        self.rows.source = source
        if self._pending_slices is not None:
            return  # the arrangement in progress shows the new source when it is done
        if self.rows.only_grows():
            cursor_before = self.view.rows_will_change()
            self.rows.append()
            self.view.rows_changed(cursor_before)
            return
        seconds_to_wait = self._next_arrange_at - time.monotonic()
        if seconds_to_wait <= 0:
            self._arrange()
        elif self._show_timer is None:
            self._show_timer = self.set_timer(seconds_to_wait, self._show_after_pause)

    def _show_after_pause(self) -> None:
        """Show the latest source once the pause after the last arrangement is over."""
        self._show_timer = None
        self.show(self.rows.source)

    def tick(self) -> None:
        """Redraw the times at each tick of the clock, unless the task is final."""
        task = self.rows.source.task
        if task and not task.is_final:
            self.view.update_times()
            self.view.draw_changed()

    def _arrange(self, *, at_once: bool = False) -> None:
        """Arrange all rows: at once when they are few, else in slices, so that keys are handled in between."""
        self._pending_slices = None
        slices = self.rows.arrange()
        max_seconds = math.inf if at_once else MAX_BLOCKING_SECONDS
        if not self._run_slices(slices, max_seconds):
            self._pending_slices = slices
            self._arrange_in_slices(slices, self.rows.source)

    @work(exclusive=True, group="arrange")
    async def _arrange_in_slices(self, slices: Iterator[None], arranged_source: ActivitySource) -> None:
        """Arrange the rows of a source slice by slice, until they are done or another arrangement has begun."""
        started_at = time.monotonic()
        while self._pending_slices is slices:
            await yield_to_loop()
            # Another arrangement may have begun while the event loop handled keys.
            if self._pending_slices is slices and self._run_slices(slices, SLICE_SECONDS):
                self._pending_slices = None
                now = time.monotonic()
                self._next_arrange_at = now + ARRANGE_PAUSE_RATIO * (now - started_at)
                if self.rows.source is not arranged_source:
                    self.show(self.rows.source)

    def _run_slices(self, slices: Iterator[None], seconds: float) -> bool:
        """Run slices for so many seconds; draw the rows and return True when all are arranged."""
        cursor_before = self.view.rows_will_change()
        is_done = run_slice(slices, seconds)
        if is_done:
            self.view.rows_changed(cursor_before)
        return is_done

    def _switch_view(self) -> None:
        """Show the view that the rows are arranged for; it takes over the position and the focus."""
        old_view = self.view
        new_view: ActivityView = self._tree
        if self.rows.as_timeline:
            new_view = self._timeline
        if old_view is new_view:
            return
        if self._pending_slices is None:
            new_view.update_times()
        new_view.take_position(old_view)
        new_view.display = True
        old_view.display = False
        if old_view.has_focus:
            self.screen.set_focus(new_view)

    # Searching and folding

    def find(self, words: str, by: int) -> SearchResult:
        """Find the next row with these words, unfold it and go to it; if no hit is under the cursor, the first."""
        hits = self.rows.find(partial(self.rows.has_text, words, self._ui.redactor))
        if not hits:
            return NO_RESULT
        hit_index = 0
        keys = [hit.key for hit in hits]
        row = self.row
        if row and key_of(row) in keys:
            current_index = keys.index(key_of(row))
            hit_index = (current_index + by) % len(hits)
        self._go_to(hits[hit_index])
        return SearchResult(hit_index + 1, len(hits))

    def _go_to(self, hit: SearchHit) -> None:
        """Unfold what hides a row, and go to it."""
        self.rows.unfolded |= set(hit.hidden_by)
        self._show_row(hit.key)
        self.view.was_cursor_moved = True
        self.view.move_to(self.rows.index_of(hit.key) or 0)

    def _show_row(self, key: str) -> None:
        """Arrange the rows so that one of them has this key; if necessary, remove filters and show the tree."""
        if self.rows.index_of(key) is None:
            self._arrange(at_once=True)
        if self.rows.index_of(key) is None:
            self.rows.errors_only = False
            self.rows.with_reasoning = True
            self.rows.as_timeline = False
            self._arrange(at_once=True)
            self._switch_view()
            self.post_message(self.ViewChanged())

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all sub-tasks, and request the logs that are not known."""
        self.rows.unfolded = set() if away else self.rows.foldable()
        ids_without_log = self.rows.unfolded - set(self.rows.source.activities)
        for task_id in ids_without_log:
            self.post_message(self.LogRequested(task_id))
        self._arrange()

    def toggle_fold(self) -> None:
        """Fold or unfold the sub-task under the cursor."""
        row = self.row
        if isinstance(row, TreeRow) and row.child_id and not row.is_known:
            self.action_fold(row.child_id in self.rows.unfolded)

    def action_fold(self, away: bool) -> None:
        """Fold or unfold the sub-task under the cursor; if there is nothing to fold, go to the row above it."""
        self.view.was_cursor_moved = True
        row = self.row
        if not isinstance(row, TreeRow):
            return
        if row.child_id is not None and not row.is_known and self.rows.is_unfolded(row) is away:
            self._fold_subtask(row.child_id, away)
        elif away and row.depth:
            self.view.move_to(self.rows.index_above(self.view.cursor), -1)

    def _fold_subtask(self, task_id: str, away: bool) -> None:
        """Fold a sub-task, or unfold it and request its log."""
        if away:
            self.rows.unfolded.discard(task_id)
        else:
            self.rows.unfolded.add(task_id)
            self.post_message(self.LogRequested(task_id))
        self._arrange()

    # Filters and views

    def action_errors(self) -> None:
        """Show only errors, those of sub-tasks too, and go to the first; or show everything again."""
        self.rows.errors_only = not self.rows.errors_only
        failures: list[SearchHit] = []
        if self.rows.errors_only:
            failures = self.rows.find(is_failed_call)
        for failure in failures:
            self.rows.unfolded |= set(failure.hidden_by)
        self._apply_change()
        if failures and not (isinstance(self.row, TreeRow) and is_failed_call(self.row)):
            self._go_to(failures[0])

    def action_reasoning(self) -> None:
        """Show or hide the agent's reasoning."""
        self.rows.with_reasoning = not self.rows.with_reasoning
        self._apply_change()

    def action_plan(self) -> None:
        """Group the entries by the steps of the plan, or sort them by time again."""
        self.rows.by_plan = not self.rows.by_plan
        self._apply_change()

    def action_timeline(self) -> None:
        """Switch between the timeline and the tree."""
        self.rows.as_timeline = not self.rows.as_timeline
        self._apply_change()

    def _apply_change(self) -> None:
        """Arrange the rows after a change of view or filter, and announce the change."""
        self._arrange()
        self._switch_view()
        self.post_message(self.ViewChanged())
