"""Tools: functions that a model may call, described, checked and run."""

from rxllm.tools.tool import Tool, as_tool, result_text, tool

__all__ = ["Tool", "as_tool", "result_text", "tool"]
