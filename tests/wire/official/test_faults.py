"""What formats allow and official clients bear, and what they do not, each in the least that shows it.

The faults are strict, as those of the recordings: when a client is mended, its line here fails and goes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from official.formats import ANTHROPIC, CHAT_COMPLETIONS, FORMATS, GEMINI, OLLAMA, RESPONSES, Format
from official.spoken import UNKNOWN, Part
from official.view import ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from official.spoken import Event
    from official.view import View

EVENTS = {form.folder: form.say([Part("text", ["So ", "be it"])]) for form in FORMATS}
NOTHING = "text finish usage end"


def framed(form: Format, events: list[Any], *, end: str = "\n", **style: Any) -> str:
    """Write events as their format has them, without a marker that would come after the last."""
    datas = [json.dumps(event, **style) for event in events]
    if form is OLLAMA:
        return "".join(f"{data}\n" for data in datas)
    names = [f"event: {event['type']}{end}" if "type" in event else "" for event in events]
    return "".join(f"{name}data: {data}{end}{end}" for name, data in zip(names, datas, strict=True))


def whole(form: Format, *, end: str = "\n", **style: Any) -> str:
    done = f"data: [DONE]{end}{end}" if form is CHAT_COMPLETIONS else ""
    return framed(form, EVENTS[form.folder], end=end, **style) + done


def cut(form: Format, events: int) -> str:
    return framed(form, EVENTS[form.folder][:-events])


def halved(form: Format) -> str:
    """Write an answer whose two texts are the two halves of one character."""
    return whole(form).replace('"So "', '"\\ud83d"').replace('"be it"', '"\\ude00"')


def separated(form: Format, separator: str) -> str:
    return whole(form, ensure_ascii=False).replace("be it", f"be{separator}it")


def views(form: Format, body: str) -> tuple[View, View]:
    form.need()
    return ours(form.wire.Decoder(), [body.encode()], form.call), form.theirs([body.encode()])


class Fault(NamedTuple):
    """A body, and what of their view of it is another than ours."""

    reason: str
    form: Format
    body: str
    fields: str


TRUNCATED = [
    Fault("openai needs no [DONE]", CHAT_COMPLETIONS, cut(CHAT_COMPLETIONS, 0), "end"),
    Fault("openai needs no finish reason", CHAT_COMPLETIONS, cut(CHAT_COMPLETIONS, 2), "end"),
    Fault("anthropic needs no message_stop", ANTHROPIC, cut(ANTHROPIC, 1), "finish end"),
    Fault("ollama needs no done", OLLAMA, cut(OLLAMA, 1), "end"),
    Fault("google-genai needs no finishReason", GEMINI, cut(GEMINI, 1), "end"),
]
FAULTS = [
    Fault("openai drops a last event that no blank line ended", RESPONSES, whole(RESPONSES)[:-2], NOTHING),
    Fault("openai wants response.created first", RESPONSES, framed(RESPONSES, [UNKNOWN]) + whole(RESPONSES), NOTHING),
    Fault("anthropic knows no byte order mark", ANTHROPIC, "\ufeff" + whole(ANTHROPIC), "text finish usage"),
    Fault("google-genai takes a byte order mark for JSON", GEMINI, "\ufeff" + whole(GEMINI), NOTHING),
    Fault("google-genai takes a comment for JSON", GEMINI, ": ping\n\n" + whole(GEMINI), NOTHING),
    Fault("google-genai takes an event's name for JSON", GEMINI, "event: x\n" + whole(GEMINI), NOTHING),
    Fault("ollama takes a blank line for JSON", OLLAMA, "\n" + whole(OLLAMA), NOTHING),
    Fault("ollama ends lines at U+2028", OLLAMA, separated(OLLAMA, "\u2028"), NOTHING),
    Fault("ollama ends lines at U+0085", OLLAMA, separated(OLLAMA, "\x85"), NOTHING),
    Fault("ollama wants a message in each line", OLLAMA, '{"x": 1}\n' + whole(OLLAMA), NOTHING),
    # No encoder takes a half. Responses repeats its text whole, which mends it.
    *[Fault("halves of a character stay halves", form, halved(form), "text") for form in FORMATS if form != RESPONSES],
]


def named(fault: Fault) -> str:
    return f"{fault.form.folder}, {fault.reason}"


@pytest.mark.parametrize("fault", TRUNCATED, ids=named)
def test_an_end_too_early_is_still_no_fault_to_the_official_client(fault):
    mine, theirs = views(fault.form, fault.body)
    assert (mine.end, theirs.end) == ("broken", "whole")
    assert mine.differs_from(theirs) == set(fault.fields.split()), (mine, theirs)


@pytest.mark.parametrize("fault", FAULTS, ids=named)
def test_a_known_fault_of_theirs_is_still_there_and_none_of_ours(fault):
    mine, theirs = views(fault.form, fault.body)
    assert (mine.end, mine.usage) == ("whole", views(fault.form, whole(fault.form))[0].usage)
    assert mine.differs_from(theirs) == set(fault.fields.split()), (mine, theirs)


ALLOWED: dict[str, Callable[[Format], str]] = {
    "lines that end with a carriage return": lambda form: whole(form, end="\r"),
    "U+2028, which ends no line": lambda form: separated(form, "\u2028"),
    "U+0085, which ends no line": lambda form: separated(form, "\x85"),
    "NaN where nobody looks": lambda form: whole(form).replace("{", '{"x": NaN, ', 1),
    "data in two lines": lambda form: whole(form).replace('{"', '{\ndata: "', 1),
}


@pytest.mark.parametrize("odd", ALLOWED)
@pytest.mark.parametrize("form", [form for form in FORMATS if form != OLLAMA], ids=lambda form: form.folder)
def test_what_is_odd_but_allowed_is_the_same_to_the_official_client_and_to_us(form, odd):
    mine, theirs = views(form, ALLOWED[odd](form))
    assert mine.end == "whole"
    assert mine.differs_from(theirs) == set(), (mine, theirs)


ERRORS: dict[str, Event] = {
    "openai-chat": {"error": {"message": "no", "code": 500}},
    "openai-responses": {"type": "error", "message": "no", "code": "server_error", "sequence_number": 9},
    "anthropic-messages": {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
    "ollama-chat": {"error": "no"},
    "gemini": {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}},
}


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.folder)
def test_an_error_of_the_provider_s_is_one_to_the_official_client_and_to_us(form):
    mine, theirs = views(form, cut(form, 1) + framed(form, [ERRORS[form.folder]]))
    assert (mine.end, theirs.end) == ("refused", "refused")
