"""What is measured between processes: jobs over a broker, and what bystanders pay for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .kinds import Figures, Metric, Work, p50_us, p99_us


@dataclass(frozen=True)
class Between(Work):
    """A caller in one process has jobs done by a worker of another, over a broker of its own.

    A job takes a small payload (`{"text": "work"}`) there and the same back. First `sequential` of
    them, one after the other; then `callers` callers have theirs done at once, `each` so many. The
    broker is started for each measurement, on loopback. `cpu` is what both processes use for a job
    of the second part, `broker_cpu` what the broker uses, and `bytes` what goes through it: over
    Redis what it takes in and gives out, over Postgres what it writes to its log (WAL).
    """

    task = "between"
    metrics = (
        Metric("p50", "µs", more_is_better=False),
        Metric("p99", "µs", more_is_better=False),
        Metric("in_flight", "jobs/s"),
        Metric("cpu", "µs", more_is_better=False),
        Metric("broker_cpu", "µs", more_is_better=False),
        Metric("bytes", "bytes", more_is_better=False),
    )
    broker: ClassVar[str]

    sequential: int
    each: int
    callers: int = 100

    def figures(
        self, marks: Sequence[int], seconds: float, cpu: float, broker_cpu: float, size: float
    ) -> Figures:
        """Takes the times (ns) around the sequential jobs; of the others seconds and bytes."""
        jobs = self.each * self.callers
        return {
            "p50": p50_us(marks),
            "p99": p99_us(marks),
            "in_flight": jobs / seconds,
            "cpu": cpu / jobs * 1e6,
            "broker_cpu": broker_cpu / jobs * 1e6,
            "bytes": size / jobs,
        }


class OverRedis(Between):
    __doc__ = Between.__doc__

    key = "W7-redis"
    title = "a job between two processes, over Redis"
    broker = "redis"


class OverPgmq(Between):
    __doc__ = Between.__doc__

    key = "W7-pgmq"
    title = "a job between two processes, over PGMQ"
    broker = "pgmq"


@dataclass(frozen=True)
class Crowd(Work):
    """Two processes on one Redis channel have jobs done, one at a time: alone, then among others.

    `alone` and `among` are for `seconds` each; `kept` is how much of its rate the pair has among
    the others, `processes` in all. `bystander` is the processor time that one of these pays for one
    job of the pair: what it uses meanwhile, less what it uses in as long while nobody talks.
    """

    key = "W8"
    title = "twenty processes on one channel, two of them talking"
    task = "crowd"
    metrics = (
        Metric("alone", "jobs/s"),
        Metric("among", "jobs/s"),
        Metric("kept", "×"),
        Metric("bystander", "µs/job", more_is_better=False),
    )

    seconds: float
    processes: int = 20

    def figures(self, alone: int, among: int, busy: float, idle: float) -> Figures:
        """Takes the jobs done, and the processor seconds of all bystanders, busy and idle."""
        each = (busy - idle) / (self.processes - 2) / among
        return {
            "alone": alone / self.seconds,
            "among": among / self.seconds,
            "kept": among / alone,
            "bystander": max(0.0, each) * 1e6,
        }
