from __future__ import annotations

import pytest
import reactivex
from cutting import LENGTHS, SHARED, best_of_three, cut, text_of, through
from hypothesis import given
from hypothesis import strategies as st
from laws import OperatorLaws
from misbehaving_server import stall
from reactivex import operators as rx
from scripted_origin import scripted, watch

from rxllm import Model
from rxllm.errors import ConfigurationError
from rxllm.items import Finish, Logprobs, Ping, TextDelta, Usage
from rxllm.operators.of_type import of_type
from rxllm.operators.pausable import pausable
from rxllm.operators.stop_at import stop_at
from rxllm.testing import lifetimes, play

CHUNK = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hello END of it"}}]}\n\n'


def stopped(tokens: int) -> Finish:
    return Finish("stop", "stop_at", Usage(output_tokens=tokens, estimated=True))


def finish(tokens: int) -> str:
    return f"{{finish stop stop_at {{usage output_tokens={tokens} estimated=True}}}}"


class TestLaws(OperatorLaws):
    operator = stop_at("###")
    source = "a-'#'-b-'##'-|"
    played = "a---'#b'---('##'|)"
    failed = "a---'#b'---('##'#)"


class TestStopping(OperatorLaws):
    operator = stop_at("###", "\n\n")
    source = "a-'b#'-'##c'-d-|"
    played = f"a-b-({finish(3)}|)"
    failed = played  # what comes behind the end is nobody's


def test_the_text_before_the_sequence_is_kept():
    assert play(stop_at("END"), "'abENDc'-d|") == f"('ab'{finish(1)}|)"


def test_the_source_is_left_in_the_same_frame():
    assert lifetimes(stop_at("xy"), "a-x-y-b-|") == ["^---!"]


def test_a_beginning_that_became_nothing_is_shown():
    assert play(stop_at("<end>"), "'<en'-'try>'-|") == "--'<entry>'-|"


def test_what_cannot_be_the_beginning_is_not_held():
    assert play(stop_at("xyz"), "a-b-x-y-a|") == "a-b-----'xya'|"


def test_the_sequence_that_is_complete_first_ends_it():
    assert text_of(through(stop_at("abcd", "bc"), [TextDelta("abcd")])) == "a"
    assert text_of(through(stop_at("abcd", "bc"), map(TextDelta, "abcd"))) == "a"


def test_an_item_that_says_nothing_of_a_place_does_not_let_a_beginning_through():
    items = [TextDelta("aST"), Ping(), Usage(1), Logprobs([]), TextDelta("OPb")]
    assert text_of(through(stop_at("STOP"), items)) == "a"


def test_an_item_with_a_place_ends_what_was_held():
    assert play(stop_at("STOP"), "'aST'{tool_call 0 id f}OP|") == "a('ST'{tool_call 0 id f})OP|"


def test_a_rollback_forgets_a_beginning():
    assert play(stop_at("xy"), "ax{rollback 1}y|") == "a-{rollback 1}y|"


def test_other_choices_pass_and_end_with_it():
    items = [TextDelta("x", 1), TextDelta("a"), TextDelta("y", 1), TextDelta("x"), TextDelta("z", 1)]
    assert through(stop_at("x"), items) == [TextDelta("x", 1), TextDelta("a"), TextDelta("y", 1), stopped(4)]


def test_the_choice_to_watch_can_be_named():
    items = [TextDelta("x"), TextDelta("ax", 1), TextDelta("b")]
    assert through(stop_at("x", choice=1), items) == [TextDelta("x"), TextDelta("a", 1), stopped(2)]


def test_before_the_hub_it_ends_the_stream_for_all_and_the_provider():
    origin, stream = scripted(through=[stop_at("END")])
    seen = watch(stream)
    origin.send("all ", "of it", "EN", "D and more")
    assert (seen.text, seen.completed) == ("all of it", 1)
    assert origin.calls[-1] == "close"


async def test_before_the_multicast_it_closes_the_socket_for_all_and_that_is_no_cancel(misbehaving):
    misbehaving.play(stall(CHUNK))
    async with Model("openai:m", base_url=misbehaving.url) as model:
        completion = await model.stream("Hi", through=[stop_at("END")])
        await (await misbehaving.request()).gone()
    assert (completion.text, completion.finish_reason, completion.raw_finish_reason) == ("Hello ", "stop", "stop_at")
    assert completion.usage == Usage(output_tokens=1, estimated=True)


def test_the_source_is_left_though_downstream_takes_the_end_later():
    def piped(gate, source):
        return source.pipe(stop_at("x"), pausable(gate))

    assert play(piped, "F----T", "ax-b-|", F=False, T=True) == f"-----(a{finish(2)}|)"
    assert lifetimes(piped, "F----T", "ax-b-|", F=False, T=True)[1] == "^!"


def test_plain_take_while_would_show_the_beginning():
    items = [TextDelta(piece) for piece in ("a", "EN", "D", "b")]
    plain = reactivex.from_iterable(items).pipe(rx.take_while(lambda item: "END" not in item.text), rx.to_list()).run()
    assert text_of(plain) == "aENDb"
    assert text_of(through(stop_at("END"), items)) == "a"


@pytest.mark.parametrize("sequences", [(), ("",), ("a", ""), (["END"],), (None,), (b"END",)])
def test_there_must_be_something_to_stop_at(sequences):
    with pytest.raises(ConfigurationError, match="at least one character"):
        stop_at(*sequences)


def first_complete(text: str, sequences: list[str]) -> str:
    for end in range(len(text) + 1):
        found = [sequence for sequence in sequences if text[:end].endswith(sequence)]
        if found:
            return text[: end - len(max(found, key=len))]
    return text


@SHARED
@given(st.text("abc", max_size=25), LENGTHS, st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_every_cutting_of_a_text_gives_the_same(text, lengths, sequences):
    expected = first_complete(text, sequences)
    assert text_of(through(stop_at(*sequences), cut(text, lengths))) == expected
    assert text_of(through(stop_at(*sequences), [TextDelta(text)])) == expected


@SHARED
@given(st.text("ab#", max_size=25), LENGTHS)
def test_no_prefix_of_a_sequence_is_ever_shown_before_it(text, lengths):
    shown: list[str] = []
    source = reactivex.from_iterable(cut(text + "##ab##", lengths))
    source.pipe(stop_at("##ab##"), of_type(TextDelta), rx.map(lambda item: item.text)).subscribe(shown.append)
    assert "".join(shown) == first_complete(text + "##ab##", ["##ab##"])


def test_a_token_costs_the_same_in_a_long_text():
    few, many = (best_of_three(stop_at("#" * 20 + "!"), [TextDelta("##")] * count) for count in (1_000, 50_000))
    assert many < few * 5 + 2e-6
