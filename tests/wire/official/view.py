"""What a response says, in terms that every client has: the common ground on which ours and theirs are compared."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from fed import completed, fed

from rxllm.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Answer = dict[int, Any]


@dataclass
class View:
    """One client's view of a response; what has several answers has each by its number.

    `tools` are `(id, name, arguments)`; `usage` is `(input, output)` in tokens; `end` is "whole", "refused" for an
    error of the provider's, "broken" for anything else, with `why`.
    """

    text: Answer = field(default_factory=dict)
    reasoning: Answer = field(default_factory=dict)
    tools: Answer = field(default_factory=dict)
    finish: Answer = field(default_factory=dict)
    usage: tuple[int | None, int | None] | None = None
    end: Literal["whole", "refused", "broken"] = "whole"
    why: str = field(default="", compare=False)

    def differs_from(self, other: View) -> set[str]:
        """Name the fields that are not the same."""
        return {
            each.name
            for each in fields(self)
            if each.compare and said(getattr(self, each.name)) != said(getattr(other, each.name))
        }


def said(value: Any) -> Any:
    """Leave out what says nothing, since a client may have an empty answer where another has none."""
    if not isinstance(value, dict):
        return None if value == (None, None) else value
    return {index: each for index, each in value.items() if each}


def ours(decoder: Any, pieces: Iterable[bytes], call: Callable[[Any], Any]) -> View:
    """See a response as our decoder does; `call` spells a tool call as the official client's are."""
    items, error = fed(decoder, pieces)
    completion = completed(items)
    usage = completion.usage
    return View(
        text={each.index: each.text for each in completion.choices},
        reasoning={each.index: each.reasoning for each in completion.choices},
        tools={each.index: [call(one) for one in each.tool_calls] for each in completion.choices},
        finish={each.index: each.raw_finish_reason for each in completion.choices},
        usage=usage and (usage.input_tokens, usage.output_tokens),
        end="whole" if error is None else "refused" if isinstance(error, ProviderError) else "broken",
        why=repr(error),
    )


class Served:
    """A transport for a client's own HTTP library that answers each request with the same pieces of bytes."""

    def __init__(self, http: Any, content_type: str) -> None:
        self.pieces: list[bytes] = []
        self.transport = http.MockTransport(
            lambda _: http.Response(200, headers={"content-type": content_type}, content=self._given())
        )

    def _given(self) -> Iterator[bytes]:
        yield from self.pieces
