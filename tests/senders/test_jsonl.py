from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from scripted_origin import scripted, watch

from rxllm.errors import TransportError
from rxllm.items import Finish, Rollback, TextDelta, item_union
from rxllm.senders import JsonlSender
from rxllm.turn_items import ToolCompleted

pytestmark = pytest.mark.usefixtures("nothing_left")
ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


async def test_each_item_is_a_line_that_can_be_read_back(tmp_path):
    origin, stream = scripted()
    sender = JsonlSender(tmp_path / "a.jsonl")
    stream.subscribe(sender)
    origin.finish("a\nb", Rollback(2), "c")
    lines = sender.path.read_bytes().splitlines()
    items = [msgspec.json.decode(line, type=item_union()) for line in lines]
    assert items[:-1] == [TextDelta("a\nb"), Rollback(2), TextDelta("c")]
    assert isinstance(items[-1], Finish)
    assert sender.closed


async def test_a_line_can_be_read_as_soon_as_it_is_sent(tmp_path):
    sender = JsonlSender(tmp_path / "a.jsonl")
    sender.on_next(TextDelta("a"))
    assert sender.path.read_text() == '{"kind":"TextDelta","text":"a"}\n'
    sender.close()


async def test_a_second_answer_is_appended(tmp_path):
    for text in "ab":
        sender = JsonlSender(tmp_path / "a.jsonl")
        sender.on_next(TextDelta(text))
        sender.on_completed()
    assert [json.loads(line)["text"] for line in sender.path.read_text().splitlines()] == ["a", "b"]


async def test_a_failed_stream_ends_with_its_error(tmp_path):
    sender = JsonlSender(tmp_path / "a.jsonl")
    sender.on_error(TransportError("reset"))
    item = msgspec.json.decode(sender.path.read_bytes(), type=item_union())
    assert (item.type, item.data) == ("rxllm.error", {"type": "TransportError", "message": "reset"})


async def test_a_missing_folder_fails_the_sender_only(tmp_path):
    origin, stream = scripted()
    sender = JsonlSender(tmp_path / "missing" / "a.jsonl")
    stream.subscribe(sender)
    seen = watch(stream)
    origin.finish("a")
    assert (seen.text, seen.completed) == ("a", 1)
    assert isinstance(sender.failure.__cause__, FileNotFoundError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
async def test_a_full_disk_fails_the_sender_only():
    origin, stream = scripted()
    sender = JsonlSender("/dev/full")
    stream.subscribe(sender)
    seen = watch(stream)
    origin.finish("a")
    assert (seen.completed, type(sender.failure.__cause__)) == (1, OSError)


async def test_a_sender_that_was_given_nothing_makes_no_file(tmp_path):
    sender = JsonlSender(tmp_path / "a.jsonl")
    sender.on_completed()
    assert not sender.path.exists()


@pytest.mark.parametrize("result", [ENDLESS, {object(): b"\xff"}, "half \ud83d"])
async def test_a_tools_result_may_be_anything(tmp_path, result):
    sender = JsonlSender(tmp_path / "a.jsonl")
    sender.on_next(ToolCompleted(0, "t", 1.0, result))
    sender.on_completed()
    assert (sender.failure, len(sender.path.read_bytes().splitlines())) == (None, 1)
