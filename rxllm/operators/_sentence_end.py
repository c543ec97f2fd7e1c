"""Where a sentence ends: the rules for one mark, with what stands before it and behind it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["END", "MARK", "is_end"]

# ruff: noqa: RUF001, RUF003
# The full-width marks and the curly quotes are meant: they are what ends a sentence in Chinese and Japanese.

_WIDE: Final = "。！？｡．"
MARK: Final = re.compile(rf"[.!?…{_WIDE}؟۔।॥\n]")
"""What may end a sentence."""

END: Final = re.compile(
    r"""(?P<marks>[.!?…。！？｡．؟۔।॥]*)
        (?P<closers>(?:\[\d{1,3}\]|["'”’»)\]}*_」』）】〉》〕])*)
        (?P<gap>\s*)""",
    re.VERBOSE,
)
"""A mark with its neighbours, the quotes and brackets that close behind it, and the white space up to what follows."""

_LOOK_AHEAD: Final = 16
_LOOK_BACK: Final = 24
_OPENERS: Final = "\"'“‘«([*_¿¡「『（《【"
_NOTE: Final = re.compile(r"\[\d{0,3}\Z")  # a note's number that is still coming
_BLOCK: Final = re.compile(r"(?:[-*+•] |\d{1,3}[.)] |#{1,6} |[>|]|```)")
_BLOCK_BEGUN: Final = re.compile(r"(?:[-*+•]|\d{1,3}[.)]?|#{1,6}|`{1,2})\Z")
_WORD: Final = re.compile(r"[^\W\d_]*")
_HIRAGANA: Final = re.compile(r"[ぁ-ゖ]")
_WIDE_SCRIPT: Final = re.compile(r"[\u2e80-\uffef]")
_SAID: Final = re.compile(r"[^，。！？；：、\s]{0,4}?(?:[说問问喊叫答]|(?<!知)道)")
_SAID_LENGTH: Final = 5
_ROMAN: Final = re.compile(r"[IVXLC]+\b")
_DOTTED: Final = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")

_TITLES: Final = frozenset(
    "mr mrs ms mx dr prof st sgt capt lt col gen cmdr adm sen rep gov pres rev hon fr messrs mme mlle "  # noqa: SIM905 - read as one line of text, here and below
    "vs viz cf e.g i.e approx ca est esp incl resp mt ft dept univ assn bros".split()
)
"""Never the end of a sentence."""
_NUMBERED: Final = frozenset(
    "no nos nr fig figs eq eqs vol vols ch chap sec sect art p pp par para prop ver v op tab ed "  # noqa: SIM905 - as above
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
"""The end of a sentence, but not before a number, Arabic or Roman."""
_AMBIGUOUS: Final = frozenset("inc ltd co corp llc jr sr al a.m p.m ave blvd rd bldg".split())  # noqa: SIM905 - as above
"""The end of a sentence only before a word that begins sentences; as are initials, and U.S. and the like."""
_BEGINNERS: Final = frozenset(
    "the a an this that these those it its he she they we you his her their our my your there here "  # noqa: SIM905 - as above
    "in on at by for from with to as of after before during since until while when where if although because but and "
    "or so yet then thus however meanwhile today now what why how who which some many most all both each no not "
    "one two another such once later also finally first next instead even still only just let please".split()
)


def is_end(text: str, found: re.Match[str], start: int, *, whole: bool) -> bool | None:
    """Decide whether a sentence ends at a mark.

    Args:
        text: As far as it has come.
        found: Of `END`, at the mark; something follows it, or the text is whole.
        start: Where the sentence begins.
        whole: No more text will come.

    Returns:
        Whether it ends there; None where more text would tell.
    """
    marks, closers, gap = found.groups()
    ahead = text[found.end() : found.end() + _LOOK_AHEAD]
    more = not whole and len(ahead) < _LOOK_AHEAD
    if "\n" in gap:
        line_start = text.rfind("\n", start, found.start()) + 1 or start
        heading = not marks and text.startswith("#", line_start)
        if heading or gap.count("\n") > 1 or _BLOCK.match(ahead):
            return True
    undecided = more and ((_BLOCK_BEGUN if "\n" in gap else _NOTE).match(ahead))
    if undecided or not marks:
        return None if undecided else False
    if marks[-1] in _WIDE:
        return _wide_end(marks, closers, gap, ahead, more=more)
    if not gap:
        return marks[-1] in "!?" and _WIDE_SCRIPT.match(ahead) is not None
    return _spaced_end(text[max(start, found.start() - _LOOK_BACK) : found.start()], marks, closers, ahead, more=more)


def _wide_end(marks: str, closers: str, gap: str, ahead: str, *, more: bool) -> bool | None:
    """Decide at a full-width mark, which needs no space behind it."""
    if marks == "．" and ahead[:1].isdigit():
        return False
    if not closers or gap:
        return True
    if ahead[:1] in "，、；：,;:—" or _HIRAGANA.match(ahead):  # 「はい。」と言った
        return False
    if _SAID.match(ahead):  # “你好！”他说
        return False
    undecided = more and len(ahead) < _SAID_LENGTH and not re.search(r"[，。！？；：、\s]", ahead)
    return None if undecided else True


def _spaced_end(before: str, marks: str, closers: str, ahead: str, *, more: bool) -> bool | None:
    """Decide at a mark with white space behind it."""
    follows = ahead.lstrip(_OPENERS)
    if not follows:
        return None if more else True
    if follows[0].islower():
        return False
    if marks[0] == "…" or marks.startswith(".."):
        if follows[0] != "I":  # after a pause, "I" may go on as well as begin
            return True
        return None if more and len(follows) == 1 else follows[1:2].isalnum()
    if marks != "." or closers:
        return True
    return _dot_ends(before, follows, more=more)


def _dot_ends(before: str, follows: str, *, more: bool) -> bool | None:
    """Decide at a single dot, which may belong to the word before it."""
    word = re.split(r"[\s(\[{\"'“‘*_/—–-]", before)[-1]
    lower = word.lower()
    _, line_feed, line = before.rpartition("\n")
    first = (line_feed or len(before) < _LOOK_BACK) and line.strip("*_ \t") == word
    if lower in _TITLES or (first and (word.isdigit() or _is_letter(word))):
        return False  # a title; the number of an item of a list
    if lower in _NUMBERED:
        roman = _ROMAN.match(follows)
        if roman and more and roman.end() == len(follows):
            return None
        return not roman and not follows[0].isdigit()
    initial = _is_letter(word) and word.isupper() and word != "I"
    if not initial and lower not in _AMBIGUOUS and not _DOTTED.fullmatch(word):
        return True
    found = _WORD.match(follows)
    next_word = found[0] if found else ""
    if more and len(next_word) == len(follows):
        return None
    return next_word.lower() in _BEGINNERS or next_word == "I"


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()
