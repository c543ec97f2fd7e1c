"""`rxllm health`: is the server there, does it take the key, which models has it?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from rxllm.cli.options import make_model, model_options
from rxllm.cli.outcome import complain, in_options
from rxllm.senders.printable import printable

if TYPE_CHECKING:
    from rxllm.model import Health, Model

__all__ = ["health"]

_REFUSED: Final = 3
_NO_ANSWER: Final = 6
_WELL: Final = "ok"  # what a look tells that found nothing wrong, whether a key was needed or not


@click.command(short_help="See whether a server answers and takes the key.")
@model_options
def health(**where: Any) -> int:
    """See whether a server answers, whether it takes the key, and which models it lists.

    The status is 0 when all is well, 3 when the provider refuses, 6 when nothing answers.
    """
    model = make_model(**where)
    found = asyncio.run(_look(model))
    if not found.answers:
        complain(in_options(found.detail))
        return _NO_ANSWER
    if found.detail != _WELL:
        word = "refuses the key" if found.key_accepted is False else "answers with an error"
        complain(f"{model.provider.name} {word}: {in_options(found.detail)}")
        return _REFUSED
    count = len(found.models)
    click.echo(f"{model.provider.name} answers, and lists {count} model{'' if count == 1 else 's'}:")
    for name in found.models:
        click.echo(f"  {printable(name)}")
    return 0


async def _look(model: Model) -> Health:
    async with model:
        return await model.health()
