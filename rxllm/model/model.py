"""`Model`: a provider's model by name; the only place where bytes meet Rx."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from rxllm.askable import Askable
from rxllm.attempts import Retry, Succession
from rxllm.errors import ConfigurationError, TransportError
from rxllm.limits import of_stream
from rxllm.local import shared_server
from rxllm.messages import ChatRequest, Message, Prompt, Timeouts, chat_request
from rxllm.model.address import address
from rxllm.model.arguments import Arguments
from rxllm.model.exchange import Exchange
from rxllm.model.health import Health, look
from rxllm.transport.exchange import ByteStream, HttpRequest, Transport
from rxllm.transport.http import HttpTransport
from rxllm.transport.record import RecordingTransport
from rxllm.transport.refusals import secrets_of
from rxllm.wire import find_wire
from rxllm.wire.unsayable import check_json

if TYPE_CHECKING:
    import ssl as ssl_module
    from collections.abc import Mapping

    from reactivex import abc

    from rxllm.origin import Origin
    from rxllm.providers import Provider

__all__ = ["Model"]


class Model(Askable):
    """A model that can be asked for streams.

    Differs from a provider's SDK in that every answer is a `CompletionStream`, whatever the provider.

    Args:
        name: `"provider:model"`, the provider alone where it has a default model, or a `Provider` of your own.
        base_url: Where the API begins; for any server that is compatible with the provider.
        api_key: The key; by default from the provider's environment variable.
        wire: The format by name, where the server speaks several.
        ssl: False trusts anybody (said once in the log), a path is an own CA, or an `ssl.SSLContext`.
        timeouts: The five limits in seconds, as `Timeouts` or a dict of its fields.
        headers: Sent with each request.
        transport: Another source of bytes, e.g. a `ReplayTransport`.
        retry: How often to try again, and when; by default not at all.
        gguf: The weights, for the provider `local`.
        record: A file for the raw body of each response, and of when it came; see `RecordingTransport`.
        path: A recording that is played in place of a request; by the provider that it was made of, with that one's
            format and quirks, or by `replay` with a `wire`.
        timing: How fast the recording comes: 1.0 as recorded, None without waiting.
        settings: Fields of `ChatRequest` for every request, e.g. `temperature=0.2`.

    Raises:
        ConfigurationError: The provider or the wire is unknown, or a setting is; or there is no such recording.
    """

    def __init__(
        self,
        name: str | Provider,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        wire: str | None = None,
        ssl: bool | ssl_module.SSLContext | str | os.PathLike[str] | None = None,
        timeouts: Timeouts | Mapping[str, float | None] | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        retry: Retry | None = None,
        gguf: str | os.PathLike[str] | None = None,
        record: str | os.PathLike[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        timing: float | None = None,
        **settings: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "name": name,
            "base_url": base_url,
            "api_key": api_key,
            "wire": wire,
            "ssl": ssl,
            "timeouts": timeouts,
            "headers": headers,
            "transport": transport,
            "retry": retry,
            "gguf": gguf,
            "record": record,
            "path": path,
            "timing": timing,
        }
        given = Arguments(**arguments, **settings)
        self.provider, self.name = given.whom()
        self._timeouts: Timeouts = given.timeouts or Timeouts()
        self._retry = given.retry if given.retry is not None and given.retry.attempts > 1 else None
        self.timeouts = self._timeouts if self._retry is None else of_stream(self._timeouts)  # an attempt keeps its own
        self._wire: Any = find_wire(given.wire) if given.wire else self.provider.wire
        own = self._wire is self.provider.wire
        elsewhere = self.provider.elsewhere.get(given.wire or "", {})
        self._encoding: dict[str, Any] = self.provider.encoding if own else elsewhere
        self._decoding: dict[str, Any] = self.provider.decoding if own else {}
        self._base_url = given.base_url or self.provider.base_url
        self._own_server = given.base_url is not None
        self._api_key = given.api_key
        self._headers = given.headers or {}
        self._gguf = given.gguf
        self._settings = given.settings
        check_json(self._settings)  # here and not at the first question
        played = given.source(self.provider)
        self._replaced = played is not None
        self._source: Transport = played or HttpTransport(
            ssl=ssl, connect_timeout=self.timeouts.connect, idle_timeout=self.timeouts.idle
        )
        self._transport = self._source if given.record is None else RecordingTransport(self._source, given.record)

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer: one request, or as many as `retry` allows; see `Askable.origin`."""
        request = chat_request(prompt, settings, defaults=self._settings)
        if not self.name:
            raise ConfigurationError(
                f"Which model of {self.provider.name}? Write it behind a colon: {self.provider.name + ':MODEL'!r}, "
                "or give your Provider a default_model."
            )
        body = self._encoded(request)
        headers = self._headers_with({"Content-Type": "application/json", "Accept": "text/event-stream"})
        path: str = self._wire.path(self.name) if hasattr(self._wire, "path") else self._wire.PATH

        async def open_body() -> ByteStream:
            return await self._transport.open(HttpRequest("POST", address(await self._locate(), path), headers, body))

        secrets = secrets_of(HttpRequest("POST", self._base_url or "", headers))

        def exchange() -> Origin:
            return Exchange(
                open_body, self._wire.Decoder(**self._decoding), answered_by=self.full_name, secrets=secrets
            )

        retry = self._retry
        if retry is None:
            return exchange()
        times = retry.attempts
        return Succession(
            [exchange] * times,
            scheduler,
            retry.wait,
            after_content=retry.after_content,
            timeouts=[self._timeouts] * times,
        )

    async def health(self) -> Health:
        """Ask the server whether it answers, whether it takes the key, and which models it has.

        Returns:
            What was found; a server that is not there, that takes longer than `timeouts.total`, or that is none of this
            kind, is a finding, not an exception.

        Raises:
            ConfigurationError: There is no URL or no key to ask with.
        """
        headers = self._headers_with({"Accept": "application/json"})
        transport = self._source  # a list of models is no answer to record
        if not isinstance(transport, HttpTransport):
            return Health(
                answers=True, key_accepted=None, models=[], detail="not a server: " + type(transport).__name__
            )
        try:
            url = address(await self._locate(), self.provider.models_path)
        except TransportError as error:
            return Health(answers=False, key_accepted=None, models=[], detail=str(error))
        return await look(transport, HttpRequest("GET", url, headers), total=self.timeouts.total)

    async def aclose(self) -> None:
        """Let go of the session; the loop's last model closes it."""
        await self._transport.aclose()

    def _encoded(self, request: ChatRequest) -> bytes:
        messages = [message if self._is_ours(message) else _as_text(message) for message in request.messages]
        request = request.model_copy(update={"messages": messages})
        try:
            return msgspec.json.encode(self._wire.encode(request, model=self.name, **self._encoding))
        except ConfigurationError as error:  # a format does not know whose it is
            raise ConfigurationError(f"{self.full_name}: {error}") from error

    def _is_ours(self, message: Message) -> bool:
        """Whether what a message has in a format's own terms came from this provider; where nobody says so, it did."""
        return not message.native or (message.answered_by or self.full_name).partition(":")[0] == self.provider.name

    async def _locate(self) -> str:
        """Find where the API begins; the embedded model's server is started here."""
        if self._replaced:
            return "replay:"
        if self._base_url is None:
            return await shared_server(self._gguf).url()
        return self._base_url

    def _headers_with(self, ours: Mapping[str, str]) -> dict[str, str]:
        """Put the headers together; those of the user stand in place of ours, however they are written."""
        theirs = {name.lower() for name in self._headers}
        both = {**ours, **self._credentials()}
        return {name: value for name, value in both.items() if name.lower() not in theirs} | self._headers

    def _credentials(self) -> Mapping[str, str]:
        provider = self.provider
        if self._replaced:
            return {}
        if self._base_url is None and provider.name != "local":
            raise ConfigurationError(f"Where is {provider.name}? Give its base_url=, e.g. https://HOST/v1.")
        key = (self._api_key or os.environ.get(provider.api_key_env or "", "")).strip()
        if not key:
            if provider.key_required and not self._own_server:
                raise ConfigurationError(
                    f"No key for {provider.name}: set the variable {provider.api_key_env}, or give api_key=."
                )
            return {}
        if not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"The key for {provider.name} has characters that no HTTP header can carry.")
        return provider.auth(key)

    @property
    def full_name(self) -> str:
        """The name that says both: `"provider:model"`."""
        return f"{self.provider.name}:{self.name}"

    def __repr__(self) -> str:
        return f"Model({self.full_name!r})"


def _as_text(message: Message) -> Message:
    """Leave out what only its own provider can read: ids that it keeps, signatures that it made."""
    return message.model_copy(update={"native": {}})
