"""Both type checkers know the answer of a typed job, and refuse what does not fit it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RIGHT = Path(__file__).with_name("typed_jobs.py")

WRONG = """\
from callboard import JobMessage, Worker


class Count(JobMessage[int]):
    start: int


class Asker(Worker):
    async def use_requests(self) -> None:
        text: str = await self.request("counter", Count(1))  # an int
        print(text)
        await self.request("counter", Count("one"))  # not a number
        await self.request("counter", Count(1), "a payload besides")
        more: list[str] = (await self.start_job_group("a", job=Count(1)))["a"]  # an int
        print(more)
"""

CHECKERS = {
    "mypy": ["-m", "mypy", "--config-file", "pyproject.toml", "--python-executable"],
    "pyright": ["-m", "pyright", "--pythonpath"],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_knows_the_type_of_every_answer_and_refuses_what_does_not_fit(
    checker: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong_use_of_jobs.py"
    wrong.write_text(WRONG)
    command = [sys.executable, *CHECKERS[checker], sys.executable, str(RIGHT), str(wrong)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    found = re.findall(r"([\w.]+\.py):(\d+):.* error: ", ran.stdout)
    assert [line for name, line in found if name == RIGHT.name] == [], ran.stdout
    lines = WRONG.splitlines()
    expected = {number for number, line in enumerate(lines, 1) if "#" in line or "besides" in line}
    assert {int(line) for name, line in found if name == wrong.name} == expected, ran.stdout
