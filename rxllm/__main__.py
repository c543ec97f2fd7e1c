"""The command `rxllm`, also as `python -m rxllm`."""

from __future__ import annotations

import importlib.util
import os
import sys
from contextlib import suppress
from typing import Final

__all__ = ["main"]

_USAGE: Final = 2
_SIGNALLED: Final = range(128, 256)


def main() -> None:
    """Run the command line; without its extra, say in one line how to get it."""
    # A closed descriptor (`>&-`) is None in Python; whoever closed it wants to see nothing.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115 - open as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115 - as above
    if any(importlib.util.find_spec(name) is None for name in ("click", "rich")):
        sys.stderr.write("rxllm: the command line needs click and rich: pip install 'rxllm[cli]'\n")
        sys.exit(_USAGE)
    try:
        from rxllm.cli import main as run

        status = run()
    except KeyboardInterrupt:  # while still importing
        status = 130
    if status in _SIGNALLED:
        # Who was told to leave does not wait for a thread that still loads a model; its child ends with our pipe to it.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
