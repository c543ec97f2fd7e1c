"""`rxllm chat` in a terminal: a conversation, and what Ctrl-C does to it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from misbehaving_server import answer, reset, stall, stream
from rxllm_process import Terminal, event, whole

if TYPE_CHECKING:
    from misbehaving_server import Exchange, MisbehavingServer


async def talk(terminals: list[Terminal], server: MisbehavingServer, *arguments: str) -> Terminal:
    where = ("--model", "openai:gpt", "--base-url", f"{server.url}/v1")
    terminal = await Terminal.open("chat", *where, *arguments)
    terminals.append(terminal)
    return terminal


def messages(exchange: Exchange) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in json.loads(exchange.body)["messages"]]


async def test_each_question_knows_those_before(misbehaving: MisbehavingServer, terminals: list[Terminal]) -> None:
    misbehaving.play(stream(*whole("Hello.")), stream(*whole("Again.")))
    terminal = await talk(terminals, misbehaving, "--system", "Be kind.")
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("Hello.")
    await terminal.seen("finish: stop")
    await terminal.seen("> ")
    terminal.type("And?\n")
    await terminal.seen("Again.")
    await terminal.seen("> ")
    terminal.type("\x04")
    assert await terminal.status() == 0
    assert messages(misbehaving.exchanges[1]) == [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "And?"),
    ]


async def test_ctrl_c_cancels_the_answer_and_the_next_question_works(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    misbehaving.play(stall(event(content="Half an")), stream(*whole("Whole.")))
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("Half an")
    terminal.type("\x03")
    await (await misbehaving.request(0)).gone()
    await terminal.seen("finish: cancelled")
    await terminal.seen("> ")
    terminal.type("Go on\n")
    await terminal.seen("Whole.")
    assert messages(misbehaving.exchanges[1]) == [("user", "Hi"), ("assistant", "Half an"), ("user", "Go on")]
    await terminal.seen("> ")
    terminal.type("\x03")
    assert await terminal.status() == 130
    assert "Traceback" not in terminal.shown


async def test_a_second_ctrl_c_leaves(misbehaving: MisbehavingServer, terminals: list[Terminal]) -> None:
    misbehaving.play(stall(event(content="Half an")))
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("Half an")
    terminal.type("\x03")
    await terminal.seen("> ")
    terminal.type("\x03")
    assert await terminal.status() == 130
    assert "Traceback" not in terminal.shown


async def test_an_error_does_not_end_the_conversation(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    misbehaving.play(answer(503, b'{"error": {"message": "too busy"}}'), stream(*whole("Now.")))
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("too busy")
    await terminal.seen("> ")
    terminal.type("Please\n")
    await terminal.seen("Now.")
    assert messages(misbehaving.exchanges[1]) == [("user", "Please")]


async def test_an_answer_that_failed_half_way_is_not_remembered(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    misbehaving.play(reset(event(content="Half an")), stream(*whole("Now.")))
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("rxllm: ")
    await terminal.seen("> ")
    terminal.type("Please\n")
    await terminal.seen("Now.")
    assert messages(misbehaving.exchanges[1]) == [("user", "Please")]


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    async def one_request_a_connection(exchange: Exchange) -> None:
        await exchange.answer(200, b"".join(whole("Hello.")), {"Content-Type": "text/event-stream"})
        await misbehaving.release.wait()
        exchange.close()

    misbehaving.play(one_request_a_connection)
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("Hello.")
    await terminal.seen("> ")  # its loop stands still from here on
    misbehaving.release.set()
    await misbehaving.no_sockets()
    terminal.type("Hi\n")
    await terminal.seen("Hello.")
    assert misbehaving.connections == 2


async def test_a_missing_key_ends_it_at_once(terminals: list[Terminal]) -> None:
    terminal = await Terminal.open("chat", "--model", "openai:gpt")
    terminals.append(terminal)
    await terminal.seen("> ")
    terminal.type("Hi\n")
    await terminal.seen("OPENAI_API_KEY")
    assert await terminal.status() == 2


async def test_no_control_character_of_the_models_reaches_the_terminal(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    misbehaving.play(stream(event(reasoning_content="h\x1b]0;mm"), *whole("a\x1b[31m\x07\x9bb")))
    terminal = await talk(terminals, misbehaving, "Hi")
    shown = await terminal.seen("a[31mb")
    assert await terminal.status() == 0
    assert "\x1b[2mh]0;mm\x1b[0m" in shown  # dimmed by us, and by nobody else
    assert "\x1b[31m" not in shown


async def test_ctrl_c_ends_a_single_question_with_130(
    misbehaving: MisbehavingServer, terminals: list[Terminal]
) -> None:
    misbehaving.play(stall(event(content="Half an")))
    terminal = await talk(terminals, misbehaving, "Hi")
    await terminal.seen("Half an")
    terminal.type("\x03")
    assert await terminal.status() == 130
    await (await misbehaving.request()).gone()


async def test_sigterm_ends_a_conversation_cleanly(misbehaving: MisbehavingServer, terminals: list[Terminal]) -> None:
    terminal = await talk(terminals, misbehaving)
    await terminal.seen("> ")
    os.kill(terminal.process.pid, signal.SIGTERM)
    assert await terminal.status() == 143
    assert "Traceback" not in terminal.shown
