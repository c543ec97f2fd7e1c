"""What a `Model` is made with, checked before anything is made of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, InstanceOf, StrictStr

from rxllm.attempts import Retry  # noqa: TC001 - pydantic evaluates the annotations
from rxllm.errors import ConfigurationError
from rxllm.messages import Settings, Timeouts, expecting
from rxllm.providers import Provider, find_provider
from rxllm.transport.exchange import Transport  # noqa: TC001 - as above
from rxllm.transport.replay import ReplayTransport

__all__ = ["Arguments"]

_ONE_LINE = r"^[^\x00-\x08\x0a-\x1f\x7f]*$"
_Url: TypeAlias = Annotated[StrictStr, Field(pattern=r"^https?://[^\s]+$")]
_Headers: TypeAlias = dict[
    Annotated[StrictStr, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"), expecting("the name of a header")],
    Annotated[StrictStr, Field(pattern=_ONE_LINE), expecting("a str of one line")],
]
_File: TypeAlias = Annotated[StrictStr | InstanceOf[os.PathLike[str]] | None, expecting("the path of a file, or None")]


class Arguments(Settings):
    """The arguments of `Model`, and the settings of all its requests."""

    model_config = ConfigDict(title="Model")

    name: Annotated[
        StrictStr | InstanceOf[Provider], expecting("'provider:model', e.g. 'openai:gpt-4o-mini', or a Provider")
    ]
    base_url: Annotated[_Url | None, expecting("a URL that begins with http:// or https://, or None")]
    api_key: Annotated[StrictStr | None, expecting("the key as a str, or None"), Field(repr=False)]
    wire: Annotated[StrictStr | None, expecting("the name of a format, e.g. 'chat_completions', or None")]
    ssl: Any  # its transport knows what it can trust
    timeouts: Annotated[Timeouts | None, expecting("Timeouts, a dict of its fields, e.g. {'total': 60}, or None")]
    headers: Annotated[_Headers | None, expecting("a dict of str, or None"), Field(repr=False)]
    transport: Annotated[InstanceOf[Transport] | None, expecting("a transport, e.g. ReplayTransport(path), or None")]
    retry: Annotated[InstanceOf[Retry] | None, expecting("a Retry, e.g. Retry(attempts=3), or None")]
    gguf: _File
    record: _File
    path: _File
    timing: Annotated[
        Annotated[float, Field(strict=True, gt=0)] | None,
        expecting("1.0 for as recorded, 2.0 for twice as fast, or None for no waiting"),
    ]

    @property
    def settings(self) -> dict[str, Any]:
        """The fields of a request that were given."""
        return {name: getattr(self, name) for name in self.model_fields_set if name in Settings.model_fields}

    def whom(self) -> tuple[Provider, str]:
        """Find the provider, and the model's name.

        Returns:
            Both; the name is empty where none was given and the provider has none of its own.

        Raises:
            ConfigurationError: There is no such provider, or it has no such model.
        """
        if not isinstance(self.name, str):
            return self.name, self.name.default_model or ""
        provider_name, _, name = self.name.partition(":")
        provider = find_provider(provider_name)
        if self.gguf is not None:
            if provider.name != "local":
                raise ConfigurationError(f"gguf= is for the provider local; {provider.name} has its own weights.")
            name = name or Path(self.gguf).stem
        elif provider.name == "local" and self.base_url is None and self.transport is None:
            self._check_embedded(provider, name)
        return provider, name or provider.default_model or ""

    def source(self, provider: Provider) -> Transport | None:
        """Choose what stands in for the network: a transport, a recording, or nothing.

        Args:
            provider: Whose answers are wanted.

        Returns:
            The transport; None for the network.

        Raises:
            ConfigurationError: Two sources were given, or a recording is missing or of no use.
        """
        if self.path is None and self.timing is None and (self.transport is not None or provider.name != "replay"):
            return self.transport
        if self.path is None or self.transport is not None:
            raise ConfigurationError(
                "timing= and the provider replay play one file: give its path=, e.g. Model('replay', "
                "path='answer.sse'), and no transport=."
            )
        return ReplayTransport(self.path, timing=self.timing)

    def _check_embedded(self, provider: Provider, name: str) -> None:
        if name not in ("", provider.default_model):
            raise ConfigurationError(
                f"The provider local has one model of its own, {provider.default_model!r}, and not {name!r}. "
                "Another one's weights go into gguf='FILE.gguf'; a server of your own is 'llama_cpp:NAME'."
            )
