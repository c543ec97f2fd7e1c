"""Into a pipe: the text and nothing else."""

from __future__ import annotations

import io
import sys

import pytest
from scripted_origin import scripted, watch

from rxllm.errors import ConfigurationError, TransportError
from rxllm.items import ReasoningDelta, RefusalDelta, Rollback, Stamped, Started, TextDelta
from rxllm.senders import StdoutSender
from rxllm.turn_items import ToolCompleted, ToolStarted


def written(*items, error: Exception | None = None) -> str:
    file = io.StringIO()
    sender = StdoutSender(file)
    for item in items:
        sender.on_next(item)
    if error is None:
        sender.on_completed()
    else:
        sender.on_error(error)
    assert sender.failure is None
    return file.getvalue()


def test_a_pipe_gets_the_text_and_nothing_else():
    tool = ToolStarted(0, "t"), ToolCompleted(0, "t", 1.0, "done")
    assert written(ReasoningDelta("hm"), TextDelta("a"), *tool, TextDelta("no", 1), TextDelta("b")) == "ab\n"


def test_a_pipe_gets_the_text_unchanged():
    assert written(TextDelta("a\x1b[31mb\r\n")) == "a\x1b[31mb\r\n"


def test_a_refusal_is_text_too():
    assert written(RefusalDelta("I cannot.")) == "I cannot.\n"


def test_what_is_void_is_said_to_be():
    assert written(Started(), TextDelta("wro"), Rollback(2), Started(), TextDelta("right")) == (
        "wro\n[void: the text above is taken back; attempt 2 follows]\nright\n"
    )


def test_nothing_is_void_where_nothing_was_shown():
    assert written(TextDelta("a"), Rollback(2), Rollback(3), TextDelta("b")).count("[void") == 1
    assert written(Rollback(2), TextDelta("b")) == "b\n"


def test_a_failed_stream_ends_its_line():
    assert written(TextDelta("a"), error=TransportError("reset")) == "a\n"


def test_stamped_items_and_text_are_taken_too():
    assert written(Stamped(0, 0.0, TextDelta("a")), "b") == "ab\n"


@pytest.mark.parametrize(("encoding", "told"), [("utf-8", "a?😀b\n"), ("latin-1", "a??b\n")])
def test_a_letter_that_the_file_has_no_word_for_ends_no_answer(encoding, told):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    sender = StdoutSender(file)
    for text in ("a", "\ud83d", "😀", "b"):
        sender.on_next(TextDelta(text))
    sender.on_completed()
    assert (sender.failure, file.buffer.getvalue().decode(encoding)) == (None, told)


def test_it_writes_at_once_to_what_stdout_is_now(capsys):
    sender = StdoutSender()
    sender.on_next(TextDelta("a"))
    assert capsys.readouterr().out == "a"
    assert not sys.stdout.closed


@pytest.mark.parametrize("at", range(3))
def test_a_broken_pipe_fails_the_sender_only(at):
    class Broken(io.StringIO):
        writes = 0

        def write(self, text) -> int:
            self.writes += 1
            if self.writes > at:
                raise BrokenPipeError
            return super().write(text)

    origin, stream = scripted()
    sender = StdoutSender(Broken())
    stream.subscribe(sender)
    seen = watch(stream)
    origin.finish("a", "b", "c")
    assert (seen.text, seen.completed, type(sender.failure.__cause__)) == ("abc", 1, BrokenPipeError)


def test_a_terminal_without_rich_is_a_matter_of_installing_it(monkeypatch):
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setitem(sys.modules, "rxllm.senders.terminal", None)
    with pytest.raises(ConfigurationError, match="pip install"):
        StdoutSender(Tty())
