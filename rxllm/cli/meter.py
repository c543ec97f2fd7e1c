"""A second observer of an answer, on the same request: it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rxllm.items import part

if TYPE_CHECKING:
    from rxllm.completion import Completion
    from rxllm.items import Stamped, Usage
    from rxllm.stream import CompletionStream

__all__ = ["Meter", "usage_line"]


class Meter:
    """Counts the deltas of one stream, and when they were read."""

    def __init__(self) -> None:
        self.deltas = 0
        self.first: float | None = None
        """Seconds from the request to the first token."""
        self.last = 0.0
        """Seconds from the request to the last one."""

    def watch(self, stream: CompletionStream) -> None:
        """Subscribe to a stream.

        Args:
            stream: What is counted.
        """
        stream.stamped().subscribe(self._take)

    def _take(self, stamped: Stamped) -> None:
        if part(stamped.item) is not None:
            self.deltas += 1
            self.last = stamped.at
            if self.first is None:
                self.first = stamped.at

    def facts(self) -> list[str]:
        """Put what was seen into words.

        Returns:
            E.g. `["12 tokens", "80 tokens/s", "first token after 0.10 s"]`; no rate where all came in one read.
        """
        said = [f"{self.deltas} token{'' if self.deltas == 1 else 's'}"]
        if self.first is not None:
            if self.last > self.first:
                said.append(f"{(self.deltas - 1) / (self.last - self.first):.0f} tokens/s")
            said.append(f"first token after {self.first:.2f} s")
        return said

    def line(self, completion: Completion) -> str:
        """Write the line of statistics below an answer.

        Args:
            completion: The awaited whole, which knows how it ended and what the provider counted.

        Returns:
            One line.
        """
        facts = [*self.facts(), f"finish: {completion.finish_reason or 'none'}"]
        if completion.usage is not None:
            facts.append(f"usage: {usage_line(completion.usage)}")
        return " · ".join(facts)


def usage_line(usage: Usage) -> str:
    """Put tokens into words.

    >>> from rxllm.items import Usage
    >>> usage_line(Usage(input_tokens=12, output_tokens=3)), usage_line(Usage(output_tokens=3, estimated=True))
    ('12 in, 3 out', '3 out (counted here)')

    Args:
        usage: The provider's own numbers, or ours.

    Returns:
        One phrase.
    """
    counts = ((usage.input_tokens, "in"), (usage.output_tokens, "out"), (usage.reasoning_tokens, "of it reasoning"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count is not None)
    return f"{said or 'unknown'}{' (counted here)' if usage.estimated else ''}"
