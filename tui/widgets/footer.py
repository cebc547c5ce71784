"""The keys at the bottom of a screen."""

from __future__ import annotations

from textual.widgets import Footer as TextualFooter


class Footer(TextualFooter):
    """Textual's own, but what it showed once is forgotten: each key watches the footer, and would be kept for ever."""

    async def recompose(self) -> None:
        """Show other keys."""
        await super().recompose()
        for watchers in getattr(self, "__watchers", {}).values():
            watchers[:] = [one for one in watchers if not (one[0]._closing or one[0]._closed or one[0]._pruning)]
