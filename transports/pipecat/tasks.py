"""Tasks: what Pipecat runs for one pipeline, known by its worker."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from ...actors.cell import Cell
from .library import TaskManager

__all__ = ["Tasks"]


class Tasks(TaskManager):
    """Pipecat's task manager, but an error in a task is told, where Pipecat's logs it and goes on.

    A task that is gone, of a service that reads from a socket say, leaves a pipeline that runs and
    does nothing.
    """

    def __init__(self, cell: Cell, raised: Callable[[BaseException], None]) -> None:
        """Run the tasks of this worker's pipeline; `raised` is called with what one raises."""
        super().__init__()
        self._cell = cell
        self._raised = raised

    def create_task(
        self, coroutine: Coroutine[Any, Any, Any], name: str, context: Context | None = None
    ) -> asyncio.Task[Any]:
        """Run the coroutine in a task of this name."""
        base: Any = super()  # whose tasks have no type of result
        task: asyncio.Task[Any] = base.create_task(self._watch(coroutine), name, context)
        if inspect.iscoroutine(coroutine):
            # A task that is cancelled before its first step never begins its coroutine.
            task.add_done_callback(lambda _: coroutine.close())
        return task

    @property
    def left(self) -> list[asyncio.Task[Any]]:
        """The tasks that have not ended."""
        base: Any = super()
        return list(base.current_tasks())

    async def _watch(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        cell = self._cell  # by this name the watchdog finds the worker whose code blocks the loop
        try:
            return await coroutine
        except (KeyboardInterrupt, SystemExit) as error:
            self._raised(error)  # the node ends; the loop is not torn down from within a task
            return None
        except Exception as error:
            self._raised(error)
            raise
        finally:
            del cell
