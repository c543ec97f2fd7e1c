"""The command `rxllm` itself: its subcommands, and how anything that goes wrong becomes one line and a status."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final, NoReturn

import click
from loguru import logger

from rxllm.cli.chat import chat
from rxllm.cli.demo import demo
from rxllm.cli.health import health
from rxllm.cli.outcome import BROKEN_PIPE, INTERRUPTED, TERMINATED, UNEXPECTED, USAGE, complain, explain, status_of
from rxllm.cli.providers import providers
from rxllm.cli.replay import replay
from rxllm.errors import RxllmError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_EPILOG: Final = (
    "Exit status: 0 completed, 2 usage, 3 the provider sent an error, 4 truncated, 5 not decodable, "
    "6 network or time-out, 130 Ctrl-C."
)


@click.group(invoke_without_command=True, epilog=_EPILOG)
@click.option("--version", "show_version", is_flag=True, help="Show the version and exit.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an unexpected error.")
@click.pass_context
def _rxllm(context: click.Context, show_version: bool) -> int:  # noqa: FBT001 - click calls it
    """Talk to language models and watch their answers arrive."""
    if show_version:
        click.echo(f"rxllm {_version()}")
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())
    return 0


for _command in (chat, replay, providers, health, demo):
    _rxllm.add_command(_command)
    _command.params.append(click.Option(["--debug"], is_flag=True, expose_value=False, hidden=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What stands behind `rxllm`; by default what this process was called with.

    Returns:
        The exit status: 0 completed, 1 unexpected, 2 usage, 3 the provider's error, 4 truncated, 5 not decodable,
        6 network or time-out, 130 and 143 signals, 141 nobody reads the output.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    (logger.enable if debug else logger.disable)("rxllm")
    signal.signal(signal.SIGTERM, _leave)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115 - closed (`<&-`); open as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Half of a surrogate pair, or a letter that the terminal's encoding lacks, must not end an answer.
            stream.reconfigure(errors="replace")
    try:
        # Not `_rxllm.main`: to that a reader that has gone is status 1.
        with _rxllm.make_context("rxllm", given) as context:
            status = int(_rxllm.invoke(context) or 0)
    except click.exceptions.Exit as answered:  # by --help
        status = answered.exit_code
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # below the terminal's own ^C
        status = INTERRUPTED
    except SystemExit as left:
        status = int(left.code or 0)
    except Exception as error:  # noqa: BLE001 - a traceback is no answer for somebody who types a command
        status = _told(error)
        if debug and status != USAGE:
            traceback.print_exc()
    return _flushed(status)


def _told(error: Exception) -> int:
    """Say what is wrong, and give the status."""
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    if isinstance(error, click.ClickException):
        complain(_usage(error))
        return USAGE
    if isinstance(error, RxllmError):
        complain(explain(error))
        return status_of(error)
    if isinstance(error, OSError):  # of the network there is none left: those are TransportErrors
        complain(f"the output cannot be written: {error.strerror or error}.")
        return UNEXPECTED
    complain(f"unexpected {type(error).__name__}: {error}. Run it again with --debug to see where.")
    return UNEXPECTED


def _flushed(status: int) -> int:
    """Write what is still buffered; a reader that has gone is not told to the user by the interpreter's exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status or BROKEN_PIPE
    return status


def _leave(_signal: int, _frame: object) -> NoReturn:
    sys.exit(TERMINATED)


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f" Try: {context.command_path} --help" if context else ""
    return error.format_message() + where


def _version() -> str:
    try:
        return version("rxllm")
    except PackageNotFoundError:
        return "(from a checkout that is not installed)"
