"""A server that speaks OpenAI's chat API on a loopback port, with the troubles that it is told.

    with OpenAIServer(ScriptedModel(...), key="sk-test") as server:
        model = OpenAIModel("any", api_key="sk-test", base_url=server.url)

It replies by any model of ours, streams word by word, cuts tool calls into fragments, and keeps a
log of what it was asked. `python -m tests.servers.openai_server 8080` runs it by itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from callboard.actors.llm import Finished, Model, ScriptedModel, TextPiece, ToolCall, ToolSchema

__all__ = ["OpenAIServer", "Request", "Trouble"]

FRAGMENT = 5
"""Characters of a tool call's arguments in one chunk."""


@dataclass
class Request:
    """One request, as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    chunks: int = 0
    """Chunks of the reply that were sent."""
    left_early: bool = False
    """Whether the client closed the connection before the end of the reply."""
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one request."""

    status: int = 200
    message: str = "trouble"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    """Seconds before the response begins."""
    cut_after: int | None = None
    """The connection is cut after so many chunks."""
    end_after: int | None = None
    """The stream ends in order after so many chunks, without its last ones."""
    stall_after: int | None = None
    """Nothing comes after so many chunks."""
    say_after: tuple[int, str] | None = None
    """After so many chunks this is sent as data."""
    refusal: str = ""
    """The model refuses in these words."""
    reason: str | None = None
    """The reason for which the stream finishes."""
    bare: bool = False
    """Tool calls come whole and without index and id, as some servers send them."""


class Left(Exception):
    """The client has closed the connection."""


class OpenAIServer:
    """A server in a thread of its own; `with` runs it."""

    def __init__(self, model: Model | None = None, *, key: str = "sk-test", port: int = 0) -> None:
        """Reply by this model to whoever has the key."""
        self.model: Model = model or ScriptedModel(otherwise="You said: {text}")
        self.key = key
        self.port = port
        self.requests: list[Request] = []
        self._troubles: deque[Trouble] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="openai-server", daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def trouble(self, *troubles: Trouble) -> None:
        """Have the next requests go wrong, one each."""
        self._troubles.extend(troubles)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def run_forever(self) -> None:
        """Run in this thread until interrupted."""
        self._serve()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    # -- one connection ----

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request: Request | None = None
        try:
            request = await self._read(reader)
            self.requests.append(request)
            await self._answer(request, reader, writer)
        except (Left, ConnectionError):
            if request is not None:
                request.left_early = True
        except asyncio.IncompleteReadError:
            pass
        finally:
            if request is not None:
                request.done.set()
            with suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(path, headers, json.loads(body or b"{}"))

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        trouble = self._troubles.popleft() if self._troubles else Trouble()
        if trouble.delay:
            await self._unless_left(reader, asyncio.sleep(trouble.delay))
        if trouble.status != 200:
            self._refuse(writer, trouble.status, trouble.message, trouble.code, trouble.headers)
        elif request.headers.get("authorization") != f"Bearer {self.key}":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            self._refuse(writer, 401, f"Incorrect API key provided: {given}", "invalid_api_key", {})
        elif request.path != "/v1/chat/completions":
            self._refuse(writer, 404, f"no such path: {request.path}", None, {})
        elif request.body.get("stream"):
            await self._stream(request, trouble, reader, writer)
        else:
            await self._whole(request, writer)
        await writer.drain()

    def _refuse(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        message: str,
        code: str | None,
        headers: Mapping[str, str],
    ) -> None:
        error = {"message": message, "type": "error", "code": code, "param": None}
        self._send_head(writer, status, {**headers, "content-type": "application/json"})
        writer.write(json.dumps({"error": error}).encode())

    def _send_head(
        self, writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]
    ) -> None:
        lines = [f"HTTP/1.1 {status} -", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())

    async def _stream(
        self,
        request: Request,
        trouble: Trouble,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        kind = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        self._send_head(writer, 200, kind)
        chunks = self._chunks(request, trouble)
        try:
            while True:
                if request.chunks == trouble.cut_after:
                    await writer.drain()
                    writer.transport.abort()
                    return
                if request.chunks == trouble.end_after:
                    break
                if request.chunks == trouble.stall_after:
                    await self._unless_left(reader, asyncio.Event().wait())
                if trouble.say_after is not None and request.chunks == trouble.say_after[0]:
                    self._send_data(writer, trouble.say_after[1])
                data = await self._unless_left(reader, anext(chunks, None))
                if data is None:
                    break
                self._send_data(writer, data)
                request.chunks += 1
                await writer.drain()
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]
        writer.write(b"0\r\n\r\n")

    def _send_data(self, writer: asyncio.StreamWriter, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    async def _unless_left(self, reader: asyncio.StreamReader, awaitable: Any) -> Any:
        """Wait for this, unless the client closes the connection first."""
        work = asyncio.ensure_future(awaitable)
        end = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({work, end}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
            raise Left
        end.cancel()
        await asyncio.wait({end})
        return work.result()

    # -- what it says ----

    async def _chunks(self, request: Request, trouble: Trouble) -> AsyncIterator[str]:
        yield self._chunk({"role": "assistant", "content": ""})
        if trouble.refusal:
            for word in trouble.refusal.split(" "):
                yield self._chunk({"refusal": f"{word} "})
        calls = 0
        reason = "stop"
        words = 0
        async for event in self._events(request):
            match event:
                case TextPiece(text):
                    words += 1
                    yield self._chunk({"content": text})
                case ToolCall():
                    for fragment in _fragments(event, calls, bare=trouble.bare):
                        yield self._chunk({"tool_calls": [fragment]})
                    calls += 1
                case Finished():
                    reason = event.reason
                case _:
                    pass
        yield self._chunk({}, trouble.reason or reason)
        if request.body.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 7, "completion_tokens": words, "total_tokens": 7 + words}
            yield json.dumps({**self._frame(), "choices": [], "usage": usage})
        yield "[DONE]"

    async def _whole(self, request: Request, writer: asyncio.StreamWriter) -> None:
        text = "".join(
            [each.text async for each in self._events(request) if isinstance(each, TextPiece)]
        )
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._send_head(writer, 200, {"content-type": "application/json"})
        writer.write(json.dumps({**self._frame("chat.completion"), "choices": [choice]}).encode())

    def _events(self, request: Request) -> AsyncIterator[Any]:
        tools = [
            ToolSchema(each["function"]["name"], each["function"].get("description", ""))
            for each in request.body.get("tools") or ()
        ]
        choice = request.body.get("tool_choice")
        return self.model.respond(request.body["messages"], tools or None, tool_choice=choice)

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return json.dumps({**self._frame(), "choices": [choice]})

    def _frame(self, kind: str = "chat.completion.chunk") -> dict[str, Any]:
        return {"id": "chat-1", "object": kind, "created": 0, "model": "test"}


def _fragments(call: ToolCall, index: int, *, bare: bool) -> list[dict[str, Any]]:
    """Cut a tool call up as real servers do: first its name, then its arguments in pieces."""
    if bare:
        return [{"function": {"name": call.name, "arguments": call.arguments}, "type": "function"}]
    head = {"name": call.name, "arguments": ""}
    pieces: list[dict[str, Any]] = [
        {"index": index, "id": call.id, "type": "function", "function": head}
    ]
    pieces += [
        {"index": index, "function": {"arguments": call.arguments[start : start + FRAGMENT]}}
        for start in range(0, len(call.arguments), FRAGMENT)
    ]
    return pieces


if __name__ == "__main__":
    OpenAIServer(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8080).run_forever()
