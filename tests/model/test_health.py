"""A look at a server: whatever it says is a finding, never an exception."""

from __future__ import annotations

import asyncio
import json

import pytest
from misbehaving_server import answer, close_early, hold_head, stall

from rxllm import Health, Model
from rxllm.testing import ReplayTransport


async def look(server, script, *, api_key: str | None = "sk-secret") -> Health:
    server.play(script)
    async with Model("openai:m", base_url=server.url, api_key=api_key) as model:
        return await model.health()


@pytest.mark.parametrize(
    "listing",
    [{"data": [{"id": "a"}, {"id": "b"}]}, {"models": [{"name": "a"}, {"name": "b"}]}, [{"id": "a"}, {"id": "b"}]],
)
async def test_a_list_of_models_is_health(misbehaving, listing):
    health = await look(misbehaving, answer(200, json.dumps(listing).encode()))
    assert health == Health(answers=True, key_accepted=True, models=["a", "b"], detail="ok", ok=True)


async def test_a_server_without_models_is_healthy(misbehaving):
    assert (await look(misbehaving, answer(200, b'{"data": []}'))).ok


async def test_a_key_that_was_not_sent_was_not_accepted(misbehaving, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    health = await look(misbehaving, answer(200, b'{"data": [{"id": "a"}]}'), api_key=None)
    assert (health.ok, health.key_accepted, health.models) == (True, None, ["a"])


async def test_a_key_that_was_not_sent_was_not_refused(misbehaving, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    health = await look(misbehaving, answer(401, b'{"error": {"message": "No key"}}'), api_key=None)
    assert (health.ok, health.answers, health.key_accepted, health.detail) == (False, True, None, "No key")


async def test_a_refused_key_is_told(misbehaving):
    health = await look(misbehaving, answer(401, b'{"error": {"message": "Bad key sk-secret"}}'))
    assert health == Health(answers=True, key_accepted=False, models=[], detail="Bad key ***")


async def test_an_error_under_200_is_no_health(misbehaving):
    health = await look(misbehaving, answer(200, b'{"error": {"message": "Down for sk-secret"}}'))
    assert (health.ok, health.answers, health.key_accepted, health.models) == (False, True, None, [])
    assert health.detail.startswith("Down for ***")


async def test_a_refused_key_under_200_is_told(misbehaving):
    body = b'{"error": {"message": "no", "code": "invalid_api_key"}}'
    assert (await look(misbehaving, answer(200, body))).key_accepted is False


@pytest.mark.parametrize(
    "body", [b"<html><h1>Welcome</h1> to sk-secret</html>", b"sk-secret \xff", b"", b"{}", b"3", b'{"data": 3}']
)
async def test_what_is_no_list_of_models_is_a_finding(misbehaving, body):
    health = await look(misbehaving, answer(200, body))
    assert (health.ok, health.answers, health.key_accepted, health.models) == (False, True, None, [])
    assert "Expected a list of models; a base_url usually ends in /v1." in health.detail
    assert "sk-secret" not in health.detail


async def test_a_server_that_has_no_such_list_is_a_finding(misbehaving):
    health = await look(misbehaving, answer(404, b"Not here"))
    assert (health.ok, health.answers, health.key_accepted) == (False, True, None)
    assert "Not here" in health.detail


async def test_a_server_that_breaks_off_does_not_answer(misbehaving):
    health = await look(misbehaving, close_early())
    assert (health.ok, health.answers, health.key_accepted) == (False, False, None)


async def test_a_server_that_is_not_there_does_not_answer():
    async with Model("llama_cpp:m", base_url="http://127.0.0.1:9/v1") as model:
        health = await model.health()
    assert (health.ok, health.answers, health.key_accepted, health.models) == (False, False, None, [])


async def test_a_recording_is_no_server():
    health = await Model("openai:m", transport=ReplayTransport(b"")).health()
    assert (health.ok, health.detail) == (False, "not a server: ReplayTransport")


@pytest.mark.parametrize("script", [hold_head(), stall(b'{"data": [')], ids=["no head", "half a body"])
async def test_a_server_that_never_answers_is_told_after_the_total_limit(misbehaving, script):
    misbehaving.play(script)
    async with Model("openai:m", base_url=misbehaving.url, timeouts={"total": 0.05}) as model:
        health = await asyncio.wait_for(model.health(), 5)
    assert (health.ok, health.answers, health.models) == (False, False, [])
    assert "0.05 s" in health.detail
    await misbehaving.no_sockets()
