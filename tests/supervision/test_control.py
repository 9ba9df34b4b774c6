"""The control socket: for its owner only, of one node only, read only, and safe from its askers."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from callboard import Child, Node, Supervisor, Worker
from callboard.supervision import control
from callboard.supervision.control import (
    Control,
    ControlError,
    NameServed,
    NotAnswering,
    ask,
    control_directory,
    serving,
    socket_of,
)

pytestmark = pytest.mark.realtime


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not pytest's own folder: the path of a socket has hardly a hundred characters.
    with tempfile.TemporaryDirectory(prefix="cb-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"heard": asked.get("say")}


def fail(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ValueError("a question too many")


@asynccontextmanager
async def served(name: str = "house") -> AsyncGenerator[Control]:
    found = Control(name, {"echo": echo, "fail": fail})
    found.claim()
    await found.serve()
    try:
        yield found
    finally:
        await found.close()


async def in_thread(word: str, **more: Any) -> dict[str, Any]:
    return await asyncio.to_thread(ask, "house", word, **more)


async def test_directory_and_socket_are_for_their_owner_only() -> None:
    async with served() as found:
        assert found.path is not None
        assert stat.S_IMODE(found.path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(found.path.stat().st_mode) == 0o600


async def test_it_answers_line_by_line() -> None:
    async with served():
        reader, writer = await asyncio.open_unix_connection(str(socket_of("house")))
        for word in ("one", "two"):
            writer.write(orjson.dumps({"ask": "echo", "say": word}) + b"\n")
            assert orjson.loads(await reader.readline()) == {"ok": True, "heard": word}
        writer.close()
        await writer.wait_closed()


async def test_what_is_no_request_is_refused_and_the_next_one_answered() -> None:
    async with served():
        reader, writer = await asyncio.open_unix_connection(str(socket_of("house")))
        for line in (b"{", b"[]", b"7", b'{"ask": 7}', b'{"ask": "stop"}', b"[" * 5000, b"\xff"):
            writer.write(line + b"\n")
            answer = orjson.loads(await reader.readline())
            assert answer["ok"] is False and answer["error"]
        writer.write(b'{"ask": "echo", "say": 1}\n')
        assert orjson.loads(await reader.readline())["heard"] == 1
        writer.close()
        await writer.wait_closed()


async def test_a_request_that_is_too_long_is_refused_and_hung_up_on() -> None:
    async with served():
        reader, writer = await asyncio.open_unix_connection(str(socket_of("house")))
        writer.write(b"x" * (control.REQUEST_BYTES * 3))
        assert b"at most 65536 bytes" in await reader.readline()
        assert await reader.read() == b""
        writer.close()


async def test_an_answer_that_fails_is_an_error_to_its_asker_alone() -> None:
    async with served():
        with pytest.raises(ControlError, match="refused 'fail': ValueError: a question too many"):
            await in_thread("fail")
        assert (await in_thread("echo", say="still here"))["heard"] == "still here"


async def test_a_text_that_is_no_unicode_is_shown_all_the_same() -> None:
    found = Control("house", {"name": lambda asked: {"file": "na\udcefve"}})
    found.claim()
    await found.serve()
    assert (await in_thread("name"))["file"] == "na?ve"
    await found.close()


async def test_a_second_node_of_a_name_is_refused_while_the_first_lives() -> None:
    async with served():
        second = Control("house", {})
        with pytest.raises(NameServed, match="'house' is running already"):
            second.claim()
        await second.close()
        assert (await in_thread("echo"))["ok"]  # and its end took nothing from the first
        assert serving() == ["house"]
    assert serving() == []


async def test_a_dead_nodes_socket_is_replaced_and_its_late_end_removes_nothing() -> None:
    dead = Control("house", {})
    path = dead.claim()
    orphan = path.with_name("elsewhere.sock")
    path.rename(orphan)
    async with served():
        await dead.close()
        assert path.exists()
    assert not path.exists()
    assert serving() == []
    assert not orphan.exists()


async def test_a_node_that_gives_no_answer_is_told_from_one_that_is_not_there() -> None:
    found = Control("house", {})
    found.claim()  # and does not serve
    with pytest.raises(NotAnswering) as raised:
        await in_thread("echo", timeout=0.2)
    assert raised.value.pid == os.getpid()
    assert serving() == ["house"]
    await found.close()
    with pytest.raises(ControlError, match="no node called 'house' runs here"):
        await in_thread("echo")


async def test_many_askers_at_once_are_all_answered_or_hung_up_on() -> None:
    async with served():
        idle = [socket.socket(socket.AF_UNIX) for _ in range(control.CONNECTIONS)]
        for each in idle:
            each.connect(str(socket_of("house")))
            await asyncio.sleep(0)
        with pytest.raises(ControlError):
            await in_thread("echo", timeout=5)
        for each in idle:
            each.close()
        answers = await asyncio.gather(*(in_thread("echo", say=n) for n in range(10)))
        assert [each["heard"] for each in answers] == list(range(10))


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o701])
def test_a_directory_that_others_may_enter_is_refused(home: Path, mode: int) -> None:
    (home / "callboard").mkdir()
    (home / "callboard").chmod(mode)
    for create in (True, False):
        with pytest.raises(ControlError, match="is open to others"):
            control_directory(create=create)
    with pytest.raises(ControlError, match="chmod 700"):
        Control("house", {}).claim()


def test_a_link_in_place_of_the_directory_is_refused(home: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (home / "callboard").symlink_to(tmp_path)
    with pytest.raises(ControlError, match="is not a directory"):
        control_directory(create=True)


def test_a_directory_of_somebody_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    (home / "callboard").mkdir(mode=0o700)
    mine = os.geteuid()
    # Only root may give a directory away; so here it is the user that is another one.
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(ControlError, match=rf"belongs to user {mine}, not to you \({mine + 1}\)"):
        control_directory(create=True)


def test_without_a_runtime_directory_each_user_has_one_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    made = control_directory(create=True)
    assert made == home / f"callboard-{os.geteuid()}"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


async def test_a_node_entered_in_code_serves_no_control_socket(home: Path) -> None:
    async with Node(Supervisor([Child("actor", Worker)]), name="house"):
        assert serving() == []
    assert not (home / "callboard").exists()
