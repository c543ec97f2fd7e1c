"""`rxllm demo`: the main job, on the embedded model."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

import click

from rxllm.cli.meter import usage_line
from rxllm.cli.screen import dimmed
from rxllm.cli.session import Session
from rxllm.model import Model
from rxllm.senders.printable import printable

if TYPE_CHECKING:
    from rxllm.cli.meter import Meter
    from rxllm.completion import Completion

__all__ = ["demo"]

_PROMPT: Final = "What happened in the days of old?"
_SHOWS: Final = {
    "workflow": "Three agents in a row, on the model in the box: each one reads what the one before it said.",
    "tools": "An agent with a tool, on the model in the box: it must search before it answers.",
}
_MAX_TOKENS: Final = 240
_SEED: Final = 17  # a long answer to our own prompt: most of this model's are a sentence


@click.command(short_help="Watch the main job, on the model in the box.")
@click.argument("prompt", default=_PROMPT, metavar="[PROMPT | workflow | tools]")
def demo(prompt: str) -> int:
    """Send PROMPT to the embedded model, and watch one request serve two observers and one `await`.

    Or watch three agents in a row (workflow), or an agent that searches (tools).
    """
    if prompt in _SHOWS:
        _say(_SHOWS[prompt])
        return _show(prompt)
    _say(
        "One request goes to a real llama.cpp server on loopback. The model in the box is tiny: "
        "it has the sound of an old book, and knows nothing."
    )
    click.echo(f"\n> {prompt}\n")
    with Session(Model("local"), conclude=_conclude) as session:
        return session.ask(prompt, max_tokens=_MAX_TOKENS, seed=_SEED).status


def _show(which: str) -> int:
    from rxllm.cli import demo_agents  # `rxllm demo` itself need not wait for agents

    asyncio.run(demo_agents.workflow() if which == "workflow" else demo_agents.tools())
    return 0


def _conclude(meter: Meter, completion: Completion) -> None:
    click.echo()
    timing = completion.timing
    _say("A second observer of the same request counted:")
    click.echo(f"  {', '.join(meter.facts())}")
    _say("And one `await stream` gave the whole:")
    text = completion.text
    click.echo(f"  text           {len(text)} characters: {printable(text[:40])!r}{'…' if len(text) > 40 else ''}")  # noqa: PLR2004 - a line
    click.echo(f"  finish_reason  {completion.finish_reason}")
    click.echo(f"  usage          {usage_line(completion.usage) if completion.usage else 'none'}")
    if timing is not None:
        first = "none" if timing.first_content is None else f"{timing.first_content:.3f} s"
        click.echo(f"  timing         first content {first}, total {timing.total:.3f} s")


def _say(text: str) -> None:
    click.echo(dimmed(text, sys.stdout))
