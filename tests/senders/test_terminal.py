"""On a terminal: sections, colours, a spinner; nothing of it left when it is closed."""

from __future__ import annotations

import io
import re
import sys
import threading
import time

import pytest

from rxllm.errors import TransportError
from rxllm.items import ReasoningDelta, Rollback, Started, TextDelta, ToolCall
from rxllm.senders import StdoutSender
from rxllm.turn_items import ToolApprovalRequested, ToolCompleted, ToolProgress, ToolStarted

pytestmark = pytest.mark.usefixtures("nothing_left")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def plain(self) -> str:
        """What can be read, without colours and movements."""
        return ESCAPES.sub("", self.getvalue())


@pytest.fixture
def tty(monkeypatch) -> Tty:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Tty()


def show(tty: Tty, *items, markdown: bool = False) -> StdoutSender:
    sender = StdoutSender(tty, markdown=markdown)
    for item in items:
        sender.on_next(item)
        assert sender.failure is None
    return sender


def test_reasoning_stands_dimmed_in_its_own_section(tty):
    show(tty, ReasoningDelta("hm"), ReasoningDelta(" so"), TextDelta("Blue"), TextDelta(".")).on_completed()
    assert tty.plain == "hm so\n\nBlue.\n"
    assert "\x1b[2mhm\x1b[0m" in tty.getvalue()


def test_a_long_answer_is_not_wrapped_by_us(tty):
    show(tty, *[TextDelta("word ") for _ in range(50)]).on_completed()
    assert tty.plain == "word " * 50 + "\n"


def test_what_looks_like_markup_is_text(tty):
    show(tty, TextDelta("[red]a[/red] :smile: 3")).on_completed()
    assert tty.getvalue() == "[red]a[/red] :smile: 3\n"


def test_a_model_cannot_steer_the_terminal(tty):
    items = TextDelta("a\x1b]0;mine\x07"), ToolCall(0, name="t\x1b[2J"), ToolCompleted(0, "t", 1.0, "r\x1b[2J\nx")
    show(tty, *items).on_completed()
    assert not re.search(r"\x1b\]|\x1b\[2J|\x07", tty.getvalue())


def test_a_tool_that_has_ended_tells_its_milliseconds_and_its_result(tty):
    show(
        tty,
        ToolStarted(0, "weather"),
        ToolStarted(1, "time"),
        ToolCompleted(0, "weather", 12.4, {"sky": "blue"}),
        ToolCompleted(1, "time", 3.0, error="no clock"),
    ).on_completed()
    assert '✓ weather (12 ms) {"sky":"blue"}\n' in tty.plain
    assert "✗ time (3 ms) no clock\n" in tty.plain


def test_a_long_result_is_cut(tty):
    show(tty, ToolCompleted(0, "t", 1.0, "x" * 1000)).on_completed()
    assert tty.plain == f"✓ t (1 ms) {'x' * 199}…\n"


def test_a_tool_that_runs_has_a_spinner_and_a_clock(tty):
    sender = show(tty, ToolStarted(1, "[i]sky"), ToolStarted(0, "weather"), ToolProgress(0, "weather", "half [b]"))
    until = time.monotonic() + 5
    while "half [b] 0:00:01" not in tty.plain and time.monotonic() < until:
        time.sleep(0.02)
    sender.close()
    assert "[i]sky" in tty.plain
    assert "weather" in tty.plain
    assert "half [b] 0:00:01" in tty.plain


def test_text_and_spinner_do_not_stand_in_each_others_way(tty):
    sender = show(tty, ToolStarted(0, "weather"), TextDelta("Meanwhile"), ToolCompleted(0, "weather", 1.0, 3))
    sender.on_completed()
    assert tty.plain.endswith("Meanwhile\n\n✓ weather (1 ms) 3\n")


@pytest.mark.parametrize("end", ["close", "on_completed", "on_error"])
def test_no_thread_spins_after_the_end(tty, end):
    before = set(threading.enumerate())
    sender = show(tty, ToolStarted(0, "a"), ToolStarted(1, "b"))
    (spinning,) = set(threading.enumerate()) - before
    sender.on_error(TransportError("reset")) if end == "on_error" else getattr(sender, end)()
    spinning.join(5)
    assert not spinning.is_alive()


def test_sys_stdout_stays_what_it_is_while_it_spins(tty):
    before = sys.stdout
    sender = show(tty, ToolStarted(0, "a"))
    assert sys.stdout is before
    sender.close()


def test_a_call_and_a_question_are_shown(tty):
    show(tty, ToolCall(0, name="pay", arguments_raw='{"to":"me"}'), ToolApprovalRequested(0, "pay", {"to": "me"}))
    assert tty.plain == '→ pay({"to":"me"})\n? pay({"to":"me"}) waits for approval\n'


def test_what_is_void_is_said_to_be(tty):
    show(tty, Started(), TextDelta("wro"), Rollback(2), Started(), TextDelta("right")).on_completed()
    assert tty.plain == "wro\n✗ void: what stands above is taken back; attempt 2 follows\nright\n"


def test_a_tool_that_began_early_spins_no_more_once_it_is_void(tty):
    before = set(threading.enumerate())
    sender = show(tty, ToolStarted(0, "a"))
    (spinning,) = set(threading.enumerate()) - before
    sender.on_next(Rollback(2))
    spinning.join(5)
    assert not spinning.is_alive()
    sender.close()


def test_a_failed_stream_says_why(tty):
    show(tty, TextDelta("a")).on_error(TransportError("reset"))
    assert tty.plain == "a\n✗ TransportError: reset\n"


def test_markdown_is_rendered_block_by_block(tty):
    sender = show(tty, TextDelta("# Sky\n"), TextDelta("- it is **bl"), markdown=True)
    assert "Sky" in tty.plain
    assert "bl" not in tty.plain
    sender.on_next(TextDelta("ue**"))
    sender.on_completed()
    assert "• it is blue" in tty.plain
    assert "*" not in tty.plain


def test_what_a_rollback_voids_is_not_rendered_any_more(tty):
    show(tty, Started(), TextDelta("wrong"), Rollback(2), Started(), TextDelta("right"), markdown=True).on_completed()
    assert tty.plain.split() == ["right"]


def test_what_fails_while_rendering_fails_the_sender(tty):
    sender = StdoutSender(tty, markdown=True)
    tty.close()
    sender.on_next(TextDelta("# Sky\n"))
    assert isinstance(sender.failure.__cause__, ValueError)
