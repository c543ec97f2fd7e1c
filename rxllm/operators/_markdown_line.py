"""What a line of Markdown is: the patterns for whole lines, and how long a line is not sure yet."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = [
    "BLANK",
    "DELIMITER",
    "HEADING",
    "ITEM",
    "QUOTE",
    "ROW",
    "RULE",
    "UNDERLINE",
    "Fence",
    "closes",
    "fence_in_item",
    "is_open",
    "kind_of",
    "opened_fence",
    "recognizable",
]

_LINE_END: Final = r"[ \t]*\r?\n?\Z"
BLANK: Final = re.compile(_LINE_END)
HEADING: Final = re.compile(r" {0,3}#{1,6}(?:[ \t]|\r?\n?\Z)")
RULE: Final = re.compile(rf" {{0,3}}(?:(?:\*[ \t]*){{3,}}|(?:-[ \t]*){{3,}}|(?:_[ \t]*){{3,}}){_LINE_END}")
ITEM: Final = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<bullet>[-*+])|(?P<number>\d{1,9})(?P<delimiter>[.)]))(?:[ \t]|\r?\n?\Z)"
)
QUOTE: Final = re.compile(r" {0,3}>")
ROW: Final = re.compile(r" {0,3}\|")
UNDERLINE: Final = re.compile(rf" {{0,3}}(?:=+|-+){_LINE_END}")
DELIMITER: Final = re.compile(rf"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?{_LINE_END}")
"""The second line of a table."""

_FENCE: Final = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<ticks>`{3,})(?P<info>[^`\n]*)|(?P<tildes>~{3,})(?P<words>[^\n]*))\Z"
)
_CLOSING: Final = re.compile(rf"[ \t]*(?P<mark>`+|~+){_LINE_END}")
_FENCE_BEGUN: Final = r"(?:`{1,2}|`{3,}[^`]*|~{1,2}|~{3,}.*)"
_UNSURE: Final = re.compile(
    rf"""[ \t]*(?:[-*_=:|\ \t]*|\+[ \t]*|\#{{1,6}}|\d{{1,9}}[.)]?[ \t]*
        |(?:(?:[-*+]|\d{{1,9}}[.)])[ \t]+)?{_FENCE_BEGUN})\r?\Z""",
    re.VERBOSE,
)
_UNSURE_IN_FENCE: Final = re.compile(r"[ \t]*(?:`*|~*)[ \t]*\r?\Z")
_MOST: Final = 1000
_TOP: Final = 3  # more spaces of indent, and a line is part of something


class Fence(NamedTuple):
    """An open fence of code: what closes it, and the language it names."""

    mark: str
    indent: int
    language: str


def opened_fence(line: str) -> Fence | None:
    r"""Give the fence that a whole line opens, if it does.

    >>> opened_fence("```python title=x\n")
    Fence(mark='```', indent=0, language='python')

    Args:
        line: With or without its line feed.

    Returns:
        The fence, or None for any other line.
    """
    line = line.rstrip("\n")
    found = _FENCE.match(line)
    if found is None or len(line) > _MOST:
        return None
    language = (found["info"] or found["words"] or "").split(maxsplit=1)
    return Fence(found["ticks"] or found["tildes"], len(found["indent"]), language[0] if language else "")


def fence_in_item(line: str) -> Fence | None:
    r"""Give the fence that a whole line opens, perhaps right behind the mark of a list's item.

    >>> fence_in_item("1. ```js\n")
    Fence(mark='```', indent=3, language='js')

    Args:
        line: With or without its line feed.

    Returns:
        The fence, with the indent of the code in it, or None for any other line.
    """
    item = ITEM.match(line)
    if item is None:
        return opened_fence(line)
    fence = opened_fence(line[item.end() :])
    return fence and fence._replace(indent=item.end() + fence.indent)


def closes(fence: Fence, line: str) -> bool:
    """Tell whether a whole line closes a fence: at least as many marks, and nothing else."""
    found = _CLOSING.match(line)
    return found is not None and found["mark"].startswith(fence.mark)


def is_open(line: str, fence: Fence | None) -> bool:
    """Tell whether the rest of a line may still make something else of it.

    Args:
        line: What has come of it, without a line feed.
        fence: The fence that it stands in.

    Returns:
        Whether to wait; never for a line so long that it is none of ours.
    """
    return len(line) <= _MOST and (_UNSURE_IN_FENCE if fence else _UNSURE).match(line) is not None


def recognizable(line: str) -> str:
    """Give a line such that the patterns see the same of a long one, however much of it has come."""
    return line if len(line.rstrip("\n")) <= _MOST else f"{line[: _MOST + 1]}\0"


def kind_of(line: str) -> str:
    """Tell what a line would begin, if no block were open: `row` is a paragraph that may become a table."""
    fence = opened_fence(line)
    if fence and fence.indent <= _TOP:
        return "code"
    if HEADING.match(line):
        return "heading"
    if RULE.match(line):
        return "rule"
    if QUOTE.match(line):
        return "quote"
    item = ITEM.match(line)
    if item and len(item["indent"]) <= _TOP:
        return "list"
    return "row" if ROW.match(line) else "paragraph"
