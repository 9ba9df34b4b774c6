"""Where an actor without a node runs: the calling thread's event loop, or one in the background."""

from __future__ import annotations

import asyncio
import threading
import weakref

from .runtime import Runtime

__all__ = ["runtime_for_bare_actors"]

_lock = threading.Lock()
_by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Runtime] = (
    weakref.WeakKeyDictionary()
)
_background: Runtime | None = None


def runtime_for_bare_actors() -> Runtime:
    """Return the runtime of the loop that runs in this thread, or that of the background.

    The background's loop runs in a daemon thread, made at the first call.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _in_background()
    runtime = _by_loop.get(loop)
    if runtime is None:
        runtime = _by_loop[loop] = Runtime(loop, "bare")
    return runtime


def _in_background() -> Runtime:
    global _background
    with _lock:
        if _background is None:
            started: list[Runtime] = []
            ready = threading.Event()

            def run() -> None:
                async def forever() -> None:
                    started.append(Runtime(asyncio.get_running_loop(), "background"))
                    ready.set()
                    await asyncio.Event().wait()

                asyncio.run(forever())

            threading.Thread(target=run, name="callboard-background", daemon=True).start()
            ready.wait()
            _background = started[0]
        return _background
