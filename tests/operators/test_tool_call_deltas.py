from __future__ import annotations

from laws import OperatorLaws

from rxllm.operators.tool_call_deltas import tool_call_deltas
from rxllm.testing import play


class TestLaws(OperatorLaws):
    operator = tool_call_deltas()
    source = "{call 0 f '{'}-a-{call 0 arguments='}'}|"
    played = "{call 0 f '{'}---{call 0 arguments='}'}|"
    failed = "{call 0 f '{'}---{call 0 arguments='}'}#"


def test_the_whole_call_is_no_piece():
    assert play(tool_call_deltas(), "{tool_call 0 id f}-|") == "--|"
