"""The child process: llama.cpp's own HTTP server for one GGUF file, on a free loopback port.

It is run by its path, so that it loads neither rxllm nor what rxllm needs. It writes its address to stdout, one line,
once it answers; it lives until its stdin ends, which is when its parent closes it, or is gone for whatever reason.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from typing import Any

__all__ = ["main"]

_PROMPT_CACHE_MIB = 256  # llama.cpp's own default is 8 GiB of prompts kept in memory
_WARNINGS = 2  # llama.cpp's verbosity; at its default it writes several lines a request


def main() -> None:
    """Serve until stdin ends."""
    # Ctrl-C goes to every process of the terminal: it cancels an answer, and must not end the server of all others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what C++ prints goes to the log, not behind the address

    server = _serve(_arguments())

    os.write(address, f"{server.listening_address}\n".encode())
    os.close(address)
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)  # llama.cpp's destructor would wait for the answers in progress, and nobody is left to read them


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("gguf")
    parser.add_argument("--alias", required=True)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--gpu-layers", type=int)
    return parser.parse_args()


def _serve(arguments: argparse.Namespace) -> Any:
    """Load the model and listen; llama.cpp serves on threads of its own from here on."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # an extra, and without type stubs
    params = xllamacpp.CommonParams()
    params.model.path = arguments.gguf
    params.model_alias = {arguments.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the system chooses a free one, so that there is no race for it
    params.cors_origins = ""  # no page in the user's browser may read from it
    params.n_parallel = arguments.parallel
    params.n_ctx = arguments.context
    params.kv_unified = True  # one long answer may use the whole context while the others are short
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = arguments.threads
    if arguments.gpu_layers is not None:
        params.n_gpu_layers = arguments.gpu_layers
    params.endpoint_metrics = params.endpoint_slots = params.endpoint_props = True
    params.verbosity = _WARNINGS
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(str(error))  # the cause stands in the log's lines above it, not in a traceback


if __name__ == "__main__":
    main()
