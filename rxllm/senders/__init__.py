"""Observers that put a stream somewhere: a screen, a file, a queue, a function, a browser."""

from rxllm.senders.as_sender import as_sender
from rxllm.senders.async_sender import AsyncSender
from rxllm.senders.broadcast import BroadcastSender
from rxllm.senders.callback import CallbackSender
from rxllm.senders.jsonl import JsonlSender
from rxllm.senders.memory import MemorySender
from rxllm.senders.queue import QueueSender
from rxllm.senders.sender import Sender
from rxllm.senders.sse import SseSender
from rxllm.senders.stdout import StdoutSender
from rxllm.senders.websocket import WebSocketSender

__all__ = [
    "AsyncSender",
    "BroadcastSender",
    "CallbackSender",
    "JsonlSender",
    "MemorySender",
    "QueueSender",
    "Sender",
    "SseSender",
    "StdoutSender",
    "WebSocketSender",
    "as_sender",
]
