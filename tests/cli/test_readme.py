"""The README's command lines, typed one after the other by somebody who has no key and no server."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from rxllm_process import ROOT, run_all

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = re.findall(r"^rxllm .*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
MISSING = [  # what stops a newcomer, and what they are told
    ("openai:", 2, "set the variable OPENAI_API_KEY"),
    ("--gguf", 2, "qwen3-0.6b-q8_0.gguf"),
    ("8080", 6, "Is the server running?"),
    ("rxllm chat  ", 2, "The prompt is empty"),  # nobody types: stdin is no terminal here
]


async def test_each_command_of_the_readme_works_or_says_in_one_line_what_is_missing(
    real_model: None, tmp_path: Path
) -> None:
    assert len(COMMANDS) > len(MISSING)
    typed = [
        tuple(shlex.split(c.replace("8080", "1"), comments=True)[1:]) for c in COMMANDS
    ]  # nobody listens on port 1
    stopped = 0
    for command, ran in zip(COMMANDS, await run_all(*typed, cwd=tmp_path), strict=True):
        status, told = next(((s, t) for word, s, t in MISSING if word in command), (0, ""))
        assert ran.status == status, command
        assert told in ran.err, command
        if status:
            stopped += 1
            assert ran.err.startswith("rxllm: "), command
            assert ran.err.count("\n") == 1, command
        else:
            assert ran.out, command
    assert stopped == len(MISSING)
