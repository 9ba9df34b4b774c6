"""What contestants measure with: a gate that opens at the last arrival, and the memory in use."""

import asyncio
import gc
import itertools
import threading
from pathlib import Path


class Gate:
    """Opens when as many messages have arrived as are expected; for one event loop.

    It is the whole of what the handlers of W1 and W3 do, so it costs every contestant the same.
    """

    def __init__(self) -> None:
        self._missing = 0
        self._opened: asyncio.Future[None] | None = None

    def expect(self, arrivals: int) -> asyncio.Future[None]:
        """Closes the gate until `arrivals` more have come; await what it returns."""
        self._missing = arrivals
        self._opened = asyncio.get_running_loop().create_future()
        return self._opened

    def arrive(self) -> None:
        """Counts one arrival."""
        self._missing -= 1
        if self._missing == 0 and self._opened is not None:
            self._opened.set_result(None)


class ThreadGate:
    """The same between threads: `arrive` may be called from any of them, without a lock."""

    def __init__(self) -> None:
        self._arrivals = itertools.count(1)
        self._expected = 0
        self._opened = threading.Event()

    def expect(self, arrivals: int) -> threading.Event:
        """Closes the gate until `arrivals` more have come; wait on what it returns."""
        self._opened.clear()
        self._expected += arrivals
        return self._opened

    def arrive(self) -> None:
        """Counts one arrival; taking the next number is one step under the interpreter's lock."""
        if next(self._arrivals) == self._expected:
            self._opened.set()


def resident_bytes() -> int:
    """Reads the resident set of this process after a full collection.

    Where there is no `/proc` this needs psutil.
    """
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.exists():
        import resource

        return int(statm.read_text().split()[1]) * resource.getpagesize()
    import psutil

    return int(psutil.Process().memory_info().rss)
