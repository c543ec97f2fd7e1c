from __future__ import annotations

import re

import pytest
import reactivex
from cutting import LENGTHS, CuttingLaws, cut, text_of, through
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import Seen, watch

from rxllm.errors import ConfigurationError
from rxllm.items import Ping, ReasoningDelta, TextDelta, Usage
from rxllm.operators.redact import redact
from rxllm.testing import play

CARD = re.compile(r"\b\d(?:[ -]?\d){12,15}\b")
MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


class TestLaws(OperatorLaws):
    operator = redact(["key"], "*")
    source = "a-k-'eyb'-k-|"
    played = "a---'*b'---(k|)"
    failed = "a---'*b'---(k#)"


class TestLiterals(CuttingLaws):
    operator = redact(["abab", "ba"], "*")
    alphabet = ("a", "b", "c")
    keeps_text = False
    piece = "aba"


class TestExpressions(CuttingLaws):
    operator = redact([CARD, MAIL, "token"], lambda match: "#" * len(match[0]), longest=30)
    alphabet = ("4111 1111 ", "1111-1111", "1", " ", "x@", "y.org", ".", "tok", "en", "a")
    keeps_text = False
    piece = "1111 "


class TestWhatLooksAround(CuttingLaws):
    operator = redact(re.compile(r"(?<=key: )\w+|(a|b)\1(?!c)"), longest=6)
    alphabet = ("key: ", "a", "b", "c", " ")
    keeps_text = False
    # It always looks at six characters together, so that a megabyte takes seconds; the two above show the growth.
    test_a_token_costs_the_same_in_a_long_text_without_an_end = None
    test_a_megabyte_without_an_end_in_one_delta_is_no_different = None


async def a_coroutine(_match: re.Match[str]) -> str:
    return "*"


def redacted(patterns: object, text: str, **settings: object) -> str:
    return text_of(through(redact(patterns, "*", **settings), map(TextDelta, text)))


def test_a_literal_is_replaced_wherever_it_is_cut():
    assert play(redact(["sk-1"], "*"), "a-s-k-'-1'-b|") == "a-----*-b|"


def test_only_what_could_still_match_is_held_back():
    assert play(redact(["secret"], "*"), "a-s-e-x-s|") == "a-----'sex'--(s|)"


def test_a_function_makes_the_replacement_from_the_match():
    masked = redact(CARD, lambda match: "*" * (len(match[0]) - 4) + match[0][-4:])
    assert text_of(through(masked, map(TextDelta, "is 4111 1111 1111 1234."))) == "is ***************1234."


def test_a_replacement_is_literal_text():
    assert text_of(through(redact(re.compile("(a)"), r"\1"), [TextDelta("a")])) == r"\1"


def test_a_pattern_that_might_be_a_flag_is_a_literal_when_it_is_a_str():
    assert redacted(["a.b"], "axb a.b") == "axb *"


@pytest.mark.parametrize("key", ["a(b", "**", "x*", "[", "$1", "?", "a|b", "\\"])
def test_a_str_is_never_read_as_an_expression(key):
    assert redacted(key, f"my {key}!") == "my *!"


def test_a_replacement_that_is_no_str_fails_the_pipe():
    seen = watch(reactivex.of(TextDelta("ab")).pipe(redact("b", lambda _: None)))
    assert (list(seen), type(seen.errors[0])) == ([], ConfigurationError)
    assert "gave NoneType" in str(seen.errors[0])


def test_a_single_pattern_needs_no_list():
    assert redacted("abc", "xabcx") == "x*x"


def test_of_two_literals_at_one_place_the_longer_is_replaced():
    assert redacted(["ab", "abc"], "abcab") == "**"


def test_the_flags_of_an_expression_count():
    assert redacted(re.compile("key", re.IGNORECASE), "KEY Key") == "* *"
    assert redacted([re.compile("(?i)key"), re.compile("x")], "KEY X x") == "* X *"


@pytest.mark.parametrize(
    ("source", "text", "shown"),
    [
        (r"\bab", "aab ab", "aab *"),
        (r"(?<=key: )\w{3}", "abc key: abc", "abc key: *"),
        (r"^a", "aaa", "*aa"),
        (r"a?b", "ccb", "cc*"),
        (r"a{,2}b|c+", "acb", "a**"),
        (r"ab$", "abab", "ab*"),
    ],
)
def test_an_expression_sees_what_is_around_it_and_what_may_be_left_out(source, text, shown):
    assert redacted(re.compile(source), text, longest=5) == shown


def test_it_is_the_text_and_not_the_reasoning():
    items = [TextDelta("key"), ReasoningDelta("key")]
    assert through(redact("key", "*"), items) == [TextDelta("*"), ReasoningDelta("key")]


@pytest.mark.parametrize("item", [Ping(), Usage(1), ReasoningDelta("hm")])
def test_what_comes_in_the_middle_of_a_secret_does_not_let_its_half_out(item):
    assert text_of(through(redact("secret", "*"), [TextDelta("sec"), item, TextDelta("ret")])) == "*"


def test_an_item_that_ends_the_text_ends_what_was_held():
    assert play(redact("secret", "*"), "'sec'{tool_call 0 id f}'ret'|") == "-('sec'{tool_call 0 id f})'ret'|"


def test_what_is_unfinished_at_the_end_is_decided_there():
    assert redacted(re.compile(r"\d{2,4}"), "a 123") == "a *"


def test_no_more_than_the_longest_match_is_held_back():
    shown: list[str] = []
    source: Subject = Subject()
    source.pipe(redact(re.compile("a+b"), longest=5), rx.map(lambda item: item.text)).subscribe(shown.append)
    for count in range(1, 20):
        source.on_next(TextDelta("a"))
        assert count - len("".join(shown)) <= 5


def test_an_error_of_the_function_fails_this_pipe_only_and_leaves_the_source():
    source: Subject = Subject()
    seen, other = Seen(), Seen()
    error = ValueError("mine")

    def fail(_: re.Match[str]) -> str:
        raise error

    source.pipe(redact("x", fail)).subscribe(seen)
    source.subscribe(other)
    for text in ("a", "bxc", "d"):
        source.on_next(TextDelta(text))
    source.on_completed()
    assert (seen.text, seen.errors, seen.completed) == ("a", [error], 0)
    assert other.text == "abxcd"


def test_an_error_of_the_function_at_the_end_fails_this_pipe_too():
    seen = Seen()
    reactivex.of(TextDelta("12")).pipe(redact(re.compile(r"\d+"), lambda _: str(1 // 0))).subscribe(seen)
    assert [type(error) for error in seen.errors] == [ZeroDivisionError]
    assert seen.completed == 0


def test_plain_re_sub_in_a_map_would_miss_what_is_cut():
    items = [TextDelta("se"), TextDelta("cret")]
    plain = reactivex.from_iterable(items).pipe(rx.map(lambda item: re.sub("secret", "*", item.text)), rx.to_list())
    assert "".join(plain.run()) == "secret"
    assert text_of(through(redact("secret", "*"), items)) == "*"


@pytest.mark.parametrize(
    ("patterns", "settings", "said"),
    [
        ([], {}, "at least one pattern"),
        ([""], {}, "empty text"),
        ([re.compile("a*")], {}, "empty text"),
        (["a"], {"longest": 0}, "at least 1"),
        (None, {}, "not NoneType"),
        (b"sk-1", {}, "not bytes"),
        ([re.compile(b"a")], {}, "not Pattern"),
        (["a"], {"replacement": None}, "function of the match"),
        (["a"], {"replacement": a_coroutine}, "function of the match"),
    ],
)
def test_a_pattern_that_cannot_be_replaced_is_refused(patterns, settings, said):
    with pytest.raises(ConfigurationError, match=said):
        redact(patterns, **settings)


def reference(patterns: list[re.Pattern[str]], text: str, longest: int) -> str:
    """Place by place: the first pattern that matches within so many characters."""
    shown: list[str] = []
    at = 0
    while at < len(text):
        tried = (pattern.match(text, at, at + longest) for pattern in patterns)
        match = next((each for each in tried if each and each[0]), None)
        shown.append("*" if match else text[at])
        at = match.end() if match else at + 1
    return "".join(shown)


PATTERNS = [
    r"a+b",
    r"(?:ab|a)c?",
    r"a{2,3}$",
    r"\bab\b",
    r"^a",
    r"(?i)AB+c*",
    r"[ab]{2}\n?c",
    r"(a|bc)+?c",
    r"a(?=b)",
    r"(?<=a)b",
    r"(a)\1",
    r"a.*b",
    r"a*?b",
    r"ab|abc|ca*$",
    r"(?m:^b)",
    r"\Ba",
    r"(?:a|b\b)*c",
    r"a{0}b",
    r"(?P<x>a)b?",
    r"(?>a+)b",
    r"[^a\]]b{,2}c",
    r"\x61\.|a\d",
]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2),
    st.text("abc \n1.", max_size=16),
    LENGTHS,
    st.integers(1, 7),
)
def test_it_equals_the_reference_for_every_cutting(sources, text, lengths, longest):
    patterns = [re.compile(source) for source in sources]
    came = through(redact(patterns, "*", longest=longest), cut(text, lengths))
    assert text_of(came) == reference(patterns, text, longest)
