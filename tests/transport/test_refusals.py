"""Responses that are not 2xx, in the shapes that providers give them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rxllm.errors import (
    AuthenticationError,
    ContentFilterError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    RateLimitError,
)
from rxllm.transport.exchange import HttpRequest
from rxllm.transport.refusals import refusal, secrets_of


def refused(status: int, body: object = b"", headers: dict[str, str] | None = None, **more) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return refusal(status, headers or {}, raw, place="api.example:443", **more)


OPENAI = {
    "error": {"message": "No such model", "type": "invalid_request_error", "param": None, "code": "model_not_found"}
}
OPENAI_NO_KEY = {"error": {"message": "You gave no key", "type": "invalid_request_error", "param": None, "code": None}}
AZURE = {
    "error": {"message": "Filtered", "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}
}
ANTHROPIC = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_9"}
GEMINI = {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}
GEMINI_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "ErrorInfo", "reason": "API_KEY_INVALID"}, {"@type": "LocalizedMessage"}],
    }
}
LLAMA = {"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error", "n_ctx": 256}}
VLLM = {"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}
FASTAPI = {"detail": [{"loc": ["body", "messages", 0], "msg": "Field required", "type": "missing"}, {"msg": "No"}]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "message", "code"),
    [
        (404, OPENAI, InvalidRequestError, "No such model", "model_not_found"),
        (401, OPENAI_NO_KEY, AuthenticationError, "You gave no key", "invalid_request_error"),
        (400, AZURE, ContentFilterError, "Filtered", "content_filter"),
        (529, ANTHROPIC, OverloadedError, "Overloaded", "overloaded_error"),
        (429, GEMINI, RateLimitError, "Quota", "RESOURCE_EXHAUSTED"),
        (429, [GEMINI], RateLimitError, "Quota", "RESOURCE_EXHAUSTED"),
        (400, GEMINI_KEY, AuthenticationError, "API key not valid", "invalid_api_key"),
        (400, LLAMA, InvalidRequestError, "too long", "exceed_context_size_error"),
        (400, VLLM, InvalidRequestError, "bad", "BadRequestError"),
        (404, {"error": "model 'x' not found"}, InvalidRequestError, "model 'x' not found", None),
        (422, {"error": "bad", "error_type": "validation"}, InvalidRequestError, "bad", "validation"),
        (422, FASTAPI, InvalidRequestError, "body.messages.0: Field required; No", None),
        (403, {"detail": "Not yours"}, AuthenticationError, "Not yours", None),
        (400, {"detail": {"message": "Nested"}}, InvalidRequestError, "Nested", None),
        (401, {"message": "Unauthorized"}, AuthenticationError, "Unauthorized", None),
        (418, {"error": {"code": 418, "message": "tea"}}, ProviderError, "tea", "418"),
        (500, "a JSON text", ProviderError, "a JSON text", None),
    ],
)
def test_the_words_of_a_provider_are_found(status, body, kind, message, code):
    error = refused(status, body)
    assert (type(error), str(error), error.status, error.code) == (kind, message, status, code)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (502, b"", "api.example:443 answered 502 Bad Gateway, with nothing in its body. Is base_url right?"),
        (799, b"", "api.example:443 answered 799 (no reason given), with nothing in its body. Is base_url right?"),
        (500, b" plain\n text ", "api.example:443 answered 500 Internal Server Error: plain text"),
        (500, b"caf\xe9", "api.example:443 answered 500 Internal Server Error: caf\ufffd"),
        (500, b"[]", "api.example:443 answered 500 Internal Server Error: []"),
        (500, b'{"error": ', 'api.example:443 answered 500 Internal Server Error: {"error":'),
        (
            500,
            b'{"error": {"type": null}}',
            'api.example:443 answered 500 Internal Server Error: {"error": {"type": null}}',
        ),
        (
            503,
            b"<html><head><title>x</title></head><style>p{}</style><h1>Down &amp; out</h1></html>",
            "api.example:443 answered 503 Service Unavailable: Down & out",
        ),
    ],
)
def test_a_body_in_no_known_shape_is_described(status, body, message):
    assert str(refused(status, body)) == message


def test_a_long_body_is_cut():
    assert str(refused(500, b"x" * 5000)).endswith("x" * 300 + "…")


def test_a_deeply_nested_body_is_no_foreign_error():
    assert refused(500, b"[" * 60_000).status == 500


@pytest.mark.parametrize("name", ["x-request-id", "Request-Id", "X-MS-Request-ID", "CF-Ray"])
def test_the_request_id_is_found_in_the_headers(name):
    assert refused(500, headers={name: "abc"}).request_id == "abc"


def test_the_request_id_is_found_in_the_body():
    assert refused(529, ANTHROPIC).request_id == "req_9"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "20"}, 1.5),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0.0),
    ],
)
def test_the_wait_that_is_asked_for_is_read(headers, seconds):
    assert refused(429, headers=headers).retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "delay", "seconds"),
    [({}, "2.5s", 2.5), ({"Retry-After": "7"}, "2s", 7.0), ({}, "soon", None), ({}, ["2s"], None)],
)
def test_the_wait_may_stand_in_the_body_as_google_writes_it(headers, delay, seconds):
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}, "x"]
    body = {"error": {"code": 429, "message": "Slow down", "details": details}}
    assert refused(429, body, headers=headers).retry_after == seconds


def test_the_wait_may_be_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    wait = refused(429, headers={"Retry-After": date}).retry_after
    assert wait is not None
    assert 90 < wait <= 100


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sk-abc"},
        {"x-api-key": "sk-abc"},
        {"api-key": " sk-abc\t"},
        {"X-Goog-Api-Key": "sk-abc"},
    ],
)
def test_a_key_is_masked_wherever_it_is_said_back(headers):
    secrets = secrets_of(HttpRequest("POST", "https://api.example/", headers))
    for body in (
        {"error": {"message": "Wrong key: sk-abc…", "code": "sk-abc"}},
        {"detail": "sk-abc"},
        b"<p>sk-abc</p>",
        b"x" * 297 + b"sk-abc",  # where the text is cut
    ):
        error = refused(401, body, secrets=secrets)
        assert "sk-" not in str(error)
        assert "sk-" not in repr(error)
        assert "sk-" not in str(error.code)


def test_a_key_in_the_query_is_a_secret_too():
    assert secrets_of(HttpRequest("POST", "https://api.example/?alt=sse&key=AIza-1")) == ["AIza-1"]


def test_what_is_no_secret_is_not_masked():
    assert (
        secrets_of(HttpRequest("POST", "https://a.example/", {"Content-Type": "application/json", "x-key": "x"})) == []
    )


def test_a_redirect_says_where_to_without_query_and_user():
    error = refused(302, b"<p>moved</p>", {"Location": "https://me:pw@b.example:8/v2?key=sk-abc#x"})
    assert "sends us to https://b.example:8/v2." in str(error)
    assert not error.retryable
