from __future__ import annotations

import sys
import time
from itertools import pairwise

import pytest
import reactivex
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject
from scripted_origin import Seen, scripted, watch

from rxllm.completion import fold
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Ping, ReasoningDelta, TextDelta, ToolCall, Usage
from rxllm.operators.typewriter import typewriter
from rxllm.testing import play

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
FLAG = "\N{REGIONAL INDICATOR SYMBOL LETTER F}\N{REGIONAL INDICATOR SYMBOL LETTER R}"
ACCENT = "e\N{COMBINING ACUTE ACCENT}"


class Typed:
    """Plays text with its times, and keeps what was typed with its own."""

    def __init__(self, operator):
        self.clock = VirtualTimeScheduler()
        self.source = Subject()
        self.typed = []
        self.arrived = []
        self.source.pipe(operator).subscribe(self._see, lambda _: None, scheduler=self.clock)

    @property
    def now(self):
        return self.clock.to_seconds(self.clock.now)

    def _see(self, item):
        if isinstance(item, TextDelta):
            self.typed.append((self.now, item.text))

    def send(self, *steps):
        for step in steps:
            if isinstance(step, (int, float)):
                self.clock.advance_by(step)
            else:
                self.arrived.append((self.now, step))
                self.source.on_next(TextDelta(step))
        return self

    @property
    def cut(self):
        return [text for _, text in self.typed]

    @property
    def lag(self):
        """The longest that a character waited."""
        came = [at for at, text in self.arrived for _ in text]
        left = [at for at, text in self.typed for _ in text]
        return max((leaves - comes for comes, leaves in zip(came, left, strict=False)), default=0.0)


class TestLaws(OperatorLaws):
    operator = typewriter(max_lag=4)
    source = "'abcd'----{usage 1 2}|"
    played = "abc-d{usage 1 2}|"
    failed = "abc-d{usage 1 2}#"


class TestLawsAtAnEarlyEnd(OperatorLaws):
    operator = typewriter("word", max_lag=9)
    source = "'one two '-{reason r}'three'|"
    played = "'one'-(' two '{reason r})-('three'|)"
    failed = played.replace("|", "#")


def test_a_burst_is_spread_over_max_lag():
    typed = Typed(typewriter(max_lag=1.0)).send("x" * 40, 2.0)
    times = [at for at, _ in typed.typed]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert typed.lag == pytest.approx(1.0, abs=0.03)
    assert max(gaps[:-1]) < 0.06


def test_text_that_arrives_steadily_hardly_lags():
    typed = Typed(typewriter()).send(*["xy", 0.05] * 100)
    assert typed.lag < 0.4
    late = [left - came for (came, _), (left, _) in zip(typed.arrived[20:], typed.typed[40::2], strict=False)]
    assert max(late) < 0.2


def test_a_provider_that_sends_in_bursts_is_typed_at_its_rate():
    typed = Typed(typewriter()).send(*["twenty characters   ", 0.2] * 30)
    times = [at for at, _ in typed.typed if 2.0 < at < 5.0]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < 0.06
    assert typed.lag <= 0.4 + 0.02


def test_nothing_is_held_at_the_end():
    assert play(typewriter(max_lag=9), "'Hello'-|").endswith("|)")
    assert Typed(typewriter()).send("Hello", 1.0).cut[-1] == "o"


@pytest.mark.parametrize("cluster", [FAMILY, FLAG, ACCENT, "\r\n", "\N{HANGUL CHOSEONG KIYEOK}\N{HANGUL JUNGSEONG A}"])
def test_a_grapheme_is_never_cut_though_it_arrives_in_pieces(cluster):
    typed = Typed(typewriter()).send("a", 0.05, *[step for char in cluster for step in (char, 0.02)], "b", 1.0)
    assert typed.cut == ["a", cluster, "b"]


def test_a_grapheme_that_does_not_go_on_waits_for_max_lag_at_most():
    typed = Typed(typewriter(max_lag=0.4)).send("a", 5.0)
    assert typed.typed == [(pytest.approx(0.4, abs=0.001), "a")]


def test_words_appear_with_the_space_before_them():
    assert Typed(typewriter("word")).send("one two, ", "three", 2.0).cut == ["one", " two,", " three"]


def test_scripts_without_spaces_are_typed_a_character_at_a_time():
    assert Typed(typewriter("word")).send("狐は速い。", 2.0).cut == ["狐", "は", "速", "い", "。"]


def test_a_word_without_end_lags_no_more_than_anything_else():
    typed = Typed(typewriter("word")).send(*["0123456789", 0.05] * 60, 1.0)
    assert typed.lag <= 0.4 + 0.001
    assert "".join(typed.cut) == "0123456789" * 60


def test_lines_appear_whole():
    assert Typed(typewriter("line")).send("one\ntw", "o\nthree", 2.0).cut == ["one\n", "two\n", "three"]


def test_a_regular_expression_tells_what_appears_at_once():
    assert Typed(typewriter(r"[^,]*,")).send("a, b, c", 2.0).cut == ["a,", " b,", " c"]
    assert Typed(typewriter(regex.compile("x*"))).send("xxaxb", 2.0).cut == ["xx", "ax", "b"]


@pytest.mark.parametrize("item", ["{reason hm}", "{tool_call 0 id f}", "{finish stop}"])
def test_what_is_held_leaves_before_whatever_is_not_text(item):
    assert play(typewriter(max_lag=9), f"('abc'{item})--|") == f"(a'bc'{item})--|"


def test_a_late_subscriber_sees_what_has_been_typed_within_max_lag_and_then_the_rest():
    clock = VirtualTimeScheduler()
    origin, stream = scripted(scheduler=clock)
    watch(stream)
    origin.send(*["ab "] * 500)
    late = watch(stream.pipe(typewriter(max_lag=2.0)))
    clock.advance_by(1)
    assert 100 < len(late.text) < 1400  # it is typed, neither dumped nor held
    clock.advance_by(1.01)
    assert late.text == "ab " * 500
    origin.finish("end")
    assert (late.text[-3:], late.completed) == ("end", 1)


def test_what_is_held_leaves_before_text_of_another_choice():
    assert play(typewriter(max_lag=9), "('abc'{text 'xy' choice=1})|") == "(a'bc')({text xy 1}|)"


@pytest.mark.parametrize("item", ["{ping}", "{usage 1 2}", "{logprobs [1]}"])
def test_what_says_nothing_of_a_place_passes_without_a_flush(item):
    assert play(typewriter(max_lag=9), f"('ab'{item})-|") == f"(a{item})-(b|)"


def test_a_rollback_forgets_what_was_held():
    assert play(typewriter(max_lag=9), "'abc'{rollback 1}--|") == "a{rollback 1}--|"


def test_leaving_it_while_text_is_held_emits_nothing_more():
    assert play(typewriter(max_lag=9), "'abcdef'----------|", until=2) == "ab"


def test_an_idle_source_arms_no_timer():
    clock = VirtualTimeScheduler()
    armed = []
    clock.schedule_relative = lambda due, *_: armed.append(due)
    Subject().pipe(typewriter()).subscribe(scheduler=clock)
    assert armed == []


def test_a_thousand_tokens_at_once_cost_no_thousand_timers():
    clock = VirtualTimeScheduler()
    armed = []
    schedule = clock.schedule_relative
    clock.schedule_relative = lambda due, *rest: armed.append(due) or schedule(due, *rest)
    source = Subject()
    source.pipe(typewriter()).subscribe(scheduler=clock)
    for _ in range(1000):
        source.on_next(TextDelta("word "))
    clock.advance_by(2)
    assert len(armed) < 40


def test_its_cost_a_token_does_not_grow_with_the_length():
    def seconds(count):
        clock = VirtualTimeScheduler()
        source, seen = Subject(), Seen()
        source.pipe(typewriter()).subscribe(seen, scheduler=clock)
        start = time.process_time()
        for _ in range(count):
            source.on_next(TextDelta("word "))
        source.on_completed()
        assert len(seen.text) == 5 * count
        return (time.process_time() - start) / count

    assert min(seconds(50_000) for _ in range(2)) < 2.5 * min(seconds(1_000) for _ in range(5))


def test_without_the_extra_lines_can_still_be_typed(monkeypatch):
    monkeypatch.setitem(sys.modules, "regex", None)
    assert Typed(typewriter("line")).send("a\nb", 1.0).cut == ["a\n", "b"]
    with pytest.raises(ConfigurationError, match=r"rxllm\[text\]"):
        typewriter()


@pytest.mark.parametrize("wrong", [{"max_lag": 0}, {"chunk": "("}, {"chunk": 3}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="typewriter"):
        typewriter(**wrong)


def test_it_needs_a_clock():
    assert isinstance(watch(Subject().pipe(typewriter())).errors[0], ConfigurationError)


TEXT = st.text(st.sampled_from(["a", " ", "\n", *FAMILY, *FLAG, *ACCENT, "狐"]), max_size=5)
STEP = st.one_of(TEXT, TEXT, st.floats(0.0, 0.7), st.sampled_from([ReasoningDelta("r"), ToolCall(0), Usage(1), Ping()]))


@given(
    st.lists(STEP, max_size=30), st.sampled_from(["grapheme", "word", "line"]), st.sampled_from(["complete", "fail"])
)
@settings(deadline=None, max_examples=80)
def test_however_it_arrives_the_text_is_the_same_and_nothing_is_late(steps, chunk, end):
    typed = Typed(typewriter(chunk))
    seen, sent = Seen(), []
    typed.source.pipe(typewriter(chunk)).subscribe(seen, scheduler=typed.clock)
    for step in steps:
        if isinstance(step, (str, float)):
            typed.send(step)
            sent += [TextDelta(step)] if isinstance(step, str) else []
        else:
            typed.source.on_next(step)
            sent.append(step)
    typed.source.on_completed() if end == "complete" else typed.source.on_error(ValueError("mine"))
    assert fold([*seen, Finish("stop")]) == fold([*sent, Finish("stop")])
    assert "".join(typed.cut) == "".join(text for _, text in typed.arrived)
    assert typed.lag <= 0.4 + 0.001


@given(st.lists(TEXT, max_size=12), st.lists(st.floats(0.0, 0.1), min_size=12, max_size=12))
@settings(deadline=None, max_examples=60)
def test_however_it_is_cut_graphemes_that_arrive_in_time_stay_whole(texts, gaps):
    typed = Typed(typewriter(max_lag=2.0))
    for text, gap in zip(texts, gaps, strict=False):
        typed.send(text, gap)
    typed.source.on_completed()
    whole = "".join(texts)
    ends = {match.end() for match in regex.finditer(r"\X", whole)}
    position = 0
    for text in typed.cut:
        position += len(text)
        assert position in ends


def test_one_source_may_have_two_typewriters():
    source = reactivex.of(TextDelta("ab"))
    operator = typewriter(max_lag=4)
    clock = VirtualTimeScheduler()
    seen = [Seen(), Seen()]
    for each in seen:
        source.pipe(operator).subscribe(each, scheduler=clock)
    clock.start()
    assert [each.text for each in seen] == ["ab", "ab"]
