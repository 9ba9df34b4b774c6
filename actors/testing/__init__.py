"""The test kit: virtual time, probes, a leak check. For the tests of Callboard's users too."""

from .leaks import LeakCheck, Leaked
from .loop import VirtualTimeLoop, run_virtual

__all__ = ["LeakCheck", "Leaked", "VirtualTimeLoop", "run_virtual"]
