"""The command line: `rxllm chat`, `replay`, `providers`, `health`, `demo`; needs the extra `[cli]`."""

from rxllm.cli.app import main

__all__ = ["main"]
