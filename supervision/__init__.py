"""What keeps alive: supervisors, child specs, restart policies, the node and its command line."""

from .admin import Admin, ChildCounts, ChildInfo
from .child import Child
from .node import Node
from .restarts import Backoff, Restarts
from .snapshot import NodeSnapshot, PeerSnapshot, WorkerSnapshot
from .strategy import AutoShutdown, Restart, Strategy
from .supervisor import DynamicSupervisor, Supervisor

__all__ = [
    "Admin",
    "AutoShutdown",
    "Backoff",
    "Child",
    "ChildCounts",
    "ChildInfo",
    "DynamicSupervisor",
    "Node",
    "NodeSnapshot",
    "PeerSnapshot",
    "Restart",
    "Restarts",
    "Strategy",
    "Supervisor",
    "WorkerSnapshot",
]
