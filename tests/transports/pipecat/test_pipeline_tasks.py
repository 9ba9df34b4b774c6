"""What Pipecat runs for a pipeline belongs to its worker: nothing of it is left, or unseen."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pipecat.frames import frames as theirs
from pipecat.processors.frame_processor import FrameProcessor

from callboard import Child, Node, Supervisor, Worker, on
from callboard.actors.testing import drive, eventually
from tests.transports.pipecat.pipelines import AT_ONCE, Life, Say, Voice, cell_of, company, voice
from tests.transports.pipecat.stages import Broken, Log, Recorder, Step, doing

pytestmark = pytest.mark.realtime

Action = Callable[[Step, theirs.TextFrame], Awaitable[None]]


# -- nothing is left ----


async def leaves_a_task(step: Step, frame: theirs.TextFrame) -> None:
    """A task that nobody cancels, as of a service that forgets to."""
    step.create_task(asyncio.Event().wait())  # pyright: ignore[reportUnknownMemberType]


async def leaves_a_handler(step: Step, frame: theirs.TextFrame) -> None:
    """The handler of an event, which Pipecat runs in a task of its own and waits for."""

    async def handle(*_: object) -> None:
        await asyncio.Event().wait()

    step.add_event_handler("on_usable_changed", handle)  # pyright: ignore[reportUnknownMemberType]
    await step.set_usable(False)


async def waits_for_ever(step: Step, frame: theirs.TextFrame) -> None:
    await asyncio.Event().wait()


async def clings(step: Step, frame: theirs.TextFrame) -> None:
    """Ends only when it is cancelled for the third time."""
    for _ in range(2):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


@pytest.mark.check("M140")
@pytest.mark.parametrize(
    ("action", "end"),
    [
        *((leaves_a_task, end) for end in ("stop", "kill", "crash")),
        *((waits_for_ever, end) for end in ("stop", "kill", "crash")),
        (leaves_a_handler, "stop"),
        (clings, "kill"),
    ],
)
async def test_nothing_of_a_pipeline_is_left_however_it_ends(action: Action, end: str) -> None:
    log = Log()

    class Crashing(Voice):
        @on(str)
        def crash(self, text: str) -> None:
            raise Broken(text)

    child = voice(
        log,
        lambda: [doing(action)(), Recorder(log)],
        kind=Crashing,
        restart="temporary",
        shutdown=0.2,
    )
    async with company(child) as node:
        await node.ask("voice", Say("x"))
        await asyncio.sleep(0.02)
        place = cell_of(node)
        if end == "stop":
            await node.admin().terminate_child("voice")
        elif end == "kill":
            node.admin().kill("voice")
        else:
            node.tell("voice", "oh")
        await eventually(lambda: place.closed, within=30)
        assert place.stuck is None
        assert log.seen[-1] == "cleanup"


@pytest.mark.check("M140")
async def test_what_does_not_end_though_cancelled_is_abandoned_in_sight() -> None:
    over = asyncio.Event()

    async def never_ends(step: Step, frame: theirs.TextFrame) -> None:
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await over.wait()

    child = voice(Log(), lambda: [doing(never_ends)()], shutdown=0.1, grace=0.3)
    async with company(child) as node:
        events = node.events.subscribe()
        await node.ask("voice", Say("x"))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        await node.admin().terminate_child("voice")
        assert time.monotonic() - began < 30
        abandoned = [event for event in events.take() if event.kind == "abandoned"]
        assert abandoned and any("never_ends" in event.text for event in abandoned)
        over.set()


async def test_a_pipeline_without_a_node_ends_too() -> None:
    log = Log()
    async with drive(lambda: Voice(log, lambda: [Recorder(log)], {"enable_rtvi": False})) as w:
        await w.ask(Say("alone"))
        await eventually(lambda: "alone" in log.seen)
        await w.crash(Broken("on purpose"))
        await w.restart()
        assert await w.ask(Life()) == 2
    assert [each for each in log.seen if each != "alone"] == [
        *("setup", "StartFrame", "CancelFrame", "cleanup"),
        *("setup", "StartFrame", "EndFrame", "cleanup"),
    ]


async def test_several_pipelines_run_on_one_node_and_one_may_be_a_private_child() -> None:
    log = Log()

    class Owner(Worker):
        async def on_start(self) -> None:
            await self.spawn(voice(log, lambda: [Recorder(log, "child")], name="child"))

        @on(str)
        async def say(self, text: str) -> None:
            self.tell("child", Say(text))

    class Both(Voice):
        async def on_start(self) -> None:
            await self.spawn(Child("owner", Owner))

    async with company(
        voice(log, lambda: [Recorder(log, "a")], name="a", kind=Both),
        voice(log, lambda: [Recorder(log, "b")], name="b"),
    ) as node:
        node.tell("a", Say("to a"))
        node.tell("b", Say("to b"))
        await eventually(lambda: {"a:to a", "b:to b"} <= set(log.seen))
    # A worker's pipeline ends before its children do: its processors may need them.
    assert log.seen.index("a:EndFrame") < log.seen.index("child:EndFrame")


# -- and it is seen ----


async def test_a_processor_that_blocks_the_loop_is_named_with_its_worker() -> None:
    seen: list[tuple[str, str]] = []

    class Blocking(Step):
        async def process_frame(self, frame: theirs.Frame, direction: object) -> None:
            if isinstance(frame, theirs.TextFrame):
                self.hold_up_the_loop()
            await FrameProcessor.process_frame(self, frame, direction)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            await self.push_frame(frame, direction)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

        def hold_up_the_loop(self) -> None:
            events = node.events.subscribe()
            begin = time.monotonic()
            while not seen and time.monotonic() - begin < 20:
                time.sleep(0.01)
                seen.extend(
                    (each.path, each.text) for each in events.take() if each.kind == "blocked"
                )
            events.close()

    tree = Supervisor([voice(Log(), lambda: [Blocking()])], restarts=AT_ONCE)
    async with Node(tree) as node:
        node.tell("voice", Say("x"))
        await eventually(lambda: bool(seen), within=30)
    ((path, text),) = seen
    assert path == "root/voice" and "hold_up_the_loop" in text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
async def test_an_interruption_in_a_processor_ends_the_node_in_order(error: BaseException) -> None:
    log = Log()

    async def interrupt(step: Step, frame: theirs.TextFrame) -> None:
        raise error

    async def run() -> BaseException | None:
        try:
            await node.run()
        except (KeyboardInterrupt, SystemExit) as raised:
            return raised
        return None

    node = company(voice(log, lambda: [doing(interrupt)(), Recorder(log)]))
    await node.start()
    running = asyncio.create_task(run())
    node.tell("voice", Say("x"))
    assert await running is error
    assert log.seen[-1] == "cleanup" and log.lives == 1
    assert node.events.counts["interrupted"] == 1


async def test_what_a_processor_sends_comes_from_its_worker() -> None:
    sources: list[str] = []

    class Listener(Worker):
        @on(str)
        def hear(self, text: str) -> None:
            source = self.envelope.source
            sources.append(source.name if source is not None else "")

    async def tell(step: Step, frame: theirs.TextFrame) -> None:
        Voice.of(step).tell("listener", frame.text)

    async with company(Child("listener", Listener), voice(Log(), lambda: [doing(tell)()])) as node:
        node.tell("voice", Say("x"))
        await eventually(lambda: bool(sources))
    assert sources == ["voice"]


async def test_a_processor_may_end_the_session_and_what_was_queued_goes_through() -> None:
    async def hang_up(step: Step, frame: theirs.TextFrame) -> None:
        if frame.text == "4":
            await Voice.of(step).node.drain("they hung up")

    log = Log()
    node = company(voice(log, lambda: [doing(hang_up)(), Recorder(log)]))
    await node.start()
    for number in range(5):
        node.tell("voice", Say(f"{number}"))
    await node.run()
    assert log.seen[2:] == ["0", "1", "2", "3", "4", "EndFrame", "cleanup"]


def test_a_program_that_leaves_its_loop_without_stopping_the_node_is_not_held(
    tmp_path: Path,
) -> None:
    program = """
import asyncio
from callboard import Child, Node, Supervisor
from callboard.transports.pipecat.pipeline import PipecatWorker
from pipecat.processors.frame_processor import FrameProcessor

class Voice(PipecatWorker):
    def build_pipeline(self):
        return []

async def main():
    await Node(Supervisor([Child("voice", Voice)])).start()

asyncio.run(main())
print("left")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert ran.stdout == "left\n", ran.stderr


# -- the extra ----


@pytest.mark.check("M140")
def test_without_pipecat_it_is_said_what_to_install_and_nothing_else_imports_it(
    tmp_path: Path,
) -> None:
    program = """
import sys
sys.modules["pipecat"] = None
import callboard, callboard.transports.pipecat, callboard.transports.urls, callboard.supervision.cli
try:
    import callboard.transports.pipecat.pipeline
except ImportError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    assert "pip install 'callboard[pipecat]'" in ran.stdout


def test_importing_it_raises_no_warning_whatever_pipecat_imports(tmp_path: Path) -> None:
    program = "import callboard.transports.pipecat.pipeline"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
