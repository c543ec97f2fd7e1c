"""Operators over stream items, one a file: `from rxllm import operators as ops`."""

from rxllm.operators.aggregate import aggregate
from rxllm.operators.budget import budget
from rxllm.operators.cancel_on import Trigger, cancel_on
from rxllm.operators.choice import choice
from rxllm.operators.code_blocks import CodeBlock, code_blocks
from rxllm.operators.conflate import conflate
from rxllm.operators.count_tokens import count_tokens
from rxllm.operators.final import final
from rxllm.operators.json_values import JsonValue, json_values
from rxllm.operators.lines import lines
from rxllm.operators.markdown_blocks import MarkdownBlock, markdown_blocks
from rxllm.operators.measure import Metrics, measure
from rxllm.operators.merge_tagged import merge_tagged
from rxllm.operators.of_type import of_type
from rxllm.operators.paragraphs import paragraphs
from rxllm.operators.partial import partial
from rxllm.operators.pausable import Gate, pausable
from rxllm.operators.reasoning import reasoning
from rxllm.operators.redact import redact
from rxllm.operators.repetition_guard import repetition_guard
from rxllm.operators.sentences import sentences
from rxllm.operators.smooth import smooth
from rxllm.operators.stop_at import stop_at
from rxllm.operators.tag import Tagged, tag
from rxllm.operators.tee import tee
from rxllm.operators.text import text
from rxllm.operators.think_tags import think_tags
from rxllm.operators.timeouts import timeouts
from rxllm.operators.tool_call_deltas import tool_call_deltas
from rxllm.operators.tool_calls import tool_calls
from rxllm.operators.tool_ready import tool_ready
from rxllm.operators.turns import turns
from rxllm.operators.typewriter import typewriter
from rxllm.operators.usage import usage

__all__ = [
    "CodeBlock",
    "Gate",
    "JsonValue",
    "MarkdownBlock",
    "Metrics",
    "Tagged",
    "Trigger",
    "aggregate",
    "budget",
    "cancel_on",
    "choice",
    "code_blocks",
    "conflate",
    "count_tokens",
    "final",
    "json_values",
    "lines",
    "markdown_blocks",
    "measure",
    "merge_tagged",
    "of_type",
    "paragraphs",
    "partial",
    "pausable",
    "reasoning",
    "redact",
    "repetition_guard",
    "sentences",
    "smooth",
    "stop_at",
    "tag",
    "tee",
    "text",
    "think_tags",
    "timeouts",
    "tool_call_deltas",
    "tool_calls",
    "tool_ready",
    "turns",
    "typewriter",
    "usage",
]
