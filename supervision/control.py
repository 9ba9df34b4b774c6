"""The control socket of a running node: who asks over it sees the node, and changes nothing.

A Unix socket in a directory that only its owner may enter. One JSON object per line, either way:
`{"ask": "snapshot"}` is answered by `{"ok": true, ...}` or `{"ok": false, "error": "..."}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import re
import socket
import stat
import struct
import tempfile
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from ..actors.errors import CallboardError

__all__ = [
    "Control",
    "ControlError",
    "NameServed",
    "NotAnswering",
    "ask",
    "check_name",
    "control_directory",
    "serving",
    "socket_of",
]

REQUEST_BYTES = 64 * 1024
"""The longest line that a node reads."""

ANSWER_BYTES = 64 * 1024 * 1024
"""The longest line that an asker reads."""

CONNECTIONS = 32
"""Askers served at one time; the next one waits in the backlog."""

IDLE_S = 10.0
"""Seconds after which an asker that neither asks nor reads is hung up on."""

SUFFIX = ".sock"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")

Answers = Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]
"""What a node answers, by the word that asks for it."""


class ControlError(CallboardError):
    """The control socket cannot be made, found or used; the text says why and what to do."""


class NameServed(ControlError):
    """A living node of this machine serves the name already."""


class NotAnswering(ControlError):
    """A node is there and gave no answer in time: its event loop is blocked, or it is frozen."""

    def __init__(self, name: str, pid: int | None, timeout: float) -> None:
        """Say which node was asked, and how long its answer was waited for."""
        behind = f" (pid {pid})" if pid else ""
        hint = f"; 'kill -USR1 {pid}' shows what it is in" if pid else ""
        super().__init__(
            f"the node {name!r}{behind} gave no answer within {timeout:g} s: "
            f"its event loop is blocked, or it is frozen{hint}"
        )
        self.pid = pid


# -- where the sockets are ----


def control_directory(*, create: bool = False) -> Path:
    """Return the directory of this user's control sockets.

    `$XDG_RUNTIME_DIR/callboard`, else `callboard-UID` in the directory for temporary files.

    Raises:
        ControlError: it belongs to somebody else, others may enter it, or it cannot be made.

    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and os.path.isdir(runtime):
        path = Path(runtime, "callboard")
    else:
        path = Path(tempfile.gettempdir(), f"callboard-{os.geteuid()}")
    try:
        if create:
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
        _refuse_foreign(path, path.lstat())
    except FileNotFoundError:
        if create:
            raise ControlError(f"the directory {path} cannot be made: no such path") from None
    except OSError as error:
        raise ControlError(f"the directory {path} cannot be used: {error.strerror}") from error
    return path


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    """Refuse a directory in which somebody else could have put what we would talk to."""
    if not stat.S_ISDIR(found.st_mode):
        raise ControlError(f"{path} is not a directory: remove it, or set XDG_RUNTIME_DIR")
    if found.st_uid != os.geteuid():
        raise ControlError(
            f"{path} belongs to user {found.st_uid}, not to you ({os.geteuid()}): "
            "remove it, or set XDG_RUNTIME_DIR to a directory of your own"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ControlError(f"{path} is open to others (mode {mode:04o}): run 'chmod 700 {path}'")


def check_name(name: str) -> str | None:
    """Return what is wrong with a node's name as the name of a socket, or None."""
    if not NAME.match(name):
        return "must be of letters, digits, '.', '_' and '-', and begin with none of '.' and '-'"
    if len(name) > 64:
        return f"must have at most 64 characters, has {len(name)}"
    return None


def socket_of(name: str) -> Path:
    """Return the path of the control socket of the node of this name."""
    return control_directory() / f"{name}{SUFFIX}"


def serving() -> list[str]:
    """Return the names of the nodes that run here, sorted; sockets of dead nodes are removed."""
    directory = control_directory()
    if not directory.is_dir():
        return []
    with _locked(directory):
        paths = sorted(directory.glob(f"*{SUFFIX}"))
        return [path.name.removesuffix(SUFFIX) for path in paths if _is_served(path)]


@contextlib.contextmanager
def _locked(directory: Path) -> Generator[None]:
    """Keep others from looking for the dead, and from taking a name, at the same time."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_served(path: Path) -> bool:
    """Whether somebody listens at the socket; if not, it is removed. Needs the lock.

    Only a refused connection is a sign of death: a node whose event loop is blocked still listens.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return False
        except OSError as error:
            return error.errno in (errno.EAGAIN, errno.EINPROGRESS)
    return True


# -- the node's side ----


class Control:
    """Serves the control socket of one node: `claim`, `serve`, `close`."""

    def __init__(self, name: str, answers: Answers) -> None:
        """Prepare to answer in the name of a node."""
        self.name = name
        self.answers = answers
        self.path: Path | None = None
        self._inode = 0
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    def claim(self) -> Path:
        """Take the socket, so that no other node of this name starts here; return its path.

        Raises:
            NameServed: a living node has it.
            ControlError: the directory is not ours alone, or the path is too long.

        """
        directory = control_directory(create=True)
        path = directory / f"{self.name}{SUFFIX}"
        taken = socket.socket(socket.AF_UNIX)
        try:
            with _locked(directory):
                if path.is_socket() and _is_served(path):
                    raise NameServed(f"a node called {self.name!r} is running already ({path})")
                mask = os.umask(0o177)
                try:
                    taken.bind(str(path))
                finally:
                    os.umask(mask)
                taken.listen(CONNECTIONS)
        except OSError as error:
            taken.close()
            why = error.strerror or str(error)
            raise ControlError(f"the control socket {path} cannot be made: {why}") from error
        except BaseException:
            taken.close()
            raise
        self._socket, self.path, self._inode = taken, path, path.stat().st_ino
        return path

    async def serve(self) -> None:
        """Begin to answer, on the running loop."""
        assert self._socket is not None, "claim() comes before serve()"
        self._server = await asyncio.start_unix_server(
            self._connected, sock=self._socket, limit=REQUEST_BYTES
        )

    async def close(self) -> None:
        """Hang up on everybody and remove the socket; nothing if it was never claimed."""
        self.release()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        if connections:
            await asyncio.wait(connections, timeout=1)

    def release(self) -> None:
        """Remove the socket, if it is still ours."""
        path, self.path = self.path, None
        if path is None:
            return
        with contextlib.suppress(OSError), _locked(path.parent):
            if path.lstat().st_ino == self._inode:
                path.unlink()
        if self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        try:
            if len(self._connections) <= CONNECTIONS:
                await self._converse(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # the asker has left, or is too slow, or the node ends
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer line by line, until the asker has no more or does not keep to the rules."""
        while True:
            try:
                line = await asyncio.wait_for(reader.readline(), IDLE_S)
            except ValueError:
                answer: Mapping[str, Any] = _refusal(f"a request has at most {REQUEST_BYTES} bytes")
                line = b""
            else:
                if not line:
                    return
                answer = self._answer(line)
            writer.write(_encode(answer) + b"\n")
            await asyncio.wait_for(writer.drain(), IDLE_S)
            if not line:
                return

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request: Any = orjson.loads(line)
        except (ValueError, RecursionError):
            return _refusal("a request is one JSON object on one line")
        if not isinstance(request, dict):
            return _refusal("a request is one JSON object on one line")
        asked = cast("dict[str, Any]", request)
        word = asked.get("ask")
        answer = self.answers.get(word) if isinstance(word, str) else None
        if answer is None:
            return _refusal(f"unknown request; known: {', '.join(sorted(self.answers))}")
        try:
            return {"ok": True, **answer(asked)}
        except Exception as error:
            return _refusal(f"{type(error).__name__}: {error}")


def _refusal(text: str) -> dict[str, Any]:
    return {"ok": False, "error": text}


def _encode(answer: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(answer)
    except TypeError:
        # A text that is no Unicode, such as a file's name in an error: shown with '?'.
        return json.dumps(answer, default=_plain, ensure_ascii=False).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


# -- the asker's side ----


def ask(name: str, word: str, *, timeout: float = 3.0, **more: Any) -> dict[str, Any]:
    """Ask the node of this name, and return its answer. Blocks for up to `timeout` seconds.

    Raises:
        NotAnswering: it is there, and gave no answer in time.
        ControlError: no such node runs, or it refuses.

    """
    path = socket_of(name)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
            client.sendall(orjson.dumps({"ask": word, **more}) + b"\n")
            answer: Any = orjson.loads(_read_line(client))
        except (TimeoutError, BlockingIOError):
            raise NotAnswering(name, _pid_behind(client), timeout) from None
        except OSError as error:
            raise ControlError(f"no node called {name!r} runs here ({path})") from error
        except ValueError as error:
            raise ControlError(f"the node {name!r} gave an answer that is no JSON") from error
    if not isinstance(answer, dict) or not cast("dict[str, Any]", answer).get("ok"):
        why = cast("dict[str, Any]", answer).get("error") if isinstance(answer, dict) else answer
        raise ControlError(f"the node {name!r} refused {word!r}: {why}")
    return cast("dict[str, Any]", answer)


def _read_line(client: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= ANSWER_BYTES:
        part = client.recv(1 << 16)
        if not part:
            raise ConnectionResetError("hung up before the end of the line")
        parts.append(part)
        size += len(part)
        if part.endswith(b"\n"):
            return b"".join(parts)
    raise ValueError(f"the answer has more than {ANSWER_BYTES} bytes")


def _pid_behind(client: socket.socket) -> int | None:
    """Return who listens there, as the kernel knows it: also of a process that does not answer."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        raw = client.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    except OSError:
        return None
    pid: int = struct.unpack("3i", raw)[0]
    return pid or None
