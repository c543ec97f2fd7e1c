"""Retry, fallback, hedge and race: on virtual time, and once each on real servers that misbehave."""

import json

import pytest
from misbehaving_server import MisbehavingServer, answer, close_early, stall, stream
from reactivex.testing import TestScheduler
from scripted_origin import ScriptedOrigin

from rxllm import (
    ChoiceFinished,
    ConfigurationError,
    Finish,
    InvalidRequestError,
    Message,
    Model,
    OverloadedError,
    RateLimitError,
    Retry,
    Rollback,
    Started,
    TextDelta,
    TransportError,
    Usage,
    fallback,
    hedge,
)
from rxllm.attempts import Race, Succession
from rxllm.stream import CompletionStream


def chunk(**delta):
    return (
        b"data: " + json.dumps({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"
    )


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
WHOLE = [chunk(content="Hel"), chunk(content="lo"), STOP]
# What OpenRouter and Gemini send under HTTP 200 where the model behind them broke off before a word.
OPENROUTER_BROKEN = [
    b": OPENROUTER PROCESSING\n\n",
    b'data: {"id":"g","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],',
    b'"error":{"code":502,"message":"Provider disconnected"}}\n\n',
]
GEMINI_BROKEN = [
    b'data: {"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}\n\n',
    b'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\n\n',
]
GEMINI_WHOLE = [b'data: {"candidates":[{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}]}\n\n']
BUSY = answer(503, b'{"error":{"message":"busy"}}')


class Course:
    """Some scripted origins, and the stream made of them on virtual time."""

    def __init__(self, make, count=3):
        self.clock = TestScheduler()
        self.origins = [ScriptedOrigin() for _ in range(count)]
        self.stream = CompletionStream(make([lambda o=o: o for o in self.origins], self.clock), scheduler=self.clock)
        self.items, self.errors = [], []
        self.stream.subscribe(self.items.append, self.errors.append)

    @property
    def started(self):
        return ["start" in origin.calls for origin in self.origins]

    @property
    def text(self):
        return "".join(item.text for item in self.items if isinstance(item, TextDelta))


def retrying(*, after_content=False, delay=2.0, attempts=3):
    retry = Retry(attempts=attempts, delay=delay, after_content=after_content)
    return lambda candidates, clock: Succession(candidates, clock, retry.wait, after_content=after_content)


def racing(after):
    return lambda candidates, clock: Race(candidates, clock, after)


def test_a_failure_before_content_is_tried_again_silently():
    course = Course(retrying())
    course.origins[0].send(Started("a"))
    course.origins[0].fail(OverloadedError("busy"))
    course.clock.advance_by(3.5)
    course.origins[1].finish(Started("b"), TextDelta("Hi"))
    assert [type(item) for item in course.items] == [Started, TextDelta, Finish]
    assert course.items[0].id == "b"


@pytest.mark.parametrize("after_content", [False, True])
def test_the_end_of_a_choice_without_a_word_is_void_with_the_error_behind_it(after_content):
    course = Course(retrying(delay=0, after_content=after_content))
    course.origins[0].send(Started("a"), ChoiceFinished(0, "other", "error"))
    course.origins[0].fail(OverloadedError("busy"))
    course.clock.advance_by(0.1)
    course.origins[1].finish(Started("b"), TextDelta("Hi"), ChoiceFinished())
    assert [type(item) for item in course.items] == [Started, TextDelta, ChoiceFinished, Finish]
    assert course.items[0].id == "b"


def test_the_end_of_a_choice_wins_no_race():
    course = Course(racing(0), count=2)
    course.origins[0].send(Started("a"), ChoiceFinished(0, "other", "error"))
    course.origins[1].send(Started("b"), TextDelta("Hi"))
    course.origins[0].fail(OverloadedError("busy"))
    assert (course.text, course.errors, course.items[0].id) == ("Hi", [], "b")


def test_it_waits_before_it_tries_again():
    course = Course(retrying())
    course.origins[0].fail(OverloadedError("busy"))
    course.clock.advance_by(1.9)
    assert course.started == [True, False, False]
    course.clock.advance_by(1.2)
    assert course.started == [True, True, False]


def test_it_waits_as_long_as_the_provider_asks():
    course = Course(retrying())
    course.origins[0].fail(RateLimitError("slow down", status=429, retry_after=7))
    course.clock.advance_by(6.9)
    assert course.started == [True, False, False]
    course.clock.advance_by(0.2)
    assert course.started == [True, True, False]


def test_a_provider_that_asks_for_too_long_is_not_asked_again():
    course = Course(retrying())
    course.origins[0].fail(RateLimitError("no credit", status=429, retry_after=3600))
    assert [type(error) for error in course.errors] == [RateLimitError]


def test_what_cannot_succeed_is_not_tried_again():
    course = Course(retrying())
    course.origins[0].fail(InvalidRequestError("no such model", status=404))
    assert [type(error) for error in course.errors] == [InvalidRequestError]
    assert course.started == [True, False, False]


def test_the_last_failure_is_the_one_that_is_told():
    course = Course(retrying(attempts=2, delay=0), count=2)
    course.origins[0].fail(OverloadedError("first"))
    course.clock.advance_by(0.1)
    course.origins[1].fail(OverloadedError("second"))
    assert [str(error) for error in course.errors] == ["second"]


def test_after_content_it_fails_unless_asked():
    course = Course(retrying())
    course.origins[0].send(Started("a"), TextDelta("Hel"))
    course.origins[0].fail(TransportError("reset"))
    assert [type(error) for error in course.errors] == [TransportError]
    assert course.errors[0].partial.text == "Hel"


def test_after_content_it_rolls_back_visibly_when_asked():
    course = Course(retrying(after_content=True, delay=0))
    course.origins[0].send(Started("a"), Usage(3, 1), TextDelta("Hel"))
    course.origins[0].fail(TransportError("reset"))
    course.clock.advance_by(0.1)
    course.origins[1].finish(Started("b"), TextDelta("Bye"))
    late = []
    course.stream.subscribe(late.append)
    values = []
    course.stream.completion.subscribe(values.append)
    assert Rollback(1) in course.items
    assert values[0].text == "Bye"
    assert [(a.number, a.usage) for a in values[0].attempts] == [(1, Usage(3, 1))]
    assert [item.text for item in late if isinstance(item, TextDelta)] == ["Bye"]


def test_a_cancel_while_it_waits_ends_it():
    course = Course(retrying())
    course.origins[0].fail(OverloadedError("busy"))
    course.stream.cancel()
    course.clock.advance_by(100)
    assert course.started == [True, False, False]
    assert [item.reason for item in course.items] == ["cancelled"]


def test_a_pause_holds_the_next_attempt_too():
    course = Course(retrying(delay=0))
    course.stream.pause()
    course.origins[0].fail(OverloadedError("busy"))
    course.clock.advance_by(0.1)
    assert course.origins[1].calls == ["pause", "start"]
    course.stream.resume()
    assert course.origins[1].calls == ["pause", "start", "resume"]


def test_the_second_begins_when_the_first_has_no_content_in_time():
    course = Course(racing(0.8), count=2)
    course.origins[0].send(Started("a"))
    course.clock.advance_by(0.7)
    assert course.started == [True, False]
    course.clock.advance_by(0.2)
    assert course.started == [True, True]


def test_the_second_does_not_begin_when_the_first_is_quick():
    course = Course(racing(0.8), count=2)
    course.origins[0].send(Started("a"), TextDelta("Hi"))
    course.clock.advance_by(5)
    assert course.started == [True, False]


def test_the_first_content_wins_and_the_loser_is_closed():
    course = Course(racing(0), count=2)
    course.origins[0].send(Started("a"))
    course.origins[1].send(Started("b"), TextDelta("Hi"))
    course.origins[0].send(TextDelta("too late"))
    assert (course.text, course.items[0].id) == ("Hi", "b")
    assert course.origins[0].calls == ["start", "close"]
    assert course.origins[1].calls == ["start"]


def test_the_next_begins_at_once_when_one_fails():
    course = Course(racing(60), count=2)
    course.origins[0].fail(OverloadedError("busy"))
    assert course.started == [True, True]
    course.origins[1].finish(TextDelta("Hi"))
    assert (course.text, course.errors) == ("Hi", [])


def test_a_race_that_all_lose_fails_with_the_last_error():
    course = Course(racing(0), count=2)
    course.origins[1].fail(OverloadedError("one"))
    course.origins[0].fail(TransportError("other"))
    assert [str(error) for error in course.errors] == ["other"]


def test_a_winner_that_fails_fails_the_stream():
    course = Course(racing(0), count=2)
    course.origins[0].send(TextDelta("Hel"))
    course.origins[0].fail(TransportError("reset"))
    assert [str(error) for error in course.errors] == ["reset"]


def test_an_answer_without_a_word_is_an_answer():
    course = Course(retrying())
    course.origins[0].finish(Started("a"))
    assert [type(item) for item in course.items] == [Started, Finish]
    assert course.started == [True, False, False]


def test_an_answer_without_a_word_does_not_beat_one_who_may_yet_speak():
    course = Course(racing(0), count=2)
    course.origins[0].finish(Started("a"), ChoiceFinished(0, "content_filter"), reason="content_filter")
    assert course.items == []
    course.origins[1].finish(Started("b"), TextDelta("Hi"))
    assert [type(item) for item in course.items] == [Started, TextDelta, Finish]
    assert (course.items[0].id, course.items[-1].reason) == ("b", "stop")


def test_where_the_others_fail_the_answer_without_a_word_is_the_answer():
    course = Course(racing(0), count=3)
    course.origins[1].finish(Started("b"), reason="content_filter")
    course.origins[0].finish(Started("a"))
    assert (course.items, course.errors) == ([], [])
    course.origins[2].fail(OverloadedError("busy"))
    assert (course.items[0].id, course.items[-1].reason, course.errors) == ("b", "content_filter", [])


def test_where_nobody_has_a_word_the_first_that_ended_is_the_answer():
    course = Course(racing(0), count=2)
    course.origins[1].finish(Started("b"))
    course.origins[0].finish(Started("a"))
    assert [type(item) for item in course.items] == [Started, Finish]
    assert course.items[0].id == "b"


def test_the_next_begins_at_once_when_one_ends_without_a_word():
    course = Course(racing(60), count=2)
    course.origins[0].finish(Started("a"))
    assert course.started == [True, True]
    course.origins[1].finish(Started("b"), TextDelta("Hi"))
    assert (course.text, course.items[0].id) == ("Hi", "b")


def test_while_it_is_paused_no_second_one_begins():
    course = Course(racing(0.8), count=2)
    course.clock.advance_by(0.5)
    course.stream.pause()
    course.stream.pause("another holder")
    course.clock.advance_by(60)
    course.stream.resume()
    assert course.started == [True, False]
    course.stream.resume("another holder")
    course.clock.advance_by(0.2)
    assert course.started == [True, False]
    course.clock.advance_by(0.2)
    assert course.started == [True, True]


def test_a_race_that_is_paused_before_its_start_begins_to_count_when_it_goes_on():
    clock = TestScheduler()
    origins = [ScriptedOrigin(), ScriptedOrigin()]
    stream = CompletionStream(Race([lambda o=o: o for o in origins], clock, 0.8), scheduler=clock)
    stream.pause()
    stream.subscribe()
    clock.advance_by(60)
    stream.resume()
    clock.advance_by(0.7)
    assert origins[1].calls == []
    clock.advance_by(0.2)
    assert origins[1].calls == ["start"]


def test_a_pause_when_the_last_is_at_work_lets_nobody_begin():
    course = Course(racing(0.8), count=2)
    course.clock.advance_by(1)
    course.stream.pause()
    course.stream.resume()
    course.clock.advance_by(60)
    assert [origin.calls for origin in course.origins] == [["start", "pause", "resume"]] * 2


def test_a_pause_after_the_first_content_lets_nobody_begin():
    course = Course(racing(0.8), count=2)
    course.origins[0].send(TextDelta("Hi"))
    course.stream.pause()
    course.stream.resume()
    course.clock.advance_by(60)
    assert course.started == [True, False]


@pytest.mark.parametrize("group", [fallback, hedge])
def test_one_model_is_no_group(group):
    with pytest.raises(ConfigurationError, match="at least two"):
        group(Model("llama_cpp:m"))


@pytest.mark.parametrize("group", [fallback, hedge])
@pytest.mark.parametrize("models", [("openai:a", "openai:b"), ([Model("openai:a")], Model("openai:b"))])
def test_what_is_no_model_is_told(group, models):
    with pytest.raises(ConfigurationError, match=r"\.models\[0\]: .*expected a model, e\.g\. Model\('openai"):
        group(*models)


@pytest.mark.parametrize("after", [-1, "1", float("nan"), float("inf"), None])
def test_a_hedge_after_no_number_of_seconds_is_told(after):
    with pytest.raises(ConfigurationError, match=r"hedge.after: .*expected seconds, 0 or more"):
        hedge(Model("openai:a"), Model("openai:b"), after=after)


@pytest.mark.parametrize(
    "retry",
    [
        {"attempts": 0},
        {"attempts": 2.5},
        {"attempts": "3"},
        {"attempts": True},
        {"delay": -1},
        {"delay": float("nan")},
        {"max_delay": float("inf")},
        {"after_content": "no"},
        {"attemps": 3},
    ],
    ids=repr,
)
def test_a_retry_that_makes_no_sense_is_told(retry):
    with pytest.raises(ConfigurationError, match=r"^Retry"):
        Retry(**retry)


def test_the_wait_grows_and_is_bounded():
    retry = Retry(attempts=9, delay=1, max_delay=5)
    waits = [retry.wait(n, OverloadedError("busy")) for n in range(1, 9)]
    assert 1 <= waits[0] <= 1.5
    assert 2 <= waits[1] <= 3
    assert waits[4:] == [5] * 4


def test_the_wait_is_bounded_after_any_number_of_attempts():
    assert Retry(attempts=5000).wait(4999, OverloadedError("busy")) == 30
    assert Retry(attempts=5000, delay=0).wait(4999, OverloadedError("busy")) == 0


@pytest.mark.parametrize(
    ("provider", "broken", "whole"),
    [("openrouter", OPENROUTER_BROKEN, WHOLE), ("gemini", GEMINI_BROKEN, GEMINI_WHOLE)],
)
@pytest.mark.parametrize("way", ["retry", "fallback", "hedge"])
async def test_an_error_under_http_200_before_a_word_is_a_failure_like_any_other(
    misbehaving, provider, broken, whole, way
):
    misbehaving.play(stream(*broken), stream(*whole))

    def asked(name, **options):
        return Model(f"{provider}:{name}", base_url=misbehaving.url, api_key="k", **options)

    match way:
        case "retry":
            models = asked("m", retry=Retry(delay=0.01))
        case "fallback":
            models = fallback(asked("m"), asked("n"))
        case _:
            models = hedge(asked("m"), asked("n"), after=60)
    async with models:
        assert (await models.stream("Hi")).text == "Hello"
    assert misbehaving.requests == 2
    await misbehaving.no_sockets()


async def test_a_real_server_that_is_busy_at_first_is_asked_again(misbehaving):
    misbehaving.play(BUSY, close_early(), stream(*WHOLE))
    async with Model("openai:m", base_url=misbehaving.url, retry=Retry(delay=0.01)) as model:
        answered = model.stream("Hi")
        assert (await answered).text == "Hello"
    assert misbehaving.requests == 3
    assert answered.answered_by == "openai:m"
    await misbehaving.no_sockets()


async def test_the_next_real_server_answers_for_one_that_is_not_there(misbehaving):
    misbehaving.play(stream(*WHOLE))
    nobody = Model("llama_cpp:gone", base_url="http://127.0.0.1:9/v1")
    async with fallback(nobody, Model("openai:m", base_url=misbehaving.url)) as models:
        answered = models.stream("Hi")
        assert (await answered).text == "Hello"
    assert answered.answered_by == "openai:m"
    await misbehaving.no_sockets()


@pytest.mark.parametrize("after", [0, 0.02])
async def test_a_slow_real_server_is_overtaken_and_its_socket_closed(misbehaving, after):
    misbehaving.play(stall())
    async with MisbehavingServer() as quick:
        quick.play(stream(*WHOLE))
        slow = Model("openai:slow", base_url=misbehaving.url)
        async with hedge(slow, Model("openai:quick", base_url=quick.url), after=after) as models:
            answered = models.stream("Hi")
            assert (await answered).text == "Hello"
            await misbehaving.no_sockets()
        assert answered.answered_by == "openai:quick"
        await quick.no_sockets()


@pytest.mark.parametrize("group", [fallback, hedge])
async def test_every_model_of_a_group_gets_messages_that_can_be_read_only_once(group, misbehaving):
    misbehaving.play(BUSY, stream(*WHOLE))
    async with group(*[Model(f"openai:{name}", base_url=misbehaving.url) for name in "mn"]) as models:
        assert (await models.stream(message for message in [Message.user("Hi")])).text == "Hello"
    assert [json.loads((await misbehaving.request(n)).body)["messages"][0]["content"] for n in (0, 1)] == ["Hi", "Hi"]


@pytest.mark.parametrize("group", [fallback, hedge])
async def test_a_model_that_cannot_be_asked_fails_and_hangs_nobody(group, misbehaving, monkeypatch):
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    misbehaving.play(BUSY)
    async with group(Model("openai:m", base_url=misbehaving.url), Model("groq:m")) as models:
        with pytest.raises(ConfigurationError, match="GROQ_API_KEY"):
            await models.stream("Hi")


def test_one_that_began_early_does_not_begin_again():
    course = Course(racing(1), count=2)
    course.origins[0].fail(OverloadedError("busy"))
    course.clock.advance_by(5)
    assert [origin.calls for origin in course.origins] == [["start"], ["start"]]
