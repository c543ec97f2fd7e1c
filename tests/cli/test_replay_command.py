"""`rxllm replay`: the final JSON, and every exit status."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from rxllm_process import DONE, USAGE, event, replayed, run, run_all, start, whole

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ["text", "reasoning", "refusal", "tool_calls", "finish_reason", "raw_finish_reason", "usage", "model", "error"]
WIRE = ("--wire", "chat_completions")


async def test_the_text_goes_to_stdout_and_the_statistics_to_stderr(tmp_path: Path) -> None:
    ran = await run("replay", replayed(tmp_path, b"".join(whole("Hello", USAGE))), *WIRE)
    assert (ran.status, ran.out) == (0, "Hello\n")
    assert "finish: stop" in ran.err
    assert "usage: 3 in, 2 out" in ran.err
    assert ran.err.count("\n") == 1


async def test_stdin_may_be_the_recording() -> None:
    ran = await run("replay", "-", "--wire", "chat-completions", stdin=b"".join(whole("Hello")))
    assert (ran.status, ran.out) == (0, "Hello\n")


async def test_the_final_json_has_exactly_its_keys(tmp_path: Path) -> None:
    body = b"".join(whole("Hello", USAGE))
    ran = await run("replay", replayed(tmp_path, body), *WIRE, "--final", "json", "--chunk", "7")
    said = json.loads(ran.out)
    assert list(said) == KEYS
    assert said == {
        "text": "Hello",
        "reasoning": "",
        "refusal": None,
        "tool_calls": [],
        "finish_reason": "stop",
        "raw_finish_reason": "stop",
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        "model": "m1",
        "error": None,
    }
    assert (ran.status, ran.err) == (0, "")


async def test_tool_calls_keep_their_raw_arguments(tmp_path: Path) -> None:
    calls = [
        {"index": n, "id": f"t{n}", "function": {"name": "f", "arguments": raw}}
        for n, raw in enumerate(['{"a": 1}', "", '{"a":', '{"a": NaN}'])
    ]
    body = event(tool_calls=calls) + event(finish_reason="tool_calls") + DONE
    ran = await run("replay", replayed(tmp_path, body), *WIRE, "--final", "json")
    told = [(c["id"], c["name"], c["arguments"], c["arguments_raw"]) for c in json.loads(ran.out)["tool_calls"]]
    assert told == [
        ("t0", "f", {"a": 1}, '{"a": 1}'),
        ("t1", "f", {}, ""),
        ("t2", "f", None, '{"a":'),
        ("t3", "f", None, '{"a": NaN}'),
    ]


async def test_choices_are_told_when_there_are_several(tmp_path: Path) -> None:
    def of(choice: int, **rest: object) -> bytes:
        chunk = {"choices": [{"index": choice, "delta": {}, "finish_reason": None, **rest}]}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    body = b"".join(
        [
            of(0, delta={"content": "zero"}),
            of(1, delta={"refusal": "no"}),
            of(0, finish_reason="stop"),
            of(1, finish_reason="length"),
            DONE,
        ]
    )
    ran = await run("replay", replayed(tmp_path, body), *WIRE, "--final", "json")
    said = json.loads(ran.out)
    assert list(said) == [*KEYS[:-1], "choices", "error"]
    assert [(c["index"], c["text"], c["refusal"], c["finish_reason"]) for c in said["choices"]] == [
        (0, "zero", None, "stop"),
        (1, "", "no", "length"),
    ]


async def test_half_of_a_surrogate_pair_is_printed_somehow(tmp_path: Path) -> None:
    body = rb'data: {"choices": [{"index": 0, "delta": {"content": "a\ud83d"}}]}' + b"\n\n"
    body += event(finish_reason="stop") + DONE
    command = ("replay", replayed(tmp_path, body), *WIRE)
    told, shown = await run_all((*command, "--final", "json"), command)
    assert json.loads(told.out)["text"].startswith("a")
    assert (told.status, shown.status, shown.out[:1]) == (0, 0, "a")


async def test_the_status_tells_how_it_ended_and_the_partial_is_kept(tmp_path: Path) -> None:
    begun = event(content="Hel")
    busy = b'data: {"error": {"message": "busy", "code": "overloaded"}}\n\n'
    ends = {
        "length-is-completed": (begun + event(finish_reason="length") + DONE, 0, None),
        "a-filter-is-completed": (begun + event(finish_reason="content_filter") + DONE, 0, None),
        "the-provider-sent-an-error": (begun + busy, 3, "OverloadedError"),
        "no-marker": (begun + event(finish_reason="stop"), 4, "TruncatedStreamError"),
        "cut": ((begun + event(content="lo"))[:-20], 4, "TruncatedStreamError"),
        "not-decodable": (begun + b"data: {nonsense}\n\n" + DONE, 5, "DecodeError"),
    }
    recordings = [replayed(tmp_path, body, name) for name, (body, _, _) in ends.items()]
    all_ran = await run_all(*[("replay", recording, *WIRE, "--final", "json") for recording in recordings])
    for (name, (_, status, kind)), ran in zip(ends.items(), all_ran, strict=True):
        said = json.loads(ran.out)
        assert (ran.status, said["text"]) == (status, "Hel"), name
        assert (said["error"] or {}).get("type") == kind, name
        assert ran.err.count("\n") == (0 if kind is None else 1), name
        assert "Traceback" not in ran.err, name


async def test_what_cannot_be_decoded_is_shown(tmp_path: Path) -> None:
    ran = await run("replay", replayed(tmp_path, b"data: {nonsense}\n\n"), *WIRE)
    assert ran.status == 5
    assert "It begins: '{nonsense}'" in ran.err
    assert "snippet" not in ran.err
    assert ran.err.count("\n") == 1


async def test_what_came_before_a_bad_end_is_on_stdout(tmp_path: Path) -> None:
    ran = await run("replay", replayed(tmp_path, event(content="Hel")), *WIRE)
    assert (ran.status, ran.out) == (4, "Hel\n")
    assert ran.err.startswith("rxllm: ")
    assert ran.err.count("\n") == 1


async def test_a_truncation_tells_what_can_be_typed_and_not_what_can_be_called(tmp_path: Path) -> None:
    recording = replayed(tmp_path, event(content="Hel"))
    ran = await run("replay", recording, *WIRE, "--final", "json")
    for told in (ran.err, json.loads(ran.out)["error"]["message"]):
        assert "--provider writer" in told
        assert "Decoder(" not in told


async def test_a_provider_that_sends_no_marker_is_taken_at_its_word(tmp_path: Path) -> None:
    recording = replayed(tmp_path, event(content="Hi") + event(finish_reason="stop"))
    ran = await run("replay", recording, *WIRE, "--provider", "writer")
    assert (ran.status, ran.out) == (0, "Hi\n")


async def test_a_usage_error_is_one_line_and_status_2() -> None:
    mistakes = [
        (("replay", "missing.body", *WIRE), "missing.body"),
        (("replay", "-"), "chat_completions"),
        (("replay", "-", "--wire", "nonsense"), "chat_completions"),
        (("replay", "-", "--wire", "sse"), "chat_completions"),
        (("replay", "-", *WIRE, "--provider", "opnai"), "'openai'"),
        (("replay", "-", *WIRE, "--chunk", "0"), "--chunk"),
        (("replay", "-", *WIRE, "--chunk", "few"), "'few' is not a valid whole number"),
        (("replay", "-", *WIRE, "--speed", "nan"), "'nan' is no finite number"),
        (("replay", __file__, *WIRE, "--timing", "--speed", "inf"), "'inf' is no finite number"),
        (("replay", __file__, *WIRE, "--timing"), "has no arrival times"),
        (("replay", __file__, *WIRE, "--timing", "--chunk", "7"), "give one of them"),
        (("replay", "-", *WIRE, "--timing"), "give the file"),
    ]
    all_ran = await run_all(*[arguments for arguments, _ in mistakes], stdin=b"")
    for (arguments, told), ran in zip(mistakes, all_ran, strict=True):
        assert (ran.status, ran.out) == (2, ""), arguments
        assert told in ran.err, arguments
        assert ran.err.startswith("rxllm: "), arguments
        assert ran.err.count("\n") == 1, arguments


async def test_a_slow_replay_comes_piece_by_piece(tmp_path: Path) -> None:
    packets = whole("Hello")
    recording = replayed(tmp_path, b"".join(packets))
    process = await start("replay", recording, *WIRE, "--speed", "0.05", "--chunk", str(len(packets[0])))
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.read(5) == b"Hello"
    assert process.returncode is None  # a second a read: it still waits for the finish
    process.terminate()
    await process.communicate()
    assert process.returncode == 143


async def test_a_recorded_pause_is_kept_unless_it_is_sped_up(tmp_path: Path) -> None:
    packets = whole("Hello")
    recording = replayed(tmp_path, b"".join(packets))
    times = [[0.01, len(packets[0])], [60, sum(map(len, packets[1:]))]]
    (tmp_path / "recording.body.reads.json").write_text(json.dumps(times), "utf-8")
    process = await start("replay", recording, *WIRE, "--timing")
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.read(5) == b"Hello"
    assert process.returncode is None  # a minute is not over
    process.terminate()
    await process.communicate()
    assert process.returncode == 143
    ran = await run("replay", recording, *WIRE, "--timing", "--speed", "1000")
    assert (ran.status, ran.out) == (0, "Hello\n")
