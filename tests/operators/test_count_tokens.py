from __future__ import annotations

import re

import reactivex
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import OperatorLaws
from reactivex import operators as rx
from reactivex.subject import Subject
from scripted_origin import watch

from rxllm.items import Started, TextDelta, ToolCallDelta, Usage
from rxllm.operators.count_tokens import count_tokens
from rxllm.testing import play


def about(tokens, told=None):
    return Usage(told, tokens, estimated=True)


def words(text):
    return re.findall(r"\s*\S+|\s+$", text)


def counts(operator, *items):
    usages = reactivex.from_iterable(items).pipe(operator, rx.to_list()).run()
    return [usage.output_tokens for usage in usages]


class TestLaws(OperatorLaws):
    operator = count_tokens()
    source = "a-b{usage 7 5}|"
    played = "X-Y{usage 7 5}|"
    failed = "X-Y{usage 7 5}#"
    values = {"X": about(1), "Y": about(2)}  # noqa: RUF012 - as in the class that it inherits from


def test_what_changes_no_count_gives_none():
    assert play(count_tokens(), "{started one}{ping}{tool_call 0}|") == "---|"


def test_every_kind_of_delta_counts():
    assert play(
        count_tokens(), "{reason r}{refusal no}{call 0 f}a|", A=about(1), B=about(2), C=about(3), D=about(4)
    ) == ("ABCD|")


def test_deltas_after_the_providers_count_are_added_to_it():
    assert play(count_tokens(), "a{usage 7 5}b|", A=about(1), B=about(6, 7)) == "A{usage 7 5}B|"


def test_a_usage_without_output_keeps_the_estimate():
    assert play(count_tokens(), "a{usage 7}b|", A=about(1), B=about(1, 7), C=about(2, 7)) == "ABC|"


def test_the_usage_of_the_finish_counts():
    assert play(count_tokens(), "a{finish stop usage={usage 7 5}}|", A=about(1)) == "A{usage 7 5}|"


def test_a_usage_that_is_told_twice_is_given_once():
    assert play(count_tokens(), "a{usage 3 1}-({finish stop usage={usage 3 1}}|)", A=about(1)) == "A{usage 3 1}-|"


def test_a_rollback_takes_back_what_is_void():
    source = "{started one}ab{rollback 1}{started two}c|"
    assert play(count_tokens(), source, A=about(1), B=about(2), O=about(0)) == "-ABO-A|"


def test_a_second_turn_adds_to_the_first():
    assert counts(count_tokens(), Started("1"), TextDelta("a"), Usage(1, 9), Started("2"), TextDelta("b")) == [1, 9, 10]


def test_a_word_cut_in_two_is_one_token_for_an_encoder():
    assert counts(count_tokens(words), *map(TextDelta, ["Hel", "lo wor", "ld", "s a"])) == [1, 2, 3]


def test_each_part_has_its_own_last_word():
    items = [TextDelta("Hel"), ToolCallDelta(0, "f", "{"), TextDelta("lo"), ToolCallDelta(0, None, "} x")]
    assert counts(count_tokens(words), *items) == [1, 2, 3]


def test_a_tokenizers_encode_is_taken_by_itself():
    class Tokenizer:
        def encode(self, text):
            return list(text)

    assert counts(count_tokens(Tokenizer()), TextDelta("abc")) == [3]


def test_an_encoder_that_raises_fails_that_pipe():
    def broken(_):
        raise ValueError("mine")

    source = Subject()
    seen = watch(source.pipe(count_tokens(broken)))
    source.on_next(TextDelta("a"))  # which never notices
    assert ([str(error) for error in seen.errors], source.observers) == (["mine"], [])


def test_the_encoder_never_sees_the_whole_again():
    seen = []

    def measured(text):
        seen.append(len(text))
        return words(text)

    counts(count_tokens(measured), *[TextDelta("x")] * 5000, *[TextDelta("word ")] * 5000)
    assert max(seen) <= 300


@given(st.text("ab \n", max_size=60), st.lists(st.integers(0, 60), max_size=8))
@settings(deadline=None, max_examples=60)
def test_however_it_is_cut_the_count_is_the_same(text, places):
    ends = sorted({min(place, len(text)) for place in places} | {len(text)})
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    cut = counts(count_tokens(lambda said: said.split()), *[TextDelta(piece) for piece in pieces])
    assert cut[-1] == len(text.split())
