"""The embedded model: its weights, and llama.cpp to serve them; see the README beside this file."""

from __future__ import annotations

from rxllm.local.server import EMBEDDED_MODEL, LocalServer, shared_server

__all__ = ["EMBEDDED_MODEL", "LocalServer", "shared_server"]
