"""The tour goes to every conversational example, and ends well only where all of them do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from callboard import examples
from callboard.examples.talking import tour
from callboard.examples.talking.tour import TOUR, Stop, run

FOLDER = Path(examples.__file__).parent

NO_CONVERSATION = {"indexing", "servers", "talking"}


def test_the_tour_goes_to_every_conversational_example() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")} - NO_CONVERSATION
    assert {stop.talks[0].partition(".")[0] for stop in TOUR.values()} == folders


@pytest.mark.check("M153")
def test_a_stop_runs_what_it_names_with_what_runs_beside_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(TOUR["remote_assistant"]) == 0
    said = capfd.readouterr().out
    assert "assistant: That is 42." in said and "listening on ws://127.0.0.1:" in said


def test_an_example_that_fails_has_the_tour_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOUR, "sensor", Stop("A wrong option", ("sensor", "--no-such-option")))
    with pytest.raises(SystemExit) as raised:
        tour.main(["sensor"])
    assert raised.value.code == 1


def test_a_name_that_is_none_is_refused_and_the_names_are_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "callboard.examples.talking.tour", "nonsense"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "'debate'" in done.stderr and not done.stdout
