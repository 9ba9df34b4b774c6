"""Callboard itself: the whole product, with supervision, names, bounds and deadlines."""

from .asks import ask, job
from .between import between, crowd
from .lives import churn, restart, scale
from .tells import fan_out, ring, tell

__all__ = ["ask", "between", "churn", "crowd", "fan_out", "job", "restart", "ring", "scale", "tell"]
