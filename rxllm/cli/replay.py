"""`rxllm replay`: a recorded response body through the same path as a live one."""

from __future__ import annotations

import sys
from typing import Any, Final

import click
import msgspec

from rxllm.cli.numbers import Count, Number
from rxllm.cli.options import final_option
from rxllm.cli.session import Session
from rxllm.errors import ConfigurationError
from rxllm.model import Model
from rxllm.providers import PROVIDERS, Provider, find_provider
from rxllm.transport.replay import ReplayTransport
from rxllm.wire import FORMATS, find_wire

__all__ = ["replay"]

_PACE: Final = 0.05  # seconds between two reads at --speed 1
_PACED_CHUNK: Final = 256  # bytes: about one event


@click.command(short_help="Play a recorded response body.")
@click.option("--wire", metavar="NAME", help="The recording's format, e.g. chat_completions.")
@click.option("--provider", metavar="NAME", help="Take this provider's quirks.")
@click.option(
    "--speed",
    type=Number(min=0),
    default=0,
    metavar="X",
    help="Times 20 reads a second, or with --timing times the recorded speed; 0 (default) does not wait.",
)
@click.option("--timing", is_flag=True, help="Keep the recorded reads and when they came (FILE.reads.json).")
@click.option("--chunk", type=Count(min=1), metavar="N", help="Bytes a read.")
@final_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
def replay(
    *,
    file: str,
    wire: str | None,
    provider: str | None,
    speed: float,
    timing: bool,
    chunk: int | None,
    final: str,
) -> int:
    """Play a recorded response body (FILE, or - for stdin) as if it came from the network."""
    if timing and chunk is not None:
        raise click.UsageError("--timing keeps the recorded reads and --chunk cuts others: give one of them.")
    if timing and file == "-":
        raise click.UsageError("--timing reads the times beside FILE, and stdin has none: give the file.")
    if timing:
        transport = ReplayTransport(file, timing=speed or 1.0)
    else:
        transport = ReplayTransport(
            sys.stdin.buffer.read() if file == "-" else file,
            chunk=chunk or (_PACED_CHUNK if speed else None),
            delay=_PACE / speed if speed else 0.0,
        )
    model = Model(_recorded(wire, provider), transport=transport)
    with Session(model, as_json=final == "json") as session:
        return session.ask("(a recording)").status


def _recorded(wire: str | None, quirks_of: str | None) -> Provider:
    """Make the provider that the recording came from, as far as its response goes."""
    if wire is None:
        raise click.UsageError(f"Missing option --wire, the recording's format. Available: {', '.join(FORMATS)}.")
    format_ = find_wire(wire.replace("-", "_"))
    decoding: dict[str, Any] = {}
    if quirks_of is not None:
        provider = find_provider(quirks_of)
        if provider.wire is not format_:
            spoken = provider.wire.__name__.rpartition(".")[2]
            raise ConfigurationError(f"{quirks_of} speaks {spoken}, not {wire}: give --wire {spoken}.")
        decoding = provider.decoding
    return msgspec.structs.replace(PROVIDERS["replay"], wire=format_, decoding=decoding)
