"""`rxllm chat`: one question, or a conversation."""

from __future__ import annotations

import sys
from typing import Any

import click

from rxllm.cli.conversation import converse, sendable
from rxllm.cli.numbers import Count, Number
from rxllm.cli.options import final_option, make_model, model_options
from rxllm.cli.session import Session
from rxllm.messages import Message

__all__ = ["chat"]


@click.command(short_help="Ask a model; without a prompt, talk to it.")
@model_options
@click.option("--system", metavar="TEXT", help="What the model is told before the conversation.")
@click.option("--temperature", type=Number(), metavar="NUMBER", help="0 is the least random.")
@click.option("--max-tokens", type=Count(min=1), metavar="N", help="The longest answer.")
@click.option("--record", metavar="FILE", help="Write the answer as it came, and when, for `rxllm replay`.")
@final_option
@click.argument("prompt", nargs=-1)
def chat(
    prompt: tuple[str, ...],
    system: str | None,
    temperature: float | None,
    max_tokens: int | None,
    final: str,
    **where: Any,
) -> int:
    """Ask a model, and watch the answer arrive.

    The text goes to stdout, the statistics to stderr. PROMPT `-`, or a pipe and no PROMPT, reads stdin. Without either
    it is a conversation: Ctrl-C cancels the answer that is being written, a second one leaves, and so does Ctrl-D.
    """
    settings = {"temperature": temperature, "max_tokens": max_tokens}
    settings = {name: value for name, value in settings.items() if value is not None}
    history = [] if system is None else [Message.system(sendable(system))]
    if not prompt and sys.stdin.isatty():
        if final == "json":
            raise click.UsageError("--final json is for one answer: give a PROMPT.")
        with Session(make_model(**where)) as session:
            return converse(session, history, settings)
    question = sendable(" ".join(prompt) if prompt and prompt != ("-",) else _piped())
    if not question.strip():
        raise click.UsageError('The prompt is empty. Write it behind the options: rxllm chat "Why is the sky blue?"')
    with Session(make_model(**where), as_json=final == "json") as session:
        return session.ask([*history, Message.user(question)], **settings).status


def _piped() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"stdin is not text in UTF-8 (byte {error.start}); expected the prompt.") from error
