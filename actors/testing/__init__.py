"""The test kit: virtual time, probes, one worker alone, a leak check. For users' tests too.

The pytest plugin runs `async def` tests on virtual time with a leak check, and has fixtures for
the rest; docs/guides/testing.md shows all of it at work.
"""

from .drive import Crash, Driver, drive
from .leaks import LeakCheck, Leaked
from .loop import StuckError, VirtualTimeLoop, run_virtual
from .probe import Probe
from .stepper import Stepper
from .waiting import eventually, settle

__all__ = [
    "Crash",
    "Driver",
    "LeakCheck",
    "Leaked",
    "Probe",
    "Stepper",
    "StuckError",
    "VirtualTimeLoop",
    "drive",
    "eventually",
    "run_virtual",
    "settle",
]
