"""A Pipecat process, as its own users would write one: nothing of Callboard is in it.

It is told what to have by JSON in its first argument, and what to do by JSON lines; it answers, and
tells what happens, by JSON lines.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from loguru import logger
    from pipecat.bus import BusBridgeProcessor
    from pipecat.bus.serializers import JSONMessageSerializer
    from pipecat.frames import frames
    from pipecat.pipeline import job_decorator
    from pipecat.pipeline.job_context import JobParams, JobStatus
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineWorker
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
    from pipecat.workers.base_worker import BaseWorker
    from pipecat.workers.runner import WorkerRunner

SERIALIZER = cast("Any", JSONMessageSerializer)()

F = TypeVar("F")


def job(name: str) -> Callable[[F], F]:
    """Declare the handler of a job."""
    mark: Callable[[F], F] = cast("Any", job_decorator).job(name=name)
    return mark


def say(**what: Any) -> None:
    """Tell the test something."""
    sys.stdout.write(f"{json.dumps(SERIALIZER._serialize_value(what))}\n")
    sys.stdout.flush()


def shown(frame: Any) -> dict[str, Any]:
    """What counts of a frame."""
    kept = ("text", "audio", "messages", "user_id", "sample_rate")
    values = {name: getattr(frame, name) for name in kept if hasattr(frame, name)}
    return {"class": type(frame).__name__, **values}


class Arguments:
    """Arguments of an activation, as they are."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def to_dict(self) -> dict[str, Any]:
        return self._values


class Telling(BaseWorker):
    """Tells of its life."""

    async def on_activated(self, args: dict[str, Any] | None) -> None:
        await super().on_activated(args)
        say(event="activated", worker=self.name, args=args)

    async def on_deactivated(self) -> None:
        await super().on_deactivated()
        say(event="deactivated", worker=self.name)

    async def on_worker_ready(self, data: Any) -> None:
        await super().on_worker_ready(data)
        say(event="ready", worker=self.name, of=data.worker_name, runner=data.runner)


class Doer(Telling):
    """Does jobs."""

    @job("echo")
    async def echo(self, message: Any) -> None:
        await self.send_job_response(message.job_id, {"echo": message.payload})

    @job("steps")
    async def steps(self, message: Any) -> None:
        for step in range(3):
            await self.send_job_update(message.job_id, {"step": step})
        await self.send_job_response(message.job_id, {"steps": 3})

    @job("stream")
    async def stream(self, message: Any) -> None:
        await self.send_job_stream_start(message.job_id)
        for part in ("a", "b", "c"):
            await self.send_job_stream_data(message.job_id, {"text": part})
        await self.send_job_stream_end(message.job_id, {"whole": "abc"})

    @job("fail")
    async def fail(self, message: Any) -> None:
        response = {"error": "no such thing", "code": 7}
        await self.send_job_response(message.job_id, response, status=JobStatus.FAILED)

    @job("wrong")
    async def wrong(self, message: Any) -> None:
        response = {"error": "went wrong"}
        await self.send_job_response(message.job_id, response, status=JobStatus.ERROR, urgent=True)

    @job("give_up")
    async def give_up(self, message: Any) -> None:
        await self.send_job_response(message.job_id, status=JobStatus.CANCELLED)

    @job("crash")
    async def crash(self, message: Any) -> None:
        raise RuntimeError("it broke")

    @job("slow")
    async def slow(self, message: Any) -> None:
        say(event="begun", job=message.job_id)
        await asyncio.sleep(600)

    async def on_job_request(self, message: Any) -> None:
        await super().on_job_request(message)
        if message.job_name is None:
            await self.send_job_response(message.job_id, {"default": message.payload})

    async def on_job_cancelled(self, message: Any) -> None:
        await super().on_job_cancelled(message)
        say(event="cancelled", job=message.job_id, reason=message.reason)

    async def on_job_update_requested(self, message: Any) -> None:
        await super().on_job_update_requested(message)
        await self.send_job_update(message.job_id, {"asked": True})


class Shout(FrameProcessor):
    """Says in capitals what it hears."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._of = worker

    async def process_frame(self, frame: Any, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, frames.StartFrame | frames.EndFrame | frames.CancelFrame):
            await self.push_frame(frame, direction)
            return
        say(event="heard", worker=self._of, direction=direction.name, frame=shown(frame))
        if type(frame) is frames.TextFrame:
            frame = frames.TextFrame(f"{self._of}: {frame.text.upper()}")
        await self.push_frame(frame, direction)


class Keep(FrameProcessor):
    """Tells what comes by."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    async def process_frame(self, frame: Any, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, frames.StartFrame | frames.SystemFrame) or isinstance(
            frame, frames.InputAudioRawFrame | frames.InterruptionFrame
        ):
            say(event="came", place=self._place, direction=direction.name, frame=shown(frame))
        await self.push_frame(frame, direction)


class Child(PipelineWorker, Telling):
    """A worker on a bridge."""


class Process:
    """Everything in it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.workers: dict[str, Any] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.runner: Any = None

    async def bus(self) -> Any:
        channel = self.config["channel"]
        if "redis" in self.config:
            from pipecat.bus.network.redis import RedisBus
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import ConstantBackoff

            # Without a retry of its user's choice a process is deaf once Redis was away.
            patience: dict[str, Any] = {"retry": Retry(ConstantBackoff(0.1), 300)}
            options = patience if self.config.get("patient") else {}
            redis = cast("Any", Redis).from_url(self.config["redis"], **options)
            return RedisBus(redis=redis, channel=channel)
        from pipecat.bus.network.pgmq import PgmqBus

        if self.config.get("isolated"):
            import asyncpg
            from pipecat.bus.network.pgmq_backends import IsolatedPgmqBackend

            pool = await cast("Any", asyncpg).create_pool(
                self.config["pgmq"], min_size=2, max_size=4
            )
            return PgmqBus(backend=IsolatedPgmqBackend(pool), channel=channel)
        from pgmq.async_queue import PGMQueue

        class Client(cast("Any", PGMQueue)):  # type: ignore[misc]
            """The client as Pipecat asks for it (pgmq below 1.1), which lists queues by name."""

            async def list_queues(self) -> list[str]:
                return [str(getattr(e, "queue_name", e)) for e in await super().list_queues()]

        queue = Client(conn_string=self.config["pgmq"], pool_size=4, init_extension=False)
        await queue.init()
        return PgmqBus(pgmq=queue, channel=channel)

    async def run(self) -> None:
        bus = await self.bus()
        self.runner = WorkerRunner(
            name=self.config.get("runner"), bus=bus, handle_sigint=False, check_dangling_tasks=False
        )
        for name in self.config.get("doers", ()):
            self.workers[name] = Doer(name=name)
        for name in self.config.get("idle", ()):
            self.workers[name] = Doer(name=name, active=False)
        for name, bridged in self.config.get("children", {}).items():
            active = name in self.config.get("active", ())
            self.workers[name] = Child(
                Pipeline([Shout(name)]),
                name=name,
                bridged=tuple(bridged),
                active=active,
                cancel_on_idle_timeout=False,
            )
        for name, bridge in self.config.get("mains", {}).items():
            place = BusBridgeProcessor(bus=bus, worker_name=name, bridge=bridge)
            self.workers[name] = PipelineWorker(
                Pipeline([Keep(f"{name} before"), place, Keep(f"{name} after")]),
                name=name,
                cancel_on_idle_timeout=False,
                enable_rtvi=False,
            )
        await self.runner.add_workers(*self.workers.values())
        listening = asyncio.create_task(self.listen())
        say(event="begun_process", runner=self.runner.name)
        await self.runner.run(auto_end=False)
        listening.cancel()
        say(event="ended")

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 24)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            command = SERIALIZER._deserialize_value(json.loads(line))
            task = asyncio.create_task(self.do(command))
            self.tasks[str(command["id"])] = task
        await self.runner.cancel("its test has ended")

    async def do(self, command: dict[str, Any]) -> None:
        try:
            found = await getattr(self, f"do_{command['do']}")(command)
            say(reply=command["id"], value=found)
        except asyncio.CancelledError:
            say(reply=command["id"], error="CancelledError", text="")
        except Exception as error:
            say(reply=command["id"], error=type(error).__name__, text=str(error))

    async def do_job(self, command: dict[str, Any]) -> Any:
        params = JobParams(
            name=command.get("name"),
            payload=command.get("payload"),
            timeout=command.get("timeout", 30),
        )
        events: list[Any] = []
        async with self.workers[command["by"]].job(command["worker"], params=params) as asked:
            say(event="asked", id=command["id"])
            async for event in asked:
                events.append([event.type, event.data])
                say(event="job_event", id=command["id"], type=event.type, data=event.data)
        return {"events": events, "response": asked.response}

    async def do_cancel(self, command: dict[str, Any]) -> None:
        self.tasks[str(command["of"])].cancel()

    async def do_watch(self, command: dict[str, Any]) -> None:
        await self.workers[command["by"]].watch_workers(command["worker"])

    async def do_activate(self, command: dict[str, Any]) -> None:
        args = command.get("args")
        await self.workers[command["by"]].activate_worker(
            command["worker"],
            args=cast("Any", Arguments(args) if args is not None else None),
            deactivate_self=command.get("deactivate_self", False),
        )

    async def do_deactivate(self, command: dict[str, Any]) -> None:
        await self.workers[command["by"]].deactivate_worker(command["worker"])

    async def do_known(self, command: dict[str, Any]) -> Any:
        registry = self.runner.registry
        return {"local": registry.local_workers, "remote": registry.remote_workers}

    async def do_active(self, command: dict[str, Any]) -> Any:
        return self.workers[command["worker"]].active

    async def do_push(self, command: dict[str, Any]) -> None:
        worker = self.workers[command["worker"]]
        made = getattr(frames, command["class"])(**command.get("fields", {}))
        await worker.queue_frame(made, FrameDirection[command.get("direction", "DOWNSTREAM")])

    async def do_end_worker(self, command: dict[str, Any]) -> None:
        await self.workers[command["worker"]].stop()

    async def do_end(self, command: dict[str, Any]) -> None:
        await self.workers[command["by"]].end(reason=command.get("reason"))


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="DEBUG")
    asyncio.run(Process(json.loads(sys.argv[1])).run())
