"""The embedded model's server: a real llama.cpp in a child process, and how it ends."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from rxllm.errors import ConfigurationError, ConnectTimeout
from rxllm.local import EMBEDDED_MODEL, LocalServer, shared_server

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0  # seconds: a bound, not a wait
NO_REASONING = {"chat_template_kwargs": {"enable_thinking": False}}  # else it may fill the few tokens asked for

STARTS_A_SERVER = """
import asyncio, sys
from rxllm.local import LocalServer
server = LocalServer()
print(asyncio.run(server.url()), server.pid, flush=True)
sys.stdin.read()
"""
FORKS_AFTER_THE_START = """
import asyncio, os, sys
from rxllm.local import LocalServer
server = LocalServer()
url, pid = asyncio.run(server.url()), server.pid
fork = os.fork()
if not fork:
    server.close()
    sys.exit(0)
os.waitpid(fork, 0)
print(server.pid == pid)
"""


def is_listed(pid: int) -> bool:
    """Tell whether the system knows a process, a zombie too."""
    return Path(f"/proc/{pid}").exists()


def is_running(pid: int) -> bool:
    """Tell whether a process runs: an orphan that nobody reaps is a zombie, and has ended all the same."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


async def ask(url: str, **body: Any) -> dict[str, Any]:
    request = {"messages": [{"role": "user", "content": "Tell me of water."}], "max_tokens": 8, **NO_REASONING, **body}
    patience = aiohttp.ClientTimeout(PATIENCE)
    async with (
        aiohttp.ClientSession(timeout=patience) as session,
        session.post(url + "/chat/completions", json=request) as response,
    ):
        assert response.status == 200
        return await response.json()


def parent_with_a_server() -> tuple[subprocess.Popen[str], int]:
    """Give a process that has started a local server and waits for its stdin to end, and its server's pid."""
    parent = subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", STARTS_A_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    _, pid = parent.stdout.readline().split()
    assert is_running(int(pid))
    return parent, int(pid)


async def test_it_answers_a_chat_completion(local_url: str):
    answer = await ask(local_url)

    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] <= 8
    assert answer["model"] == EMBEDDED_MODEL


async def test_a_second_use_shares_the_process(local_url: str):
    server = shared_server()
    pid = server.pid

    assert await server.url() == local_url
    assert server.pid == pid


async def test_concurrent_callers_share_one_start(real_model: None, monkeypatch: pytest.MonkeyPatch):
    started: list[Any] = []
    popen = subprocess.Popen

    def counted(*args: Any, **kwargs: Any) -> Any:
        started.append(args)
        return popen(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", counted)
    with closing(LocalServer()) as server:
        urls = await asyncio.gather(*[server.url() for _ in range(50)])

    assert len(set(urls)) == 1
    assert len(started) == 1


async def test_starting_does_not_block_the_loop(real_model: None):
    with closing(LocalServer()) as server:
        start = asyncio.ensure_future(server.url())
        longest = 0.0
        while not start.done():
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)
            await asyncio.sleep(0.001)

        assert (await start).endswith("/v1")
        assert longest < 0.1


def test_two_loops_one_after_the_other_share_the_server(real_model: None):
    with closing(LocalServer()) as server:
        with asyncio.Runner() as first:
            url = first.run(server.url())
        with asyncio.Runner() as second:
            assert second.run(server.url()) == url
            assert second.run(ask(url))["choices"]


async def test_close_ends_the_child_and_leaves_nothing(real_model: None):
    server = LocalServer()
    await server.url()
    child = server._child
    assert child

    server.close()

    assert not is_listed(child.process.pid)
    assert server.pid is None
    assert not child.reader.is_alive()
    assert all(p is None or p.closed for p in (child.process.stdin, child.process.stdout, child.process.stderr))
    server.close()


async def test_close_does_not_wait_for_an_answer_in_progress(real_model: None):
    server = LocalServer()
    url = await server.url()
    body = {"messages": [{"role": "user", "content": "Go on."}], "stream": True, "ignore_eos": True, "max_tokens": 7000}
    async with aiohttp.ClientSession() as session, session.post(url + "/chat/completions", json=body) as response:
        await response.content.readany()
        before = time.monotonic()
        server.close()

        assert time.monotonic() - before < 1.5


async def test_a_forgotten_server_ends_its_child(real_model: None):
    server = LocalServer()
    await server.url()
    pid = server.pid
    assert pid

    del server

    assert wait_until(lambda: not is_running(pid))


async def test_a_closed_server_starts_again_when_it_is_used(real_model: None):
    with closing(LocalServer()) as server:
        await server.url()
        server.close()

        assert (await ask(await server.url()))["choices"]


async def test_a_child_that_died_leaves_no_zombie_and_is_replaced(real_model: None):
    with closing(LocalServer()) as server:
        await server.url()
        pid = server.pid
        assert pid
        os.kill(pid, signal.SIGKILL)

        assert wait_until(lambda: not is_listed(pid))
        assert server.pid is None
        assert (await ask(await server.url()))["choices"]


def test_it_ends_when_its_parent_exits(real_model: None):
    parent, pid = parent_with_a_server()
    with parent:
        assert parent.stdin
        parent.stdin.close()
        assert parent.wait(PATIENCE) == 0

    assert not is_running(pid)


def test_it_ends_when_its_parent_is_killed(real_model: None):
    parent, pid = parent_with_a_server()
    with parent:
        parent.kill()
        parent.wait(PATIENCE)

    assert wait_until(lambda: not is_running(pid))


async def test_ctrl_c_does_not_end_it(real_model: None):
    with closing(LocalServer()) as server:
        url = await server.url()
        assert server.pid
        assert os.getpgid(server.pid) != os.getpgid(0)

        os.killpg(os.getpgid(server.pid), signal.SIGINT)

        assert (await ask(url))["choices"]
        assert await server.url() == url


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_that_closes_its_copy_does_not_end_the_server(real_model: None):
    run = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", FORKS_AFTER_THE_START], capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert run.stdout.split() == ["True"], run.stderr


def test_nothing_is_written_to_the_terminal(real_model: None, capfd: pytest.CaptureFixture[str]):
    with closing(LocalServer()) as server, asyncio.Runner() as runner:
        runner.run(ask(runner.run(server.url())))

    assert capfd.readouterr() == ("", "")


async def test_a_page_of_another_origin_may_not_read_it(local_url: str):
    health = local_url.removesuffix("/v1") + "/health"
    async with (
        aiohttp.ClientSession() as session,
        session.get(health, headers={"Origin": "http://example.com"}) as response,
    ):
        assert response.headers.get("Access-Control-Allow-Origin", "") == ""


async def test_a_missing_file_is_named(real_model: None, tmp_path: Path):
    path = tmp_path / "missing.gguf"

    with pytest.raises(ConfigurationError, match=r"missing\.gguf.*No such file"):
        await LocalServer(path).url()


async def test_a_file_that_is_not_gguf_is_named_before_anything_starts(real_model: None, tmp_path: Path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"PK\x03\x04 a zip")
    server = LocalServer(path)

    with pytest.raises(ConfigurationError, match=r"model\.gguf.*not in GGUF format"):
        await server.url()


async def test_a_broken_gguf_is_told_in_llama_cpps_own_words(real_model: None, tmp_path: Path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(LocalServer().gguf.read_bytes()[:100_000])
    server = LocalServer(path)

    with pytest.raises(ConfigurationError, match=r"broken\.gguf[\s\S]*corrupted or incomplete"):
        await server.url()
    assert server.pid is None


async def test_a_start_that_takes_too_long_is_ended(real_model: None):
    server = LocalServer(start_timeout=0.01)

    with pytest.raises(ConnectTimeout, match="start_timeout") as caught:
        await server.url()
    assert caught.value.seconds == 0.01
    assert server.pid is None


async def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigurationError, match=r"pip install 'rxllm\[local\]'"):
        await LocalServer().url()


def test_a_number_below_one_is_refused():
    with pytest.raises(ConfigurationError, match="`parallel` of a local model is 0"):
        LocalServer(parallel=0)


def test_equal_settings_share_a_server_and_others_do_not():
    assert shared_server() is shared_server()
    assert shared_server(context=4096) is not shared_server()
