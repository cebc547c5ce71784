"""Markdown laid out as lines of styled text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len

from tui.security.sanitize import sanitize_text
from tui.widgets.styled_text import StyledLine, StyledText, wrap


def markdown_lines(text: str, width: int) -> list[list[StyledText]]:
    """Markdown as lines; whatever it does not know stays as it was written."""
    from markdown_it import MarkdownIt

    return list(_Markdown(width, text.split("\n")).lines(MarkdownIt("commonmark").enable("table").parse(text)))


class _Markdown:
    """Walks through the tokens of a text, block by block."""

    def __init__(self, width: int, source: list[str]) -> None:
        self._width = width
        self._source = source
        self._lists: list[int | None] = []
        self._begin: list[str] = []
        """What stands before each line: indents of lists and edges of quotations."""
        self._bullet = ""

    def lines(self, tokens: Sequence[Any]) -> Iterator[list[StyledText]]:
        """The lines of these tokens; blocks at the outermost level are kept apart by an empty line."""
        is_first, skip_to = True, -1
        for place, token in enumerate(tokens):
            if place < skip_to:
                continue
            if token.level == 0 and token.nesting >= 0 and not is_first:
                yield []
            is_first = False
            match token.type:
                case "bullet_list_open" | "ordered_list_open":
                    self._lists.append(int(token.attrs.get("start", 1)) if token.type[0] == "o" else None)
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._begin.append("  " if self._lists[-1] is None else "   ")
                    self._bullet = "- " if self._lists[-1] is None else f"{token.info}. "
                case "blockquote_open":
                    self._begin.append("│ ")
                case "list_item_close" | "blockquote_close":
                    self._begin.pop()
                case "inline":
                    is_heading = place and tokens[place - 1].type == "heading_open"
                    for line in _inline(token.children or [], "strong" if is_heading else ""):
                        yield from self._block(line)
                case "fence" | "code_block" | "html_block":
                    for text in token.content.rstrip("\n").split("\n"):
                        yield from self._block([StyledText(text)], edge="│ ")
                case "table_open":
                    first, last = token.map
                    for text in self._source[first:last]:
                        yield from self._block([StyledText(text)])
                    skip_to = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
                case "hr":
                    yield [StyledText("─" * self._width, "faint")]

    def _block(self, line: StyledLine, edge: str = "") -> Iterator[list[StyledText]]:
        line = [
            StyledText(sanitize_text(text).replace("\n", " "), style) for text, style in line
        ]  # an entity may have been anything
        begin = "".join(self._begin)
        room = max(self._width - cell_len(begin) - len(edge), 8)
        for part in wrap(line, room):
            bullet, self._bullet = self._bullet, ""
            yield [StyledText(begin[: len(begin) - len(bullet)] + bullet + edge, "faint"), *part]


_STYLES: dict[str, str] = {"strong_open": "strong", "link_open": "accent"}


def _inline(tokens: Sequence[Any], style: str) -> Iterator[list[StyledText]]:
    """The lines of a paragraph: bold, code, and links with the address they really go to."""
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
                styles.append(_STYLES.get(kind, styles[-1]))
                if kind == "link_open":
                    links.append(str(token.attrs.get("href", "")))
            case kind if kind.endswith("_close"):
                styles.pop()
            case _:
                line.append(StyledText(token.content, styles[-1]))
    yield line
