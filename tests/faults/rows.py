"""The matrix as data: which faults, over what, and where a fault has no meaning."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["BREAKS_THE_BROKER", "CELLS", "COLUMNS", "ROWS", "Cell", "Row"]

COLUMNS = {
    "local": "in one process",
    "redis": "Redis",
    "direct": "PGMQ direct",
    "isolated": "PGMQ isolated",
    "websocket": "WebSocket",
}

PROCESSES = "there is no other process"
BROKERLESS = "there is no connection"
POSTGRES_ONLY = "there is no Postgres"


class Row(NamedTuple):
    """One fault."""

    title: str
    promise: str
    """What must happen."""
    never: Mapping[str, str] = {}
    """The columns in which it cannot happen, and why not."""


class Cell(NamedTuple):
    """One fault in one column."""

    row: str
    column: str

    def __str__(self) -> str:
        return f"{self.row}-{self.column}"


ROWS = {
    "handler-raises": Row(
        "a message handler raises",
        "it is restarted; who asked has the cause at once; what waits in its mailbox is kept",
    ),
    "job-raises": Row(
        "a job handler raises",
        "the caller has an error that names it after one round trip, without a timeout too",
    ),
    "never-answers": Row(
        "a worker never answers, or is never ready",
        "the caller's one deadline holds; the job is cancelled at the worker",
    ),
    "blocks-the-loop": Row(
        "a worker blocks the event loop",
        "it is named with its stack; its node is not taken for dead; the job goes on",
    ),
    "swallows-cancellation": Row(
        "a worker swallows its cancellation",
        "it is abandoned, visibly, within its budget; the rest goes on",
    ),
    "killed": Row(
        "a process gets SIGKILL in the middle of a job",
        "jobs and monitors end within the liveness interval; its names and its queue are removed",
        {"local": PROCESSES},
    ),
    "killed-under-supervision": Row(
        "the same, under `callboard run --processes`",
        "its parent starts it again, and the next job is done",
        {"local": PROCESSES},
    ),
    "terminated": Row(
        "SIGTERM with work running",
        "it is finished within the deadline, new work is refused, the exit code says which",
        {"local": PROCESSES},
    ),
    "connection-killed": Row(
        "the connection is killed, again and again",
        "it is made anew; nothing is lost, nothing comes twice, the order is kept",
        {"local": BROKERLESS},
    ),
    "broker-down-short": Row(
        "the broker is away for a sixth of the liveness interval, and comes back empty",
        "nothing is lost, nothing comes twice, the order is kept",
        {"local": BROKERLESS},
    ),
    "broker-down": Row(
        "the broker is away for one liveness interval, and comes back empty",
        "nothing is lost, nothing comes twice, the order is kept",
        {"local": BROKERLESS},
    ),
    "broker-down-long": Row(
        "the broker is away for more than three liveness intervals, and comes back empty",
        "nothing is lost, nothing comes twice, the order is kept",
        {"local": BROKERLESS},
    ),
    "stop-without-broker": Row(
        "a node is stopped while the broker is away",
        "it stops in its time; what it had not sent is counted",
        {"local": BROKERLESS},
    ),
    "slow-way": Row(
        "the way to a node is slow",
        "what waits is bounded; who sends waits or is told; nothing is lost",
        {"local": BROKERLESS},
    ),
    "cut-one-way": Row(
        "the network is cut in one direction",
        "both sides notice; it heals without a restart",
        {"local": BROKERLESS},
    ),
    "frozen": Row(
        "a process is frozen (SIGSTOP) and comes back",
        "it is seen as down, then as a newcomer; its late answers harm nobody",
        {"local": PROCESSES},
    ),
    "name-clash": Row(
        "two nodes bring the same worker name",
        "both are warned; it has one owner, the same one from everywhere",
    ),
    "same-name-again": Row(
        "a node restarts under its old name",
        "it is a new life everywhere; nothing of the old one is taken for the new one's",
    ),
    "queue-dropped": Row(
        "a queue is dropped in Postgres",
        "an error says so; it works again without a restart",
        {"local": POSTGRES_ONLY, "redis": POSTGRES_ONLY, "websocket": POSTGRES_ONLY},
    ),
    "schema-dropped": Row(
        "all of PGMQ is dropped in Postgres, and later put back",
        "an error says so; it works again without a restart",
        {"local": POSTGRES_ONLY, "redis": POSTGRES_ONLY, "websocket": POSTGRES_ONLY},
    ),
    "hostile": Row(
        "bytes arrive that are no message of ours, or of a type that is unknown here",
        "nothing is imported or delivered; they are counted; the next good one is delivered",
    ),
    "forged": Row(
        "a node without the shared secret speaks in another's name",
        "nothing of it is known or delivered; it is counted",
    ),
    "poison": Row(
        "a message kills its worker every time",
        "it is quarantined after its tries; the next one is handled",
    ),
    "clock-jumps": Row(
        "the clock jumps a day forward, and back",
        "nothing notices",
    ),
    "many-jobs": Row(
        "jobs by the thousand",
        "tasks, timers and table entries are back where they were",
    ),
    "many-nodes": Row(
        "nodes join and leave by the hundred",
        "tasks, timers and table entries are back where they were",
    ),
    "mailbox-full": Row(
        "a mailbox is full",
        "who sends waits or is told; nothing is dropped uncounted",
    ),
}

BREAKS_THE_BROKER = {
    "broker-down-short",
    "broker-down",
    "broker-down-long",
    "stop-without-broker",
}
"""The rows that need a broker of their own, to kill it."""

CELLS = [Cell(row, column) for row in ROWS for column in COLUMNS if column not in ROWS[row].never]
