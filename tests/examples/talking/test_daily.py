"""A conversation by voice, as far as it goes without Daily: room, pipeline, what is missing.

The services are other processors, and the rooms are those of a server that speaks Daily's protocol:
nothing here shows that the real ones work.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import click
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pipecat.frames import frames as theirs
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from callboard import Child
from callboard.actors.llm import LLMActivationArgs, LLMWorker, ScriptedModel, tool, when
from callboard.actors.llm.script import Call
from callboard.actors.testing import eventually
from callboard.examples.talking.daily import Room, hold, real_services
from callboard.examples.talking.daily_voice import Services
from callboard.examples.talking.environment import BadEnvironment, Environment
from callboard.examples.talking.example import Example

KEYS = ("DEEPGRAM_API_KEY", "CARTESIA_API_KEY")


class Ear(FrameProcessor):
    """Stands for a service: notes what passes."""

    def __init__(self) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.seen: list[theirs.Frame] = []

    async def process_frame(self, frame: theirs.Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.seen.append(frame)
        await self.push_frame(frame, direction)


class Stand:
    """The services of a room, in place of the real ones."""

    def __init__(self) -> None:
        self.room: Room | None = None
        self.arrives, self.hears, self.speaks, self.leaves = Ear(), Ear(), Ear(), Ear()
        self.came: Any = None
        self.went: Any = None

    def services(self, room: Room) -> Services:
        self.room = room

        def transport(came: Any, went: Any) -> tuple[FrameProcessor, FrameProcessor]:
            self.came, self.went = came, went
            return self.arrives, self.leaves

        return Services(transport, lambda: self.hears, lambda: self.speaks)

    @property
    def said(self) -> str:
        """What was to be spoken."""
        frames = self.speaks.seen
        return "".join(each.text for each in frames if isinstance(each, theirs.LLMTextFrame))

    async def say(self, text: str) -> None:
        """What the room and the ears make of what a user says."""
        frames = [
            theirs.VADUserStartedSpeakingFrame(),
            theirs.TranscriptionFrame(text, "user", "", finalized=True),
            theirs.VADUserStoppedSpeakingFrame(),
        ]
        for frame in frames:
            await self.arrives.push_frame(frame)


class Rooms:
    """A server that speaks Daily's protocol for rooms."""

    def __init__(self, *, status: int = 200) -> None:
        self.asked: list[tuple[str, str, str]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                asked.append((self.command, self.path, str(self.headers["Authorization"])))
                body = json.loads(self.rfile.read(length))
                if self.path.endswith("/rooms"):
                    assert body["properties"]["exp"] > 0
                room: dict[str, Any] = {
                    "id": "1",
                    "name": "lamp",
                    "api_created": True,
                    "privacy": "public",
                    "url": "https://acme.daily.example/lamp",
                    "created_at": "2026-01-01T00:00:00.000Z",
                    "config": {},
                    "token": "let-me-in",
                }
                self._answer(room)

            def do_DELETE(self) -> None:
                asked.append((self.command, self.path, str(self.headers["Authorization"])))
                self._answer({"deleted": True})

            def _answer(self, value: object) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    served = Rooms()
    yield served
    served.stop()


class Talker(LLMWorker):
    bridged = ()
    model = ScriptedModel(
        when("begin", "Hello!"),
        when("lamp", "One moment. ", Call("transfer")),
        when("broken", "Support here."),
        when("bye", "Goodbye.", Call("finish")),
        otherwise="Yes?",
    )

    @tool
    async def transfer(self) -> None:
        """Hand over to support."""
        await self.hand_over("support", [{"role": "user", "content": "broken"}])

    @tool
    async def finish(self) -> None:
        """End the session."""
        await self.end_session("bye was said")


def example() -> Example:
    workers = [Child("greeter", Talker), Child("support", Talker)]
    opening = LLMActivationArgs([{"role": "user", "content": "begin"}])
    return Example("Lamps", "greeter", workers, opening=opening)


@pytest.mark.check("M154")
@pytest.mark.realtime
async def test_a_conversation_goes_on_in_a_room_that_is_made_and_removed(rooms: Rooms) -> None:
    stand, out = Stand(), io.StringIO()
    holding = asyncio.create_task(hold(example(), "key", stand.services, out=out, api=rooms.url))
    await eventually(lambda: stand.came, within=30)
    assert stand.room == Room("https://acme.daily.example/lamp", "let-me-in")
    assert out.getvalue() == "https://acme.daily.example/lamp\n"
    assert stand.said == ""  # nobody is there to hear it
    await stand.came()
    await eventually(lambda: stand.said == "Hello!", within=30)
    await stand.say("my lamp does not work")
    await eventually(lambda: stand.said.endswith("Support here."), within=30)
    await stand.say("bye")
    assert await asyncio.wait_for(holding, 30) == 0
    assert stand.said.endswith("Goodbye.")
    bearer = "Bearer key"
    assert rooms.asked == [
        ("POST", "/rooms", bearer),
        ("POST", "/meeting-tokens", bearer),
        ("DELETE", "/rooms/lamp", bearer),
    ]


@pytest.mark.realtime
async def test_it_ends_when_the_user_leaves(rooms: Rooms) -> None:
    stand = Stand()
    holding = asyncio.create_task(
        hold(example(), "key", stand.services, out=io.StringIO(), api=rooms.url)
    )
    await eventually(lambda: stand.came, within=30)
    await stand.came()
    await eventually(lambda: stand.said == "Hello!", within=30)
    await stand.went()
    assert await asyncio.wait_for(holding, 30) == 0


@pytest.mark.realtime
async def test_a_room_that_daily_does_not_make_is_an_error_with_its_answer() -> None:
    refusing = Rooms(status=401)
    try:
        with pytest.raises(click.ClickException, match=r"no room.*401"):
            await hold(example(), "k", Stand().services, out=io.StringIO(), api=refusing.url)
    finally:
        refusing.stop()


@pytest.mark.check("M154", "M155")
@pytest.mark.parametrize("missing", KEYS)
def test_each_missing_key_is_named(missing: str) -> None:
    variables = {name: "k" for name in KEYS if name != missing}
    with pytest.raises(BadEnvironment, match=f"--transport daily needs {missing}"):
        real_services(Environment({}, variables))


@pytest.mark.check("M154")
def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nowhere)
    environment = Environment({}, dict.fromkeys(KEYS, "k"))
    with pytest.raises(click.ClickException, match=r"daily and deepgram.*callboard\[pipecat\]"):
        real_services(environment)
