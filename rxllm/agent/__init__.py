"""Agents: a model with tools, asked until it has an answer; all its turns are one stream."""

from rxllm.agent.agent import Agent, AgentStream

__all__ = ["Agent", "AgentStream"]
