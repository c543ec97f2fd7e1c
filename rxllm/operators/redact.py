"""`redact`: what must not be seen, masked while it streams."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from rxllm.errors import ConfigurationError
from rxllm.items import StreamItem, TextDelta
from rxllm.operators._by_choice import BESIDE, by_choice
from rxllm.operators._numbers import check_count
from rxllm.operators._unfinished import Forms, forms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rxllm.observable import Operator

__all__ = ["redact"]

Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"
_ANYTHING: Final = r"[\s\S]"


def redact(
    patterns: str | re.Pattern[str] | Iterable[str | re.Pattern[str]],
    replacement: Replacement = "[redacted]",
    *,
    longest: int = 1000,
) -> Operator:
    r"""Replace all that matches, wherever it is cut, and never show the beginning of what might match.

    Unlike `re.sub` in an `rx.map`, it sees what is spread over several deltas; what comes out is the same for every
    cutting. Only what could still match is held back: behind "4111" a card's number, behind "sunny" nothing.

    It masks the text: reasoning, tool calls and the provider's own copy in `Finish.native` pass as they are. A match
    does not reach across a tool call or another item that ends the text, and each choice has a text of its own.

    >>> import re
    >>> from rxllm.testing import play
    >>> play(redact(["sk-1"], "*"), "a-s-k---'-1'-b|")
    'a-------*-b|'
    >>> play(redact(re.compile(r"\d{4}"), lambda match: "#" * len(match[0])), "'is 12'-'34.'|")
    "'is '-'####.'|"

    Args:
        patterns: Literal strings, regular expressions, or both. At one place a longer literal comes before a shorter
            one, and literals before expressions.
        replacement: What stands there instead: literal text, or a function of the match.
        longest: The most characters that a match of an expression can have; no more are ever held back. A pattern
            with a look-around, a back-reference, an atomic group or `re.VERBOSE` always holds back that many, and
            looks back no further.

    Returns:
        An operator over stream items. An exception of `replacement` goes to this pipe's `on_error`, and the text of
        that delta is withheld.

    Raises:
        ConfigurationError: There is no pattern, one is neither a str nor an expression for str or matches the empty
            text, `longest` is not positive, or `replacement` is neither a str nor a function (of which an async one
            is none).
    """
    check_count("redact(longest=), in characters,", longest)
    if inspect.iscoroutinefunction(replacement) or not (isinstance(replacement, str) or callable(replacement)):
        raise ConfigurationError(
            f"redact replaces by a str, or by what a function of the match gives; not {replacement!r}."
        )
    search = _compiled(_listed(patterns), longest)
    return by_choice(lambda choice: _Redaction(choice, search, replacement), BESIDE)


class _Search(NamedTuple):
    """What to look for: the patterns by rank, with what a match may begin, what may become one, and either of both."""

    patterns: Sequence[re.Pattern[str]]
    first: re.Pattern[str]
    unfinished: re.Pattern[str]
    candidate: re.Pattern[str]
    longest: int
    context: int  # characters before a match that it may look back at


def _listed(patterns: Any) -> Sequence[str | re.Pattern[str]]:
    many = isinstance(patterns, Iterable) and not isinstance(patterns, (str, bytes))
    given: list[Any] = list(cast("Iterable[Any]", patterns)) if many else [patterns]
    for each in given:
        source: object = cast("re.Pattern[Any]", each).pattern if isinstance(each, re.Pattern) else each
        if not isinstance(source, str):
            kind = type(cast("object", each)).__name__  # and not the value, which may be a key
            raise ConfigurationError(f"redact takes strings and expressions that `re` compiled of a str, not {kind}.")
    return given


def _compiled(given: Sequence[str | re.Pattern[str]], longest: int) -> _Search:
    for each in given:
        if not each or (isinstance(each, re.Pattern) and each.fullmatch("")):
            raise ConfigurationError(f"redact cannot replace the empty text, which {each!r} matches; ask for more.")
    literals = sorted({each for each in given if isinstance(each, str)}, key=len, reverse=True)
    patterns = [*(re.compile(re.escape(each)) for each in literals), *(e for e in given if isinstance(e, re.Pattern))]
    if not patterns:
        raise ConfigurationError("redact needs at least one pattern, a str or a compiled regular expression.")
    read = [forms(each) for each in patterns]
    known = [each or Forms(_ANYTHING, _ANYTHING, _ANYTHING) for each in read]
    unfinished = "|".join(each.unfinished for each in known)
    candidate = "|".join(each.whole for each in known)
    return _Search(
        patterns,
        re.compile("|".join(sorted({each.first for each in known}))),
        re.compile(unfinished),
        re.compile(f"{candidate}|{unfinished}"),
        max(longest, *map(len, literals)) if literals else longest,
        1 if None not in read else longest,
    )


class _Redaction:
    """The text from where a match could begin, and a little before it to look back at.

    Whether a match begins at a place is decided when no pattern asks for more text, or when `longest` characters from
    there have come: so it does not depend on the cutting. Never more than `longest` characters are looked at together,
    so that for each place the two are the same question.
    """

    __slots__ = ("_choice", "_data", "_replacement", "_search", "_start")

    def __init__(self, choice: int, search: _Search, replacement: Replacement) -> None:
        self._choice = choice
        self._search = search
        self._replacement = replacement
        self._data = ""
        self._start = 0  # the first character that is not decided

    def feed(self, delta: TextDelta) -> Sequence[StreamItem]:
        text = delta.text
        if self._start == len(self._data) and text and not self._search.first.search(text):
            self._data = text
            self._start = len(text)
            return (delta,)
        shown: list[str] = []
        at = 0
        while at < len(text):
            end = at + self._search.longest - (len(self._data) - self._start)
            self._data += text[at:end]
            self._decide(shown, ended=False)
            at = end
        return self._told(shown)

    def flush(self) -> Sequence[StreamItem]:
        shown: list[str] = []
        self._decide(shown, ended=True)
        self._data = ""
        self._start = 0
        return self._told(shown)

    def _made(self, match: re.Match[str]) -> str:
        made: object = cast("Callable[[re.Match[str]], object]", self._replacement)(match)
        if not isinstance(made, str):
            raise ConfigurationError(f"A replacement of redact must give a str, and gave {type(made).__name__}.")
        return made

    def _told(self, shown: list[str]) -> Sequence[StreamItem]:
        text = "".join(shown)
        return (TextDelta(text, self._choice),) if text else ()

    def _decide(self, shown: list[str], *, ended: bool) -> None:
        patterns, _, unfinished, candidate, longest, context = self._search
        data = self._data
        at = self._start
        while at < len(data):
            found = candidate.search(data, at)
            begin = found.start() if found else len(data)
            shown.append(data[at:begin])
            at = begin
            if at == len(data) or (not ended and len(data) - at < longest and unfinished.match(data, at)):
                break
            match = next((each for pattern in patterns if (each := pattern.match(data, at)) and each[0]), None)
            if match:
                shown.append(self._replacement if isinstance(self._replacement, str) else self._made(match))
                at = match.end()
            else:
                shown.append(data[at])
                at += 1
        kept = max(0, at - context)
        self._data = data[kept:]
        self._start = at - kept
