from __future__ import annotations

from laws import OperatorLaws

from rxllm.operators.tool_calls import tool_calls
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = tool_calls()
    source = "{tool_call 0 id f}-a-{tool_call 1 id g}|"
    played = "{tool_call 0 id f}---{tool_call 1 id g}|"
    failed = "{tool_call 0 id f}---{tool_call 1 id g}#"


def test_the_pieces_of_a_call_are_no_call():
    assert play(tool_calls(), "{call 0 f '{}'}-|") == "--|"
