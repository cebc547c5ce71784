"""The pane that shows what happened in a task, as a tree or as a timeline over the same rows."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import ClassVar, Self

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from tui.domain.activity_log import TreeRow
from tui.domain.activity_rows import ActivityRows, ActivitySource, StatusRow, key_of
from tui.widgets.activity_timeline import ActivityTimeline
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.activity_view import ActivityView
from tui.widgets.slices import MAX_BLOCKING_SECONDS, SLICE_SECONDS, run_slice, yield_to_loop
from tui.widgets.ui_context import UIContext

REST_RATIO = 3.0
"""Times as long as it took to arrange all rows in slices they are then left as they are, while more comes."""


class ActivityPane(Vertical):
    """The activity tree and the timeline, of which one is shown; filters and folds are the same for both."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,equals_sign", "fold(False)", "Unfold", show=False, id="tree.unfold"),
        Binding("left,h,minus", "fold(True)", "Fold", show=False, id="tree.fold"),
        Binding("e", "errors", "Errors only", show=False, id="tree.errors"),
        Binding("T", "reasoning", "With or without reasoning", show=False, id="tree.reasoning"),
        Binding("P", "plan", "Grouped by the plan", show=False, id="tree.plan"),
        Binding("v", "timeline", "tree, timeline", id="tree.timeline"),
    ]

    class LogWanted(Message):
        """The log of a sub-task is to be read."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class ViewChanged(Message):
        """The view or a filter is another one now."""

    def __init__(self, ui: UIContext, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ui = ui
        self.rows = ActivityRows(ui.now)
        self._tree = ActivityTree(ui, self.rows, toggle_fold=self.toggle_fold, fold_all=self.fold_all, id="tree")
        self._timeline = ActivityTimeline(
            ui, self.rows, toggle_fold=self.toggle_fold, fold_all=self.fold_all, id="timeline"
        )
        self._timeline.display = False
        self._arranging: Iterator[None] | None = None
        """The slices that are still to run, where there are too many rows to arrange them at once."""
        self._next_arrange: Timer | None = None
        self._rests_until = 0.0

    def compose(self) -> ComposeResult:
        """Yield both views."""
        yield self._tree
        yield self._timeline

    @property
    def view(self) -> ActivityView:
        """The view that is shown."""
        return self._timeline if self._timeline.display else self._tree

    @property
    def row(self) -> TreeRow | StatusRow | None:
        """The row under the cursor."""
        return self.view.row

    @property
    def title_words(self) -> list[str]:
        """The filters in words, and what the view says."""
        filters = [("errors only", self.rows.errors_only), ("no reasoning", not self.rows.with_reasoning)]
        return [*(words for words, is_on in filters if is_on), *self.view.title_words]

    def focus(self, scroll_visible: bool = True) -> Self:
        """Focus the view that is shown."""
        self.view.focus(scroll_visible)
        return self

    # Showing

    def show(self, source: ActivitySource) -> None:
        """Show a task's activity; what was folded stays folded, and the cursor stays on its row."""
        self.rows.source = source
        if self._arranging is not None:
            return  # the arranging that goes on looks at the new source when it is done
        if self.rows.only_grows():
            before = self.view.rows_will_change()
            self.rows.append()
            self.view.rows_changed(before)
        elif (rest := self._rests_until - time.monotonic()) <= 0:
            self._arrange()
        elif self._next_arrange is None:
            self._next_arrange = self.set_timer(rest, self._show_again)

    def _show_again(self) -> None:
        self._next_arrange = None
        self.show(self.rows.source)

    def tick(self) -> None:
        """Draw the times anew, as long as the task goes on."""
        task = self.rows.source.task
        if task and not task.is_final:
            self.view.update_times()
            self.view.draw_changed()

    def _arrange(self, *, at_once: bool = False) -> None:
        """Arrange all rows anew: at once while they are few, else in slices between which keys are handled."""
        self._arranging = None
        slices = self.rows.arrange()
        if not self._run(slices, math.inf if at_once else MAX_BLOCKING_SECONDS):
            self._arranging = slices
            self._arrange_in_slices(slices, self.rows.source)

    @work(exclusive=True, group="arrange")
    async def _arrange_in_slices(self, slices: Iterator[None], source: ActivitySource) -> None:
        begun = time.monotonic()
        while self._arranging is slices:
            await yield_to_loop()
            if self._arranging is slices and self._run(slices, SLICE_SECONDS):
                self._arranging = None
                self._rests_until = time.monotonic() + REST_RATIO * (time.monotonic() - begun)
                if self.rows.source is not source:
                    self.show(self.rows.source)

    def _run(self, slices: Iterator[None], seconds: float) -> bool:
        """Run slices for this long; return whether all rows are arranged, and are drawn so."""
        before = self.view.rows_will_change()
        is_done = run_slice(slices, seconds)
        if is_done:
            self.view.rows_changed(before)
        return is_done

    def _switch_view(self) -> None:
        """Show the view that the rows are arranged for, with the cursor and the focus where they were."""
        before = self.view
        after = self._timeline if self.rows.as_timeline else self._tree
        if before is after:
            return
        if self._arranging is None:
            after.update_times()
        after.take_position(before)
        after.display, before.display = True, False
        if before.has_focus:
            self.screen.set_focus(after)

    # Commands

    def find(self, words: str, by: int) -> tuple[int, int]:
        """Go to the next row that has these words, and unfold what hides it; return which of how many it is."""
        hits = self.rows.search(words, self._ui.redactor)
        if not hits:
            return 0, 0
        keys = [hit.key for hit in hits]
        here = key_of(self.row) if self.row else ""
        place = (keys.index(here) + by) % len(keys) if here in keys else 0
        self.rows.unfolded |= set(hits[place].hidden_by)
        self._show_row(keys[place])
        self.view.was_led = True
        self.view.move_to(self.rows.index_of(keys[place]) or 0)
        return place + 1, len(keys)

    def _show_row(self, key: str) -> None:
        """Arrange the rows until there is one with this key: without filters, and as a tree, where it needs that."""
        if self.rows.index_of(key) is None:
            self._arrange(at_once=True)
        if self.rows.index_of(key) is None:
            self.rows.errors_only, self.rows.with_reasoning, self.rows.as_timeline = False, True, False
            self._arrange(at_once=True)
            self._switch_view()
            self.post_message(self.ViewChanged())

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all sub-tasks, and ask for the logs that are not known."""
        self.rows.unfolded = set() if away else self.rows.foldable()
        for task_id in self.rows.unfolded - set(self.rows.source.activities):
            self.post_message(self.LogWanted(task_id))
        self._arrange()

    def toggle_fold(self) -> None:
        """Fold or unfold the sub-task under the cursor."""
        row = self.row
        if isinstance(row, TreeRow) and row.child_id and not row.is_known:
            self.action_fold(row.child_id in self.rows.unfolded)

    def action_fold(self, away: bool) -> None:
        """Fold or unfold the sub-task under the cursor; from a row within one, go up to it."""
        view, row = self.view, self.row
        view.was_led = True
        if not isinstance(row, TreeRow):
            return
        if row.child_id is not None and not row.is_known and self.rows.is_unfolded(row) is away:
            if away:
                self.rows.unfolded.discard(row.child_id)
            else:
                self.rows.unfolded.add(row.child_id)
                self.post_message(self.LogWanted(row.child_id))
            self._arrange()
        elif away and row.depth:
            view.move_to(self.rows.index_above(view.cursor), -1)

    def action_errors(self) -> None:
        """Show only what failed, or everything."""
        self.rows.errors_only = not self.rows.errors_only
        self._rearrange()

    def action_reasoning(self) -> None:
        """Show what the agent thought, or hide it."""
        self.rows.with_reasoning = not self.rows.with_reasoning
        self._rearrange()

    def action_plan(self) -> None:
        """Show the entries under the steps of the plan, or in the order of time."""
        self.rows.by_plan = not self.rows.by_plan
        self._rearrange()

    def action_timeline(self) -> None:
        """Show the timeline, or the tree."""
        self.rows.as_timeline = not self.rows.as_timeline
        self._rearrange()

    def _rearrange(self) -> None:
        self._arrange()
        self._switch_view()
        self.post_message(self.ViewChanged())
