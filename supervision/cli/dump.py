"""What USR1 shows: the tree, what each worker is doing and where, and every thread's stack.

It runs inside a signal handler, also while a worker blocks the event loop: it reads, and nothing
else.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ...actors.cell import Cell
from ...actors.errors import NotStarted
from ..node import Node
from ..snapshot import walk
from .drawing import Look, draw_tree

__all__ = ["dump"]

SUSPENDED = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))
"""Where coroutines, generators and asynchronous generators keep their frame and what they await."""


def dump(node: Node) -> None:
    """Write the tree and all stacks of a node's process to stderr."""
    try:
        text = _all_of(node)
    except Exception as error:
        text = f"the dump failed: {traceback.format_exception_only(error)[0]}"
    with os.fdopen(os.dup(2), "wb", buffering=0) as out:
        # In a loop: a pipe takes what it has room for.
        data = memoryview(text.encode(errors="backslashreplace"))
        while data:
            data = data[out.write(data) or 0 :]


def _all_of(node: Node) -> str:
    out = io.StringIO()
    out.write(f"== callboard: {node.name}, pid {os.getpid()}, {node.state}\n")
    try:
        out.write("\n".join(draw_tree(node.snapshot().plain()["workers"], Look())) + "\n")
        root = node.root.target
    except NotStarted:
        root = None
    if isinstance(root, Cell):
        for _, cell, _ in walk(root):
            for what, coroutine in _at_work(cell):
                out.write(f"-- {cell.path} is in {what}\n")
                out.writelines(traceback.format_list(_awaited(coroutine)))
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for number, frame in sys._current_frames().items():  # pyright: ignore[reportPrivateUsage]
        out.write(f"-- thread {names.get(number, number)}\n")
        out.writelines(traceback.format_stack(_without_this(frame)))
    return out.getvalue()


def _at_work(cell: Cell) -> Iterator[tuple[str, Any]]:
    """Go over what a worker has begun and not ended: its handler, and its jobs."""
    if cell.step is not None and not cell.step.ended:
        message = cell.entry[0] if cell.entry is not None else None
        yield f"the handler of {type(message).__name__}", cell.step.coroutine
    serving: Any = getattr(cell.actor, "_serving", None)
    for request in list(serving.open.values()) if serving is not None else ():
        if request.step is not None and not request.step.ended:
            yield f"the job {request.name!r}", request.step.coroutine


def _awaited(coroutine: Any) -> list[traceback.FrameSummary]:
    """Return where a suspended coroutine stands, and what it awaits, down to the last."""
    stack: list[traceback.FrameSummary] = []
    while coroutine is not None:
        kind = next((each for each in SUSPENDED if hasattr(coroutine, each[0])), None)
        frame: FrameType | None = getattr(coroutine, kind[0]) if kind else None
        if kind is None or frame is None:
            break
        code = frame.f_code
        stack.append(traceback.FrameSummary(code.co_filename, frame.f_lineno, code.co_name))
        coroutine = getattr(coroutine, kind[1])
    return stack


def _without_this(frame: FrameType) -> FrameType:
    """Leave out the frames of the signal handler itself."""
    found: FrameType | None = frame
    while found is not None and f"{os.sep}cli{os.sep}" in found.f_code.co_filename:
        if found.f_code.co_name == "_asked_for_dump" and found.f_back is not None:
            return found.f_back
        found = found.f_back
    return frame
