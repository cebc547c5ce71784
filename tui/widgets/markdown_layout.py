"""The layout of Markdown as lines of styled text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from tui.security.sanitize import sanitize_text
from tui.widgets.styled_text import StyledLine, StyledText, wrap

INLINE_STYLES = {"strong_open": "strong", "link_open": "accent"}
MIN_TEXT_CELLS = 8


def markdown_lines(text: str, width: int) -> list[list[StyledText]]:
    """Return the lines of a Markdown text; syntax that is not supported stays as it is."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return list(_MarkdownLayout(width, text.split("\n")).lines(tokens))


class _MarkdownLayout:
    """Lays out the tokens of a Markdown text, block by block."""

    def __init__(self, width: int, source: list[str]) -> None:
        self._width = width
        self._source = source
        self._is_ordered: list[bool] = []
        """For each open list, the outermost first, whether it is ordered."""
        self._indents: list[str] = []
        """The indents of the open list items, and the edges of the open quotations."""
        self._bullet = ""
        """The bullet of a list item whose first line is not laid out yet."""

    def lines(self, tokens: Sequence[Any]) -> Iterator[list[StyledText]]:
        """Yield the lines of these tokens, with an empty line between blocks at the top level."""
        is_first, skip_to = True, -1
        for index, token in enumerate(tokens):
            if index < skip_to:
                continue
            if token.level == 0 and token.nesting >= 0 and not is_first:
                yield []
            is_first = False
            match token.type:
                case "inline":
                    is_heading = index and tokens[index - 1].type == "heading_open"
                    for line in _inline_lines(token.children or [], "strong" if is_heading else ""):
                        yield from self._wrapped(line)
                case "fence" | "code_block" | "html_block":
                    for text in token.content.rstrip("\n").split("\n"):
                        yield from self._wrapped([StyledText(text)], edge="│ ")
                case "table_open":
                    first, last = token.map
                    for text in self._source[first:last]:
                        yield from self._wrapped([StyledText(text)])
                    skip_to = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
                case "hr":
                    yield [StyledText("─" * self._width, "faint")]
                case _:
                    self._open_or_close(token)

    def _open_or_close(self, token: Any) -> None:
        """Open or close a list, a list item or a quotation."""
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                self._is_ordered.append(token.type == "ordered_list_open")
            case "bullet_list_close" | "ordered_list_close":
                self._is_ordered.pop()
            case "list_item_open":
                if self._is_ordered[-1]:
                    self._indents.append("   ")
                    self._bullet = f"{token.info}. "
                else:
                    self._indents.append("  ")
                    self._bullet = "- "
            case "blockquote_open":
                self._indents.append("│ ")
            case "list_item_close" | "blockquote_close":
                self._indents.pop()

    def _wrapped(self, line: StyledLine, edge: str = "") -> Iterator[list[StyledText]]:
        """Yield the lines of a wrapped line, with indents, bullet and edge."""
        # Sanitized again, because an entity such as &#27; has become a character by now.
        line = [StyledText(sanitize_text(text).replace("\n", " "), style) for text, style in line]
        indent = "".join(self._indents)
        room = max(self._width - cell_len(indent) - len(edge), MIN_TEXT_CELLS)
        for part in wrap(line, room):
            bullet = self._bullet
            self._bullet = ""
            yield [StyledText(indent[: len(indent) - len(bullet)] + bullet + edge, "faint"), *part]


def _inline_lines(tokens: Sequence[Any], style: str) -> Iterator[list[StyledText]]:
    """Yield the lines of inline tokens: bold text, code, and links followed by the address that they really have."""
    line: list[StyledText] = []
    styles, links = [style], list[str]()
    for token in tokens:
        match token.type:
            case "softbreak" | "hardbreak":
                yield line
                line = []
            case "code_inline":
                line.append(StyledText(token.content, "accent"))
            case "image":
                line.append(StyledText(f"{token.content} ({token.attrs.get('src', '')})", "accent"))
            case "link_close":
                styles.pop()
                line.append(StyledText(f" ({links.pop()})", "faint"))
            case kind if kind.endswith("_open"):
                styles.append(INLINE_STYLES.get(kind, styles[-1]))
                if kind == "link_open":
                    links.append(str(token.attrs.get("href", "")))
            case kind if kind.endswith("_close"):
                styles.pop()
            case _:
                line.append(StyledText(token.content, styles[-1]))
    yield line
