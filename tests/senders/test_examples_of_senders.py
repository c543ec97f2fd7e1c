"""Each example of a sender runs as a user would run it, on the embedded model, and is short."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "examples" / "senders"
SAID = {
    "bounded_channel": "40 tokens came in ",
    "dual_output": 'items in the file; the last: {"kind":"Finish"',
    "logging_sender": "answer: ",
    "several_receivers": " deltas counted, 1 of 3 receivers failed",
    "token_statistics": "20 tokens, ",
    "web_socket": "{'event': 'token', 'id': 1, 'data': {'kind': 'TextDelta', 'text': ",
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_fits_on_a_screen(path):
    assert len(path.read_text().splitlines()) <= 40


def test_every_example_is_run():
    assert {path.stem for path in FOLDER.glob("*.py")} == {*SAID, "web_page"}  # that one by a browser


@pytest.mark.parametrize("name", SAID)
async def test_an_example_runs_and_says_what_it_should(name, real_model, capsys):
    await runpy.run_path(str(FOLDER / f"{name}.py"), run_name="example")["main"]()
    assert SAID[name] in capsys.readouterr().out
