"""What a model is made with: whatever is wrong is told at once, in one way, before a byte is sent."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from rxllm import ConfigurationError, Model, Provider, TruncatedStreamError
from rxllm.testing import ReplayTransport
from rxllm.wire import chat_completions


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": None}, "Model.name: got None, expected 'provider:model'"),
        ({"name": 3}, "Model.name: got 3"),
        ({"name": "opnai:x"}, "Did you mean 'openai'"),
        ({"wire": "grpc"}, "Available: anthropic, chat_completions"),
        ({"wire": 3}, "Model.wire: got 3, expected the name of a format"),
        ({"timeouts": 5}, r"Model.timeouts: got 5, expected Timeouts, a dict of its fields, e.g. \{'total': 60\}"),
        ({"timeouts": math.inf}, "Model.timeouts: got inf"),
        ({"timeouts": [1]}, "Model.timeouts: got a value of type list"),
        ({"timeouts": {"conect": 1}}, "Model.timeouts: unknown field 'conect'. Did you mean 'connect'"),
        ({"timeouts": {"total": -1}}, "Model.timeouts.total: got -1, expected a positive number of seconds"),
        ({"retry": 3}, r"Model.retry: got 3, expected a Retry, e.g. Retry\(attempts=3\)"),
        ({"headers": {"A": 3}}, "Model.headers.A: got 3, expected a str of one line"),
        ({"headers": {"A": "x\ny"}}, "expected a str of one line"),
        ({"headers": {"A b": "x"}}, "expected the name of a header"),
        ({"headers": "x"}, "Model.headers: got a value of type str"),
        ({"api_key": 5}, "Model.api_key: got 5, expected the key as a str"),
        ({"base_url": 5}, "Model.base_url: got 5, expected a URL"),
        ({"base_url": ""}, "expected a URL that begins with http"),
        ({"base_url": "localhost:8080/v1"}, "expected a URL that begins with http"),
        ({"transport": 5}, "Model.transport: got 5, expected a transport"),
        ({"transport": Path()}, "Model.transport: got a value of type \\w*Path"),
        ({"ssl": 5}, "ssl=5 is no bundle of certificates"),
        ({"ssl": ""}, "ssl='' is no bundle of certificates"),
        ({"record": 5}, "Model.record: got 5, expected the path of a file"),
        ({"path": "a.sse"}, "a.sse cannot be read"),
        ({"gguf": "a.gguf"}, "gguf= is for the provider local"),
        ({"name": "replay"}, "give its path="),
        ({"name": "replay", "path": 3}, "Model.path: got 3"),
        ({"name": "replay", "path": "a.sse", "timing": "1"}, "Model.timing: .* expected 1.0 for as recorded"),
        ({"name": "local:foo"}, "'tiny-kjv-chat', and not 'foo'. .* gguf="),
        ({"temprature": 1}, r"unknown field 'temprature'. Did you mean 'temperature'.* extra=\{"),
        ({"timeout": 1}, "unknown field 'timeout'. Did you mean 'timeouts'"),
        ({"messages": []}, "unknown field 'messages'"),
        ({"extra": {"x": object()}}, "extra.x is of type object, which JSON has no word for"),
        ({"tools": [{"name": "f", "parameters": {"x": math.nan}}]}, r"tools\[0\].parameters.x is nan"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_told_before_a_byte_is_sent(wrong, says):
    with pytest.raises(ConfigurationError, match=rf"(?s){says}"):
        Model(**{"name": "openai:x", **wrong})


def test_what_is_wrong_is_told_without_the_key():
    with pytest.raises(ConfigurationError) as caught:
        Model("openai:x", api_key=b"sk-secret", headers={"Authorization": "sk-secret\n"}, base_url="sk-secret")
    assert "sk-secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["local", "local:tiny-kjv-chat"])
def test_the_embedded_model_may_be_named(name):
    assert Model(name).full_name == "local:tiny-kjv-chat"


def test_weights_of_ones_own_give_the_model_its_name():
    assert Model("local", gguf="/models/qwen.gguf").full_name == "local:qwen"
    assert Model("local:mine", gguf="/models/qwen.gguf").full_name == "local:mine"


def test_a_model_behind_another_transport_may_have_any_name():
    assert Model("local:foo", transport=ReplayTransport(b"")).full_name == "local:foo"


async def test_a_provider_of_ones_own_has_a_default_model_or_is_told():
    provider = Provider(name="mine", base_url="http://127.0.0.1:9/v1", wire=chat_completions, key_required=False)
    with pytest.raises(ConfigurationError, match="default_model"):
        Model(provider).stream("Hi")


async def test_what_a_format_cannot_say_is_told_with_the_model():
    model = Model("anthropic:claude", base_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=r"^anthropic:claude: seed cannot be said"):
        model.stream("Hi", seed=3)


@pytest.mark.parametrize("prompt", ["\ud800", [{"role": "user", "content": [{"type": "text", "text": "a\udc00"}]}]])
async def test_half_a_surrogate_pair_is_told_with_its_place(prompt):
    with pytest.raises(ConfigurationError, match=r"openai:x: messages\[0\].content.* surrogate pair"):
        Model("openai:x", base_url="http://127.0.0.1:9/v1").stream(prompt)


async def test_a_header_of_the_user_stands_in_place_of_ours(misbehaving):
    headers = {"authorization": "Basic mine", "ACCEPT": "text/plain"}
    async with Model("openai:x", base_url=misbehaving.url, api_key="sk-ours", headers=headers) as model:
        await model.health()
    sent = (await misbehaving.request()).headers
    assert (sent.getall("Authorization"), sent.getall("Accept")) == (["Basic mine"], ["text/plain"])


@pytest.mark.parametrize(
    ("name", "base", "path", "query"),
    [
        ("openai:m", "/deployments/d?api-version=1", "/deployments/d/chat/completions", {"api-version": "1"}),
        ("gemini:m", "/v1beta/?tenant=a", "/v1beta/models/m:streamGenerateContent", {"alt": "sse", "tenant": "a"}),
        ("anthropic:m", "/v1/", "/v1/messages", {}),
    ],
)
async def test_a_query_of_the_base_url_stands_behind_the_path(misbehaving, name, base, path, query):
    async with Model(name, base_url=misbehaving.url + base, api_key="k") as model:
        with pytest.raises(TruncatedStreamError):
            await model.stream("Hi")
    sent = await misbehaving.request()
    assert (sent.path, sent.query) == (path, query)
