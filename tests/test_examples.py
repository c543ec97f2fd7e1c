"""Each example runs as a user would run it, on the embedded model, and is short."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
SAID = {
    "async_for": "-- left early: cancelled",
    "cancel_and_pause": "cancelled: ",
    "custom_struct": '{"session":"session-1"',
    "file_sender": "[complete]",
    "merge_two": "calm said",
    "plain_operators": "characters: ",
    "quickstart": " tokens, ",
    "timeouts_and_errors": "each observer is told: TotalTimeout",
    "two_observers": "the late observer got them in 1",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_runs_and_says_what_it_should(path, real_model, capsys):
    await runpy.run_path(str(path), run_name="example")["main"]()
    assert SAID[path.stem] in capsys.readouterr().out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_on_a_screen(path):
    assert len(path.read_text().splitlines()) <= 40
