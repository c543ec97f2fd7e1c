"""The options that say which model, where, and how long: the same for every command that asks one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rxllm.cli.numbers import Number
from rxllm.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["final_option", "make_model", "model_options"]


_OPTIONS = (
    click.option(
        "-m",
        "--model",
        "name",
        metavar="PROVIDER[:MODEL]",
        help="Whom to ask; `rxllm providers` lists them.  [default: local]",
    ),
    click.option("--base-url", metavar="URL", help="Where the API begins, for any server that is compatible."),
    click.option("--gguf", metavar="FILE", help="Weights for the provider `local`, any GGUF file."),
    click.option("--timeout", metavar="SECONDS", type=Number(min=0, min_open=True), help="For the whole answer."),
    click.option("--insecure", is_flag=True, help="Trust any TLS certificate."),
    click.option(
        "--ca", metavar="PATH", type=click.Path(exists=True), help="Trust this CA: a PEM file, or a folder of them."
    ),
)

final_option = click.option(
    "--final",
    type=click.Choice(["text", "json"]),
    default="text",
    help="text: the answer as it arrives. json: only one JSON object, at the end.",
)


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command.

    Args:
        command: Takes what `make_model` takes.

    Returns:
        The command.
    """
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make_model(
    *,
    name: str | None,
    base_url: str | None,
    gguf: str | None,
    timeout: float | None,
    insecure: bool,
    ca: str | None,
    record: str | None = None,
) -> Model:
    """Make the model that the options describe.

    Args:
        name: `"provider:model"`; by default the embedded model.
        base_url: Where the API begins.
        gguf: The weights, for the provider `local`.
        timeout: Seconds for the whole answer.
        insecure: Trust any certificate.
        ca: The path of an own CA.
        record: The file for the answer as it came.

    Returns:
        The model.

    Raises:
        click.UsageError: Two options contradict each other.
        ConfigurationError: The provider is unknown, or a value is wrong.
    """
    if insecure and ca is not None:
        raise click.UsageError("--insecure trusts anybody and --ca only one authority: give one of them.")
    provider = (name or "local").partition(":")[0]
    if gguf is not None and provider != "local":
        raise click.UsageError(
            f"--gguf is for the provider local, and --model names {provider!r}: leave one of them out."
        )
    if base_url is not None and provider == "local":
        raise click.UsageError("--base-url needs a --model that is not local, e.g. --model llama_cpp or openai:NAME.")
    if provider == "replay":
        raise click.UsageError("--model replay has no file to play. Use: rxllm replay FILE --wire NAME")
    return Model(
        name or "local",
        base_url=base_url,
        ssl=False if insecure else ca,
        timeouts=None if timeout is None else {"total": timeout},
        gguf=gguf,
        record=record,
    )
