"""`Model`: a provider's model by name; the only place where bytes meet Rx."""

from __future__ import annotations

import importlib
import os
import pkgutil
from typing import TYPE_CHECKING, Any, Final

import msgspec

import rxllm.wire
from rxllm.askable import Askable
from rxllm.attempts import Retry, Succession
from rxllm.bridge import Pump
from rxllm.errors import (
    AuthenticationError,
    ConfigurationError,
    DecodeError,
    ProviderError,
    RxllmError,
    TransportError,
)
from rxllm.items import Finish
from rxllm.local import shared_server
from rxllm.messages import Prompt, Timeouts, chat_request
from rxllm.providers import Provider, find_provider
from rxllm.transport.exchange import ByteStream, HttpRequest, Transport
from rxllm.transport.http import HttpTransport
from rxllm.transport.record import RecordingTransport
from rxllm.transport.refusals import secrets_of
from rxllm.transport.replay import ReplayTransport

if TYPE_CHECKING:
    import ssl as ssl_module
    from collections.abc import Awaitable, Callable, Mapping

    from reactivex import abc

    from rxllm.providers.provider import Decoder
    from rxllm.stream import Inlet, Origin

__all__ = ["Health", "Model", "find_wire"]


class Health(msgspec.Struct, frozen=True):
    """What a look at the server told.

    `key_accepted` is None where that cannot be known, e.g. because nothing answered.
    """

    answers: bool
    key_accepted: bool | None
    models: list[str]
    detail: str


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
        path: The recording, for the provider `replay`.
        timing: How fast a recording comes, for the provider `replay`: 1.0 as recorded, None without waiting.
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
        provider_name, _, model_name = ("", "", "") if isinstance(name, Provider) else name.partition(":")
        self.provider: Provider = name if isinstance(name, Provider) else find_provider(provider_name)
        self.name: str = model_name or self.provider.default_model or ""
        self.timeouts: Timeouts = _timeouts(timeouts)
        self._wire: Any = find_wire(wire) if wire else self.provider.wire
        # Quirks belong to the provider's own wire.
        own = self._wire is self.provider.wire
        self._encoding: dict[str, Any] = self.provider.encoding if own else {}
        self._decoding: dict[str, Any] = self.provider.decoding if own else {}
        self._retry = retry
        self._base_url = base_url or self.provider.base_url
        self._own_server = base_url is not None
        self._api_key = api_key
        self._headers = dict(headers or {})
        self._gguf = gguf
        self._settings = settings
        played = _played(self.provider, path, timing, transport)
        self._replaced = played is not None
        self._source: Transport = played or HttpTransport(
            ssl=ssl, connect_timeout=self.timeouts.connect, idle_timeout=self.timeouts.idle
        )
        self._transport: Transport = self._source if record is None else RecordingTransport(self._source, record)
        chat_request("", settings)  # a wrong setting is told here, not at the first question

    def origin(self, prompt: Prompt, scheduler: abc.SchedulerBase, **settings: Any) -> Origin:
        """Prepare one answer: one request, or as many as `retry` allows; see `Askable.origin`."""
        request = chat_request(prompt, {**self._settings, **settings})
        if not self.name:
            raise ConfigurationError(
                f"Which model of {self.provider.name}? Write it behind a colon: {self.provider.name + ':MODEL'!r}."
            )
        body = msgspec.json.encode(self._wire.encode(request, model=self.name, **self._encoding))
        headers = {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            **self._credentials(),
            **self._headers,
        }
        path: str = self._wire.path(self.name) if hasattr(self._wire, "path") else self._wire.PATH

        async def open_body() -> ByteStream:
            return await self._transport.open(HttpRequest("POST", (await self._locate()) + path, headers, body))

        secrets = secrets_of(HttpRequest("POST", "", headers))

        def exchange() -> Origin:
            return _Exchange(
                open_body, self._wire.Decoder(**self._decoding), answered_by=self.full_name, secrets=secrets
            )

        retry = self._retry
        if retry is None or retry.attempts == 1:
            return exchange()
        return Succession([exchange] * retry.attempts, scheduler, retry.wait, after_content=retry.after_content)

    async def health(self) -> Health:
        """Ask the server whether it answers, whether it takes the key, and which models it has.

        Returns:
            What was found; a server that is not there is a finding, not an exception.

        Raises:
            ConfigurationError: There is no URL or no key to ask with.
        """
        headers = {"Accept": "application/json", **self._credentials(), **self._headers}
        transport = self._source  # a list of models is no answer to record
        if not isinstance(transport, HttpTransport):
            return Health(
                answers=True, key_accepted=None, models=[], detail="not a server: " + type(transport).__name__
            )
        try:
            url = (await self._locate()) + self.provider.models_path
            body = await transport.fetch(HttpRequest("GET", url, headers))
        except TransportError as error:
            return Health(answers=False, key_accepted=None, models=[], detail=str(error))
        except AuthenticationError as error:
            return Health(answers=True, key_accepted=False, models=[], detail=str(error))
        except ProviderError as error:
            return Health(answers=True, key_accepted=None, models=[], detail=str(error))
        return Health(answers=True, key_accepted=True, models=_model_names(body), detail="ok")

    async def aclose(self) -> None:
        """Let go of the session; the loop's last model closes it."""
        await self._transport.aclose()

    async def _locate(self) -> str:
        """Find where the API begins; the embedded model's server is started here."""
        if self._replaced:
            return "replay:"
        if self._base_url is None:
            return await shared_server(self._gguf).url()
        return self._base_url.rstrip("/")

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


class _Exchange:
    """One request and its response, as the origin of a stream."""

    def __init__(
        self, open_body: Callable[[], Awaitable[ByteStream]], decoder: Decoder, *, answered_by: str, secrets: list[str]
    ) -> None:
        self.answered_by = answered_by
        self._secrets = secrets
        self._open_body = open_body
        self._decoder = decoder
        self._pump: Pump | None = None
        self._paused = False

    def start(self, inlet: Inlet) -> None:
        """Send the request."""
        decoder = self._decoder

        def take(data: bytes) -> bool:
            items = decoder.feed(data)
            finished = bool(items) and type(items[-1]) is Finish
            inlet.push(items)
            if decoder.fault is not None:
                raise decoder.fault
            if finished:
                inlet.complete()
            return finished

        def end() -> None:
            try:
                items = decoder.finish()
            except RxllmError:
                inlet.push(decoder.rest)
                raise
            inlet.push(items)
            inlet.complete()

        def fail(error: Exception) -> None:
            inlet.fail(_masked(error, self._secrets))

        self._pump = Pump(self._open_body, take, end, fail)
        if self._paused:
            self._pump.pause()
        self._pump.start()

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        if self._pump is not None:
            self._pump.pause()

    def resume(self) -> None:
        """Go on reading."""
        self._paused = False
        if self._pump is not None:
            self._pump.resume()

    def close(self) -> None:
        """Begin closing the socket."""
        if self._pump is not None:
            self._pump.close()


def _masked(error: Exception, secrets: list[str]) -> Exception:
    """Take the key out of an error under HTTP 200, whose words are the server's and may echo it."""

    def masked(said: str) -> str:
        for secret in secrets:
            said = said.replace(secret, "***")
        return said

    error.args = tuple(masked(a) if isinstance(a, str) else a for a in error.args)
    if isinstance(error, DecodeError):
        error.snippet = masked(error.snippet)
    elif isinstance(error, ProviderError) and error.code:
        error.code = masked(error.code)
    return error


def find_wire(name: str) -> Any:
    """Look a format up by its module's name in `rxllm.wire`.

    >>> find_wire("chat_completions").PATH
    '/chat/completions'

    Args:
        name: E.g. `chat_completions`.

    Returns:
        The module.

    Raises:
        ConfigurationError: There is none of that name; those that there are are listed.
    """
    modules = [
        importlib.import_module(f"rxllm.wire.{found.name}") for found in pkgutil.iter_modules(rxllm.wire.__path__)
    ]
    formats = {m.__name__.rpartition(".")[2]: m for m in modules if hasattr(m, "encode") and hasattr(m, "Decoder")}
    if name in formats:
        return formats[name]
    raise ConfigurationError(f"Unknown wire {name!r}. Available: {', '.join(formats)}.")


def _played(
    provider: Provider, path: str | os.PathLike[str] | None, timing: float | None, transport: Transport | None
) -> Transport | None:
    """Choose what stands in for the network: a transport, a recording, or nothing."""
    plain = path is None and timing is None
    if provider.name != "replay" and not plain:
        raise ConfigurationError(f"path= and timing= are for the provider replay; {provider.name} has no recording.")
    if plain and (provider.name != "replay" or transport is not None):
        return transport
    if path is None or transport is not None:
        raise ConfigurationError(
            "The provider replay plays one file: give its path=, e.g. Model('replay', path='answer.sse'), "
            "and no transport=."
        )
    return ReplayTransport(path, timing=timing)


def _timeouts(given: Timeouts | Mapping[str, float | None] | None) -> Timeouts:
    if isinstance(given, Timeouts):
        return given
    unknown = set(given or {}) - set(Timeouts.model_fields)
    if unknown:
        raise ConfigurationError(
            f"Unknown time-out {', '.join(sorted(unknown))}. Known, in seconds: {', '.join(Timeouts.model_fields)}."
        )
    try:
        return Timeouts.model_validate(dict(given or {}))
    except ValueError as error:
        raise ConfigurationError(
            f"A time-out is a positive number of seconds, or None for no limit: {dict(given or {})}."
        ) from error


class _Row(msgspec.Struct):
    """A model in a provider's list."""

    id: str | None = None
    name: str | None = None


class _Listing(msgspec.Struct):
    """A provider's list of models, under either of two names."""

    data: list[_Row] | None = None
    models: list[_Row] | None = None


_read_listing: Final[Callable[[bytes], _Listing | list[_Row]]] = msgspec.json.Decoder(_Listing | list[_Row]).decode


def _model_names(body: bytes) -> list[str]:
    try:
        listing = _read_listing(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DecodeError(
            "The answer is not a list of models. Is base_url right? It usually ends in /v1.",
            format="models",
            snippet=body[:80].decode("utf-8", "replace"),
        ) from error
    rows = (listing.data or listing.models or []) if isinstance(listing, _Listing) else listing
    return [name for row in rows if (name := row.id or row.name)]
