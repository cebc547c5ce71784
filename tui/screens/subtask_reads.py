"""The reads of sub-tasks that the screen of a task asks for by itself, so that folded ones can tell their calls."""

from __future__ import annotations

from tui.domain.activity_rows import ActivitySource

MAX_SUBTASK_READS = 12
"""Sub-tasks that one screen reads by itself, two requests each: more of them would use up the rate budget."""


class SubtaskReads:
    """Chooses the sub-tasks that are read: each once, and once more when it has ended."""

    def __init__(self) -> None:
        self._was_final: dict[str, bool] = {}
        """Whether each sub-task that was read had ended then."""
        self._reads_left = MAX_SUBTASK_READS

    def take_wanted(self, source: ActivitySource) -> list[str]:
        """Return the ids of the sub-tasks to read now, and note them as read; below a large log none is."""
        activity = source.activity
        if activity is None or activity.nodes.log is not None:
            return []
        subtasks = [task for children in source.children.values() for task in children]
        wanted: list[str] = []
        for task in sorted(subtasks, key=lambda task: task.id):
            was_read = task.id in self._was_final or task.id in source.activities
            has_ended_since = task.is_final and not self._was_final.get(task.id, True)
            if self._reads_left and (not was_read or has_ended_since):
                self._was_final[task.id] = task.is_final
                self._reads_left -= 1
                wanted.append(task.id)
        return wanted
