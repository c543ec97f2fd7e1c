"""What comes out: `Completion`, the whole of a stream so far, and `accumulate`, which adds one item to it."""

from rxllm.completion.answer_message import STOPPED
from rxllm.completion.arguments import parse_arguments
from rxllm.completion.choice import Choice
from rxllm.completion.completion import Completion, accumulate, accumulator, fold
from rxllm.completion.head import Attempt

__all__ = ["STOPPED", "Attempt", "Choice", "Completion", "accumulate", "accumulator", "fold", "parse_arguments"]
