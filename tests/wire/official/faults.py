"""Where the official clients see another thing than we do, each with its reason; the right view is ours.

The table is strict: a fault that has gone, or has grown, fails the test, so that it never hides one of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault of one client: why, what of its view is another, and the recordings that show it."""

    reason: str
    fields: frozenset[str]
    recordings: tuple[str, ...]


def fault(reason: str, fields: str, *recordings: str) -> Fault:
    return Fault(reason, frozenset(fields.split()), recordings)


FAULTS = [
    # openai, Chat Completions
    fault(
        "openai takes the end of the bytes for the end of the response, also where no [DONE] came",
        "end",
        "gpustack--chat-with-extended-thinking-gpustack-qwen3-streams-thinking-content-when-a",
        "writer--test-writer-async-streaming-chat-multiple-choices-legacy",
    ),
    fault(
        "the same, and openai skips a chunk whose `object` is chat.completion.done, which has the finish reason",
        "end finish",
        "perplexity--chat-streaming-responses-perplexity-sonar-supports-streaming-responses",
        "perplexity--streaming-streaming-smoke",
    ),
    fault(
        "openai skips chunks without an `object`",
        "text finish usage",
        "copilot--streaming-example-streaming-prompt",
    ),
    fault(
        "openai fails on a choice without a `delta`, as Azure's asynchronous filter sends it",
        "text finish end",
        "azure--azure-chat-completion-streamed",
    ),
    fault(
        "openai replaces usage by the null of a later chunk",
        "usage",
        "litellm--completion-stream-multiple-choices-proxy",
        "openai--test-openai-moderation-stream",
    ),
    fault("openai does not know x_groq.usage", "usage", "groq--test-groq-model-web-search-tool-stream"),
    fault(
        "openai raises the error of a chunk before it looks at the usage in it",
        "usage",
        "openrouter--test-openrouter-stream-error",
    ),
    fault(
        "openai drops a last event that no blank line ended, here an error",
        "end",
        "openai--chatcompletioncreateerror",
    ),
    fault(
        "openai replaces content that is a list of parts by the string that comes later",
        "text reasoning",
        "mistral--chat-mistral-hybrid-reasoning-streams-thinking-separately-from-content",
    ),
    fault(
        "openai takes a tool call's index for a position, and fails where there is none",
        "usage end",
        "mistral--test-synchronous-streaming-chat-completions-with-tool-call-response-emits-e",
    ),
    fault(
        "openai joins a tool call's id and name where they are repeated",
        "tools",
        "openai--test-tools-streaming-variant-a",
    ),
    fault(
        "openai takes the null of a tool call's later deltas for a value, and fails",
        "tools finish usage",
        "writer--test-writer-async-streaming-chat-tool-call-request-legacy",
    ),
    fault(
        "openai fails on lists in a delta whose members have no index, as OpenRouter's reasoning_details",
        "text reasoning finish usage end",
        "openrouter--test-openrouter-streaming-reasoning",
    ),
    fault(
        "openai takes a choice's index for a position, and fails where choice 1 speaks first",
        "text finish end",
        "n2",
    ),
    # openai, Responses
    fault(
        "openai believes the empty `output` of response.completed, though the items had been told: no text",
        "text",
        "chatgpt--codex-behaviors-default-instructions-merge-with-explicit-preamble",
    ),
    fault(
        "the same: no tool calls",
        "tools",
        "chatgpt--codex-sessions-reasoning-session-two-tool-calls-streaming",
    ),
    fault(
        "openai fails where a proxy changes the response's id with each event",
        "text finish usage end",
        "copilot--reasoning-roundtrip-streaming",
    ),
    fault(
        "openai fails where an item's call_id changes between its beginning and its end",
        "finish usage end",
        "openai--openai-client-tool-search-1",
    ),
    fault("openai needs output_index, which llama.cpp does not send", "text finish usage end", "responses-text"),
    fault("the same, with reasoning", "text reasoning finish usage end", "responses-reasoning"),
    fault("the same, with tool calls", "reasoning tools finish usage end", "responses-tool-parallel"),
    # anthropic
    fault(
        "anthropic completes a call's JSON that was cut, where ours has no arguments, only their raw text: an error",
        "tools",
        "composed--anthropic-api-error-mid-tool-json",
    ),
    fault(
        "the same, with two responses in one body: anthropic adds the JSON of the second to the first's",
        "tools",
        "anthropic--spliced-message-start",
    ),
    fault(
        "anthropic parses the `data: [DONE]` that OpenRouter adds behind message_stop, and fails",
        "end",
        "anthropic--streaming-gateway-message-delta-metadata",
    ),
    # google-genai
    fault(
        "google-genai gives the pieces of a call's arguments as calls without a name",
        "tools",
        "google--google-stream-no-args-tool-call",
        "google--google-stream-tool-call-arguments",
        "vertex--google-vertex-stream-tool-call-arguments-nested-1",
    ),
    fault(
        "google-genai leaves it to its user to find out that a prompt was blocked",
        "end",
        "google--streaming-failure-prompt-blocked-safety",
    ),
]
