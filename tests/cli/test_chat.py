"""`rxllm chat` with one question, against a real server."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from misbehaving_server import answer, reset, stall, stream
from rxllm_process import PATIENCE, ROOT, USAGE, environment, event, run, run_all, start, whole

if TYPE_CHECKING:
    from pathlib import Path

    from misbehaving_server import MisbehavingServer


def ask(server: MisbehavingServer, *arguments: str) -> tuple[str, ...]:
    return ("chat", "--model", "openai:gpt", "--base-url", f"{server.url}/v1", *arguments)


async def test_tokens_leave_the_pipe_as_they_arrive(misbehaving: MisbehavingServer) -> None:
    misbehaving.play(stall(event(content="Hel")))
    process = await start(*ask(misbehaving, "Hi"))
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.read(3) == b"Hel"  # while the server still holds the rest back
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 143
    await (await misbehaving.request()).gone()


async def test_piped_output_is_the_text_unchanged_and_a_line_end(misbehaving: MisbehavingServer) -> None:
    misbehaving.play(stream(event(reasoning_content="hmm"), *whole("a\x1b[31mb", USAGE)))
    ran = await run(*ask(misbehaving, "Hi"))
    assert (ran.status, ran.out) == (0, "a\x1b[31mb\n")
    assert "first token after" in ran.err
    assert "usage: 3 in, 2 out" in ran.err
    assert misbehaving.requests == 1


async def test_output_may_go_into_a_file(misbehaving: MisbehavingServer, tmp_path: Path) -> None:
    misbehaving.play(stream(*whole("Grüße")))
    with (tmp_path / "out").open("wb") as file:
        process = await start(*ask(misbehaving, "Hi"), stdout=file.fileno())
        await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert (tmp_path / "out").read_text("utf-8") == "Grüße\n"


async def test_a_full_disk_is_told(misbehaving: MisbehavingServer) -> None:
    misbehaving.play(stall(event(content="Hel")))
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230, PTH123 - a device
        process = await start(*ask(misbehaving, "Hi"), stdout=full.fileno())
        _, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 1
    assert b"the output cannot be written: No space left" in err
    assert err.count(b"\n") == 1


async def test_the_options_are_sent(misbehaving: MisbehavingServer) -> None:
    misbehaving.play(stream(*whole("ok")))
    options = ("--system", "Be brief.", "--temperature", "0.5", "--max-tokens", "7")
    ran = await run(*ask(misbehaving, *options, "Why?"), OPENAI_API_KEY="sk-secret")
    exchange = await misbehaving.request()
    sent = json.loads(exchange.body)
    assert ran.status == 0
    assert exchange.path == "/v1/chat/completions"
    assert exchange.headers["Authorization"] == "Bearer sk-secret"
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert sent["temperature"] == 0.5
    assert 7 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


@pytest.mark.parametrize("arguments", [(), ("-",)])
async def test_a_piped_stdin_is_the_prompt(misbehaving: MisbehavingServer, arguments: tuple[str, ...]) -> None:
    misbehaving.play(stream(*whole("ok")))
    await run(*ask(misbehaving, *arguments), stdin=b"Warum?\n")
    assert json.loads((await misbehaving.request()).body)["messages"][-1]["content"] == "Warum?"


async def test_a_reader_that_has_enough_ends_it_quietly(misbehaving: MisbehavingServer) -> None:
    async def endless(exchange):
        while not exchange.closed.is_set():
            await exchange.send(event(content="word "))
            await asyncio.sleep(0.005)  # a model's pace

    misbehaving.play(endless)
    command = " ".join([sys.executable, "-m", "rxllm", *ask(misbehaving, "Hi")])
    process = await asyncio.create_subprocess_shell(
        f"{{ {command}; echo status $? >&2; }} | head -c 1",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (out, err) == (b"w", b"status 141\n")
    await (await misbehaving.request()).gone()


@pytest.mark.parametrize("final", ["text", "json"])
async def test_ctrl_c_keeps_what_came_and_closes_the_socket(misbehaving: MisbehavingServer, final: str) -> None:
    misbehaving.play(stall(event(content="Hel")))
    process = await start(*ask(misbehaving, "--final", final, "Hi"))
    exchange = await misbehaving.request(within=PATIENCE)
    assert process.stdout is not None
    if final == "text":
        assert await asyncio.wait_for(process.stdout.read(3), PATIENCE) == b"Hel"
    process.send_signal(signal.SIGINT)
    await exchange.gone()
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in err
    if final == "text":
        assert out == b"\n"
    else:
        said = json.loads(out)
        assert (said["finish_reason"], said["error"]) == ("cancelled", None)


@pytest.mark.parametrize(
    ("script", "status", "told"),
    [
        pytest.param(
            answer(401, b'{"error": {"message": "Incorrect key"}}'), 3, "Incorrect key", id="the-key-is-refused"
        ),
        pytest.param(
            answer(404, b'{"error": {"message": "No such model", "code": "model_not_found"}}'),
            3,
            "No such model",
            id="the-model-is-unknown",
        ),
        pytest.param(stream(event(content="Hel")), 4, "rxllm: ", id="it-ends-too-early"),
        pytest.param(stream(b"data: <html>\n\n"), 5, "rxllm: ", id="it-is-no-json"),
        pytest.param(reset(event(content="Hel")), 6, "rxllm: ", id="the-connection-is-reset"),
    ],
)
async def test_each_bad_end_is_one_line_and_its_status(
    misbehaving: MisbehavingServer, script: object, status: int, told: str
) -> None:
    misbehaving.play(script)
    ran = await run(*ask(misbehaving, "Hi"), OPENAI_API_KEY="sk-secret")
    assert ran.status == status
    assert told in ran.err
    assert ran.err.startswith("rxllm: ")
    assert ran.err.count("\n") == 1
    assert "sk-secret" not in ran.err


async def test_the_time_out_is_for_the_whole(misbehaving: MisbehavingServer) -> None:
    misbehaving.play(stall(event(content="Hel")))
    ran = await run(*ask(misbehaving, "--timeout", "0.3", "Hi"))
    assert (ran.status, ran.out) == (6, "Hel\n")
    assert "Raise --timeout, or ask for less with --max-tokens." in ran.err
    assert ran.err.count("\n") == 1


async def test_a_newcomers_mistake_is_one_clear_line() -> None:
    mistakes = [
        (("--model", "opnai:gpt", "Hi"), 2, "Did you mean 'openai'"),
        (("--model", "openai:gpt", "Hi"), 2, "OPENAI_API_KEY"),
        (("--model", "openai", "Hi"), 2, "openai:MODEL"),
        (("--model", "azure:gpt", "Hi"), 2, "--base-url"),
        (("--model", "llama_cpp", "--base-url", "http://127.0.0.1:1/v1", "Hi"), 6, "Is the server running?"),
        (("--model", "llama_cpp", "--base-url", "nonsense", "Hi"), 2, "--base-url"),
        (("--temprature", "1", "Hi"), 2, "--temperature"),
        (("--temperature", "hot", "Hi"), 2, "--temperature"),
        (("--timeout", "0", "Hi"), 2, "--timeout"),
        (("--timeout", "nan", "Hi"), 2, "'nan' is no finite number"),
        (("--timeout", "soon", "Hi"), 2, "'soon' is not a valid number"),
        (("--temperature", "inf", "Hi"), 2, "'inf' is no finite number"),
        (("--gguf", "missing.gguf", "Hi"), 2, "missing.gguf"),
        (("--gguf", __file__, "Hi"), 2, "GGUF"),
        (("--gguf", __file__, "--model", "openai:gpt", "Hi"), 2, "--gguf"),
        (("--ca", "missing.pem", "--model", "openai:gpt", "Hi"), 2, "'missing.pem' does not exist"),
        (("--ca", __file__, "--model", "openai:gpt", "Hi"), 2, "expected the path of a PEM file"),
        (("--record", "nowhere/a.sse", "--model", "llama_cpp", "Hi"), 2, "cannot be written"),
        (("--model", "replay", "Hi"), 2, "rxllm replay FILE"),
        (("  ",), 2, "empty"),
        ((), 2, "empty"),
    ]
    all_ran = await run_all(*[("chat", *arguments) for arguments, _, _ in mistakes])
    for (arguments, status, told), ran in zip(mistakes, all_ran, strict=True):
        assert (ran.status, ran.out) == (status, ""), arguments
        assert told in ran.err, arguments
        assert "ssl=" not in ran.err, arguments
        assert ran.err.startswith("rxllm: "), arguments
        assert ran.err.count("\n") == 1, arguments


async def test_a_recorded_answer_can_be_replayed(misbehaving: MisbehavingServer, tmp_path: Path) -> None:
    misbehaving.play(stream(*whole("Grüße", USAGE)))
    recording = tmp_path / "answer.sse"
    told = await run(*ask(misbehaving, "--record", str(recording), "My prompt"), OPENAI_API_KEY="sk-secret")
    again = await run("replay", str(recording), "--wire", "chat_completions", "--timing")
    assert [(ran.status, ran.out) for ran in (told, again)] == [(0, "Grüße\n")] * 2
    written = recording.read_bytes() + recording.with_name("answer.sse.reads.json").read_bytes()
    assert recording.read_bytes() == b"".join(whole("Grüße", USAGE))
    assert [word for word in (b"sk-secret", b"My prompt") if word in written] == []
