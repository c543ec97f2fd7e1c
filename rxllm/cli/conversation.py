"""A conversation in a terminal: prompts, answers, and the history between them."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import click

from rxllm.cli.outcome import BROKEN_PIPE, INTERRUPTED, TERMINATED, USAGE, complain
from rxllm.messages import Message

if TYPE_CHECKING:
    from collections.abc import Generator

    from rxllm.cli.outcome import Outcome
    from rxllm.cli.session import Session

__all__ = ["converse", "sendable"]

_AWAKE: Final = 0.25  # seconds


def converse(session: Session, history: list[Message], settings: dict[str, Any]) -> int:
    """Ask for prompts until Ctrl-D, or a Ctrl-C while nothing is being written.

    Args:
        session: The model and its loop.
        history: What the model is told before the first prompt.
        settings: Fields of `ChatRequest` for every prompt.

    Returns:
        The exit status.
    """
    with suppress(ImportError):
        import readline  # noqa: F401  # pyright: ignore[reportUnusedImport] - importing it gives `input` its line editing
    sys.stderr.write("Ctrl-C cancels an answer, Ctrl-D leaves.\n")
    while True:
        try:
            question = sendable(_read_line())
        except EOFError:
            sys.stderr.write("\n")
            return 0
        except KeyboardInterrupt:
            sys.stderr.write("\n")
            return INTERRUPTED
        except click.UsageError as error:
            complain(error.format_message())
            continue
        if not question.strip():
            continue
        asked = [*history, Message.user(question)]
        outcome = session.ask(asked, **settings)
        if outcome.status in (USAGE, TERMINATED, BROKEN_PIPE):
            return outcome.status
        history = _remembered(history, asked, outcome)


def _remembered(before: list[Message], asked: list[Message], outcome: Outcome) -> list[Message]:
    """Keep what came, also of a cancelled answer; a turn that failed or said nothing is forgotten, question and all."""
    text = outcome.completion.text or outcome.completion.refusal
    return [*asked, Message.assistant(text)] if text and outcome.error is None else before


def _read_line() -> str:
    with _awake():
        if sys.stdout.isatty():
            return input("> ")
        sys.stderr.write("> ")  # stdout is the answers' alone
        sys.stderr.flush()
        line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def _wake(_signal: int, _frame: object) -> None:
    """Do nothing: being interrupted is enough."""


@contextmanager
def _awake() -> Generator[None]:
    """Interrupt the wait for a line now and then.

    Python hears a signal when its wait is interrupted. One that comes after readline has shown its prompt, and before
    it waits, would be heard with the next key only: a Ctrl-C that does nothing.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.signal(signal.SIGALRM, _wake)
    signal.setitimer(signal.ITIMER_REAL, _AWAKE, _AWAKE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def sendable(text: str) -> str:
    """Refuse what JSON cannot say: bytes of a terminal that are no UTF-8 come here as lone surrogates.

    Args:
        text: What was typed.

    Returns:
        The same.

    Raises:
        click.UsageError: It is not text.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise click.UsageError(f"The prompt is not text in UTF-8 (character {error.start}).") from error
    return text
