"""`rxllm providers`: who can be asked, and for whom a key is set."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from rxllm.providers import PROVIDERS

if TYPE_CHECKING:
    from rxllm.providers import Provider

__all__ = ["providers"]

_HEADINGS = ("name", "base URL", "key variable", "key set?")


@click.command(short_help="List the providers, and whose keys are set.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def providers(as_json: bool) -> int:  # noqa: FBT001 - click calls it
    """List the providers: their names, base URLs, key variables, and whether the key is set (never the key)."""
    known = list(PROVIDERS.values())
    if as_json:
        rows = [
            {"name": p.name, "base_url": p.base_url, "key_variable": p.api_key_env, "key_set": _key_set(p)}
            for p in known
        ]
        click.echo(json.dumps(rows, indent=2))
        return 0
    cells = [(p.name, p.base_url or _where(p), p.api_key_env or "-", _key(p)) for p in known]
    if sys.stdout.isatty():
        from rich.console import Console  # a pipe need not wait for it
        from rich.table import Table

        table = Table(*_HEADINGS, box=None, header_style="bold")
        for row in cells:
            table.add_row(*row)
        Console(highlight=False).print(table)
    else:
        widths = [max(len(row[column]) for row in (_HEADINGS, *cells)) for column in range(len(_HEADINGS))]
        for row in (_HEADINGS, *cells):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _where(provider: Provider) -> str:
    return {"local": "(in the box)", "replay": "(rxllm replay FILE)"}.get(provider.name, "(give --base-url)")


def _key_set(provider: Provider) -> bool:
    return bool(os.environ.get(provider.api_key_env or "", "").strip())


def _key(provider: Provider) -> str:
    if _key_set(provider):
        return "yes"
    return "no" if provider.key_required else "not needed"
