"""The command `rxllm`, also as `python -m rxllm`."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from contextlib import suppress
from typing import Final, NoReturn

__all__ = ["main"]

_USAGE: Final = 2
_INTERRUPTED: Final = 130
_SIGNALLED: Final = range(128, 256)


def main() -> None:
    """Run the command line; without its extra, say in one line how to get it."""
    try:
        status = _run()
        signal.signal(signal.SIGINT, _leave)  # nor does the interpreter's own end want one
    except KeyboardInterrupt:  # between two handlers
        status = _INTERRUPTED
    if status in _SIGNALLED:
        # Who was told to leave does not wait for a thread that still loads a model; its child ends with our pipe to it.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


def _run() -> int:
    # Amid imports a KeyboardInterrupt may be lost, with a traceback, where they call back; there is nothing to close.
    heard = signal.signal(signal.SIGINT, _leave)
    # A closed descriptor (`>&-`) is None in Python; whoever closed it wants to see nothing.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115 - open as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115 - as above
    if any(importlib.util.find_spec(name) is None for name in ("click", "rich")):
        sys.stderr.write("rxllm: the command line needs click and rich: pip install 'rxllm[cli]'\n")
        return _USAGE
    from rxllm.cli import main as run

    signal.signal(signal.SIGINT, heard)
    return run()


def _leave(_signal: int, _frame: object) -> NoReturn:
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
