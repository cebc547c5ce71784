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
        previous_type = ""
        is_in_table = False
        for token in tokens:
            if is_in_table:  # the lines of the whole table were taken from the source
                is_in_table = token.type != "table_close"
                continue
            begins_block = token.level == 0 and token.nesting >= 0
            if begins_block and previous_type:
                yield []
            if token.type == "inline":
                style = "strong" if previous_type == "heading_open" else ""
                for line in _inline_lines(token.children or [], style):
                    yield from self._wrapped(line)
            elif token.type == "table_open":
                is_in_table = True
                yield from self._table_lines(token)
            else:
                yield from self._block_lines(token)
            previous_type = token.type

    def _table_lines(self, token: Any) -> Iterator[list[StyledText]]:
        """Yield the lines of a table as they are in the source, because tables are not laid out."""
        first_line, end_line = token.map
        for text in self._source[first_line:end_line]:
            yield from self._wrapped([StyledText(text)])

    def _block_lines(self, token: Any) -> Iterator[list[StyledText]]:
        """Yield the lines of a block of code or HTML, or of a rule; open or close any other block."""
        match token.type:
            case "fence" | "code_block" | "html_block":
                for text in token.content.rstrip("\n").split("\n"):
                    yield from self._wrapped([StyledText(text)], edge="│ ")
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
        safe_line = [StyledText(sanitize_text(text).replace("\n", " "), style) for text, style in line]
        indent = "".join(self._indents)
        text_width = max(self._width - cell_len(indent) - len(edge), MIN_TEXT_CELLS)
        for wrapped_line in wrap(safe_line, text_width):
            bullet = self._bullet
            self._bullet = ""
            # A bullet replaces the end of the indent, on the first line of its item alone.
            prefix = indent[: len(indent) - len(bullet)] + bullet + edge
            yield [StyledText(prefix, "faint"), *wrapped_line]


def _inline_lines(tokens: Sequence[Any], style: str) -> Iterator[list[StyledText]]:
    """Yield the lines of inline tokens: bold text, code, and links followed by the address that they really have."""
    line: list[StyledText] = []
    styles = [style]
    """The styles of the open tokens, the innermost last."""
    addresses: list[str] = []
    """The addresses of the open links."""
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
                line.append(StyledText(f" ({addresses.pop()})", "faint"))
            case kind if kind.endswith("_open"):
                styles.append(INLINE_STYLES.get(kind, styles[-1]))
                if kind == "link_open":
                    addresses.append(str(token.attrs.get("href", "")))
            case kind if kind.endswith("_close"):
                styles.pop()
            case _:
                line.append(StyledText(token.content, styles[-1]))
    yield line
