"""Each example runs as a user would run it, on the embedded model, and is short."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
SAID = {
    "agent_approval": "may it call book_room(",
    "agent_output": "validated: Person(",
    "agent_tools": "looked for: ",
    "async_for": "-- left early: cancelled",
    "attempts": "the race was won by local:",
    "budget_that_cuts": "(budget_tokens), 12 tokens, estimated",
    "cancel_and_pause": "cancelled: ",
    "conversation": "user: And who was his brother?\nassistant: ",
    "custom_struct": '{"session":"session-1"',
    "file_sender": "[complete]",
    "live_table_rows": "the table is complete",
    "many_runs": "4 of 4",
    "merge_two": "calm said",
    "plain_operators": "characters: ",
    "quickstart": " tokens, ",
    "redacted_chat": "-- redacted: ",
    "search_agent": "-- AgentCompleted ",
    "stop_workflow": "kept: '",
    "structured_live": "whole: Story(",
    "timeouts_and_errors": "each observer is told: TotalTimeout",
    "token_timeout": "by hand: cancelled",
    "tool_request": "whole: weather(city=",
    "two_models_side_by_side": "first token after",
    "two_observers": "the late observer got them in 1",
    "voice_sentences": "screen: ",
    "workflow": "4 steps: ",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_runs_and_says_what_it_should(path, real_model, capsys):
    await runpy.run_path(str(path), run_name="example")["main"]()
    assert SAID[path.stem] in capsys.readouterr().out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_screen(path):
    assert len(path.read_text().splitlines()) <= 40
