"""The other commands, and `rxllm` itself."""

from __future__ import annotations

import importlib.util
import json
import os
from typing import TYPE_CHECKING

import pytest
from misbehaving_server import answer
from rxllm_process import Terminal, replayed, run, run_all, run_unread, whole

from rxllm.cli.outcome import in_options
from rxllm.errors import ConfigurationError
from rxllm.model import Model
from rxllm.providers import PROVIDERS

if TYPE_CHECKING:
    from pathlib import Path

    from misbehaving_server import MisbehavingServer

real_model = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None and not os.environ.get("CI"),
    reason="llama.cpp is not installed: pip install 'rxllm[local]'",
)


async def test_providers_are_listed_plainly_and_without_their_keys() -> None:
    ran = await run("providers", OPENAI_API_KEY="sk-secret")
    rows = {line.split()[0]: line for line in ran.out.splitlines()[1:]}
    assert ran.status == 0
    assert set(rows) == set(PROVIDERS)
    assert rows["openai"].split() == ["openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "yes"]
    assert rows["groq"].endswith("no")
    assert rows["llama_cpp"].endswith("not needed")
    assert "secret" not in ran.out + ran.err


async def test_providers_as_json() -> None:
    ran = await run("providers", "--json", OPENAI_API_KEY="sk-secret")
    rows = {row["name"]: row for row in json.loads(ran.out)}
    assert (rows["openai"]["key_set"], rows["groq"]["key_set"]) == (True, False)
    assert "secret" not in ran.out


async def test_providers_are_a_table_in_a_terminal(terminals: list[Terminal]) -> None:
    terminal = await Terminal.open("providers")
    terminals.append(terminal)
    await terminal.seen("perplexity")
    assert await terminal.status() == 0


@pytest.mark.parametrize(
    ("script", "status", "told"),
    [
        (answer(200, b'{"data": [{"id": "m1"}, {"id": "m2"}]}'), 0, "m2"),
        (answer(401, b'{"error": {"message": "Incorrect key"}}'), 3, "Incorrect key"),
        (answer(500, b'{"error": {"message": "broken"}}'), 3, "broken"),
        (answer(200, b"<html>"), 3, "--base-url"),
    ],
)
async def test_health_tells_what_the_server_says(
    misbehaving: MisbehavingServer, script: object, status: int, told: str
) -> None:
    misbehaving.play(script)
    ran = await run("health", "--model", "llama_cpp", "--base-url", f"{misbehaving.url}/v1")
    assert ran.status == status
    assert told in (ran.err if status else ran.out)
    assert ran.err.count("\n") == (1 if status else 0)


async def test_health_of_a_server_that_is_not_there_is_status_6() -> None:
    ran = await run("health", "--model", "llama_cpp", "--base-url", "http://127.0.0.1:1/v1")
    assert (ran.status, ran.out) == (6, "")
    assert "Is the server running?" in ran.err


@real_model
async def test_the_demo_runs_on_the_real_model() -> None:
    ran = await run("demo")
    assert (ran.status, ran.err) == (0, "")
    for told in ("llama.cpp", "tokens/s", "first token after", "finish_reason", "usage", "timing"):
        assert told in ran.out


@real_model
async def test_chat_without_options_asks_the_real_model() -> None:
    ran = await run("chat", "--max-tokens", "5", "--final", "json", "In", "the", "beginning")
    said = json.loads(ran.out)
    assert (ran.status, said["error"], said["model"]) == (0, None, "tiny-kjv-chat")
    assert said["usage"]["input_tokens"] > 0


async def test_help_and_version_are_answers_and_not_errors() -> None:
    for ran in await run_all((), ("--help",), ("--version",), ("chat", "--help")):
        assert (ran.status, ran.err) == (0, "")
        assert "rxllm" in ran.out


async def test_a_closed_stdout_is_no_error() -> None:
    closing = "import os, sys; os.close(1); sys.stdout = None; from rxllm.__main__ import main; main()"
    ran = await run("providers", python=("-c", closing))
    assert ran == (0, "", "")


@pytest.mark.parametrize("command", [("chat", "--help"), ("providers",), ("providers", "--json")])
async def test_a_reader_that_has_gone_is_status_141_and_no_complaint(command: tuple[str, ...]) -> None:
    assert await run_unread(*command) == (141, b"")


@pytest.mark.parametrize("final", ["text", "json"])
async def test_a_reader_that_has_gone_ends_an_answer_with_141(tmp_path: Path, final: str) -> None:
    recording = replayed(tmp_path, b"".join(whole("Hello")))
    ran = await run_unread("replay", recording, "--wire", "chat_completions", "--final", final)
    assert ran == (141, b"")


@pytest.mark.parametrize("module", ["loguru", "click", "aiohttp", "rxllm.cli.replay"])
async def test_ctrl_c_while_it_is_still_importing_is_130_and_silent(module: str) -> None:
    interrupted = f"""
import os, signal, sys
class CtrlC:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC)
from rxllm.__main__ import main
main()
"""
    assert await run("rxllm", python=("-c", interrupted)) == (130, "", "")


async def test_an_unknown_command_is_one_line_and_status_2() -> None:
    ran = await run("chta")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "'chat'" in ran.err


async def test_without_its_extra_the_command_names_it() -> None:
    hidden = "import sys; sys.modules['click'] = None; from rxllm.__main__ import main; main()"
    ran = await run(python=("-c", hidden))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "pip install 'rxllm[cli]'" in ran.err


@pytest.mark.parametrize(("arguments", "traceback"), [((), False), (("--debug",), True)])
async def test_an_unexpected_error_is_one_line_and_its_traceback_comes_when_asked_for(
    *, arguments: tuple[str, ...], traceback: bool
) -> None:
    broken = "import rxllm.cli.providers as p; p.PROVIDERS = None; from rxllm.__main__ import main; main()"
    ran = await run("providers", *arguments, python=("-c", broken))
    assert ran.status == 1
    assert ran.err.startswith("rxllm: unexpected AttributeError")
    assert ("Traceback" in ran.err) is traceback
    assert traceback or ran.err.count("\n") == 1


async def test_a_closed_stdin_is_an_empty_one() -> None:
    closed = (
        "-c",
        "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable, '-m', 'rxllm', *sys.argv[1:]])",
    )
    asked = await run("chat", python=closed)
    assert (asked.status, asked.out, "The prompt is empty" in asked.err) == (2, "", True)
    replayed = await run("replay", "-", "--wire", "chat_completions", python=closed)
    assert (replayed.status, replayed.out, replayed.err.count("\n")) == (4, "", 1)


def test_what_the_embedded_model_is_not_is_told_with_the_option_for_other_weights():
    with pytest.raises(ConfigurationError) as told:
        Model("local:foo")
    assert "--gguf FILE.gguf" in in_options(told.value)
    assert "gguf=" not in in_options(told.value)
