"""What a line to Redis does between two answers, and how long it waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from callboard.actors.testing import eventually
from callboard.transports.redis_line import BYTES_A_ROUND, ROUNDS, Line


class Ready:
    """A connection on which three answers have come already."""

    def __init__(self) -> None:
        self.answers = [b"one", b"two", b"three"]

    async def connect(self) -> None:
        raise NotImplementedError

    async def disconnect(self) -> None:
        pass

    async def send_packed_command(
        self, command: bytes | Iterable[bytes], check_health: bool
    ) -> None:
        raise NotImplementedError

    async def read_response(self, disable_decoding: bool) -> object:
        if self.answers:
            return self.answers.pop(0)
        return await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(("much", "seen"), [(True, 1), (False, 3)])
async def test_the_loop_has_a_turn_after_an_answer_that_was_much(much: bool, seen: int) -> None:
    taken: list[object] = []
    noted: list[int] = []
    loop = asyncio.get_running_loop()

    def take(answer: object) -> bool:
        if not taken:
            loop.call_soon(lambda: noted.append(len(taken)))
        taken.append(answer)
        return much

    line = Line(Ready(), "redis://nowhere", take)
    line.read(lambda error: pytest.fail(str(error)))
    await eventually(lambda: len(taken) == 3 and noted)
    await line.close()
    assert (taken, noted) == ([b"one", b"two", b"three"], [seen])


class Taking(Ready):
    """A connection that takes everything, and answers nothing."""

    async def send_packed_command(
        self, command: bytes | Iterable[bytes], check_health: bool
    ) -> None:
        pass


async def test_a_line_that_was_given_much_has_more_time_and_not_for_ever() -> None:
    line = Line(Taking(), "redis://nowhere", lambda _: None)

    def rounds() -> int:
        number = 1
        while line.look() is None:
            number += 1
        return number

    await line.send([bytes(BYTES_A_ROUND)] * 2, 2)
    await line.send(bytes(BYTES_A_ROUND), 1)
    line.answer_came()
    line.answer_came()
    await line.send(b"little", 1)
    assert rounds() == ROUNDS - 1 + 1
