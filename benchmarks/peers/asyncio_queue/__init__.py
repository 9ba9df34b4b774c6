"""Plain asyncio: a queue and a task for each worker, written out by hand.

This is what one writes without a framework, and written to be fast: nothing is supervised, bounded,
dispatched by type or timed out, except that `restart` brings a crashed worker back.
"""

from .asks import ask, job
from .lives import churn, restart, scale
from .tells import fan_out, ring, tell

__all__ = ["ask", "churn", "fan_out", "job", "restart", "ring", "scale", "tell"]
