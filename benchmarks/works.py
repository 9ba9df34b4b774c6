"""What is measured: one class per work, its docstring the definition for every contestant.

Rules for all of them. Everybody is started before the clock starts, unless starting is the work.
A message that carries nothing new is made once and sent again, unless messages have an identity of
their own there: delivering is measured, not making.
The clock stops when the last message was *handled*, not when it was sent. No warm-up is taken off.
A contestant implements a work as a function of the work's `task` name that takes its size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from .between import Crowd, OverPgmq, OverRedis
from .kinds import Figures, Metric, Work, p50_us, rate

__all__ = [
    "WORKS",
    "Ask",
    "Churn",
    "FanOut",
    "Figures",
    "Job",
    "Metric",
    "Restart",
    "Ring",
    "Scale",
    "Tell",
    "Work",
]


@dataclass(frozen=True)
class Tell(Work):
    """One sender tells one worker `messages` messages and wants no answer.

    They go in bursts of `burst`: after each the sender waits until the worker has counted all of
    it. So no mailbox grows without bound, and the waiting is a thousandth of the cost.
    """

    key = "W1"
    title = "tell, one to one"
    task = "tell"
    metrics = (Metric("rate", "msgs/s"),)

    messages: int
    burst: int = 1000

    def figures(self, seconds: float) -> Figures:
        """Turns the time that all messages took into the figures of the work."""
        return {"rate": self.messages / seconds}


@dataclass(frozen=True)
class Ask(Work):
    """One caller asks one worker `calls` times, each time waiting for the answer.

    The worker answers with what it was given. A contestant without ask uses what it offers
    in its place (Pipecat: a job).
    """

    key = "W2"
    title = "ask, round trips"
    task = "ask"
    metrics = (Metric("rate", "round trips/s"), Metric("p50", "µs", more_is_better=False))

    calls: int

    def figures(self, marks: Sequence[int]) -> Figures:
        """Turns the times (ns) before the first call and after each into the figures."""
        return {"rate": rate(marks), "p50": p50_us(marks)}


@dataclass(frozen=True)
class FanOut(Work):
    """One sender tells each of `workers` workers by name, `rounds` times over.

    The name is looked up for every send. After each `burst` rounds (or all, if they are fewer) the
    sender waits until every message of them was handled.
    """

    key = "W3"
    title = "fan-out by name, 1 to 200"
    task = "fan_out"
    metrics = (Metric("rate", "msgs/s"),)

    rounds: int
    workers: int = 200
    burst: int = 50

    def figures(self, seconds: float) -> Figures:
        """Turns the time that all messages took into the figures of the work."""
        return {"rate": self.rounds * self.workers / seconds}


@dataclass(frozen=True)
class Churn(Work):
    """`workers` named workers are started, stand idle, and are stopped again.

    Started means: would handle a message. Every one is then told to stop; the clock stops when all
    have ended. The time between, in which the memory is read, does not count. Memory is the growth
    of the resident set over the idle workers, garbage collected before both readings; ten workers
    were started and stopped before the first, so that code is loaded.
    """

    key = "W4"
    title = "start and stop; memory of an idle worker"
    task = "churn"
    metrics = (Metric("rate", "workers/s"), Metric("memory", "KiB", more_is_better=False))

    workers: int

    def figures(self, seconds: float, grown_bytes: int) -> Figures:
        """Turns the time of starting and stopping and the growth of the process into figures."""
        return {"rate": self.workers / seconds, "memory": grown_bytes / self.workers / 1024}


@dataclass(frozen=True)
class Ring(Work):
    """A token goes `hops` hops round a ring of `workers` workers; each sends it to the next.

    There is one token, so every hop wakes an idle worker. It carries the hops that are left and is
    therefore made anew for each.
    """

    key = "W5"
    title = "ring of 1000"
    task = "ring"
    metrics = (Metric("rate", "hops/s"),)

    hops: int
    workers: int = 1000

    def figures(self, seconds: float) -> Figures:
        """Turns the time that all hops took into the figures of the work."""
        return {"rate": self.hops / seconds}


@dataclass(frozen=True)
class Job(Work):
    """A request with an id of its own is answered by one reply with that id, a status and a result.

    First one caller has `sequential` of them done, one after the other. Then `callers` callers do
    the same at once, `each` so many (where a caller would be a thread, one thread sends one for
    each caller, collects all, and sends the next). `drift` is what the last tenth of the sequential
    ones cost over what the first tenth did (medians): 1 if a job leaves nothing behind.
    """

    key = "W6"
    title = "job: request, id, reply, status"
    task = "job"
    metrics = (
        Metric("sequential", "jobs/s"),
        Metric("in_flight", "jobs/s"),
        Metric("drift", "×", more_is_better=False),
    )

    sequential: int
    each: int
    callers: int = 100

    def figures(self, marks: Sequence[int], seconds: float) -> Figures:
        """Takes the times (ns) around the sequential jobs, and the time of the rest."""
        tenth = max(1, self.sequential // 10)
        drift = p50_us(marks[-tenth - 1 :]) / p50_us(marks[: tenth + 1])
        at_once = self.each * self.callers / seconds
        return {"sequential": rate(marks), "in_flight": at_once, "drift": drift}


@dataclass(frozen=True)
class Restart(Work):
    """A supervised worker crashes `crashes` times among `few`, then among `many`, idle siblings.

    Each time it is sent a message whose handler raises, and right behind it a plain one. Measured
    is from just before the raise to the plain one being handled by the next life, without backoff.
    Log records are made but written nowhere.
    """

    key = "restart"
    title = "crash to first message handled"
    task = "restart"
    metrics = (
        Metric("p50", "µs", more_is_better=False),
        Metric("p50_many", "µs", more_is_better=False),
        Metric("growth", "×", more_is_better=False),
    )

    crashes: int
    many: int
    few: int = 10

    def figures(self, among_few: Sequence[int], among_many: Sequence[int]) -> Figures:
        """Takes how long (ns) each restart took among few and among many siblings."""
        few, many = median(among_few) / 1e3, median(among_many) / 1e3
        return {"p50": few, "p50_many": many, "growth": many / few}


@dataclass(frozen=True)
class Scale(Work):
    """Ten workers are told `messages` messages by name, and one does `jobs` jobs, among bystanders.

    Once with `few` workers in the process, once with `many`; all others stand idle. Messages go in
    bursts of 1000, as in W1, jobs one after the other, as in W6. Growth is the cost among many
    over the cost among few.
    """

    key = "scale"
    title = "cost among few and among many workers"
    task = "scale"
    metrics = (
        Metric("message", "µs", more_is_better=False),
        Metric("message_growth", "×", more_is_better=False),
        Metric("job", "µs", more_is_better=False),
        Metric("job_growth", "×", more_is_better=False),
    )

    messages: int
    jobs: int
    many: int
    few: int = 10
    burst: int = 1000

    def figures(self, among_few: tuple[float, float], among_many: tuple[float, float]) -> Figures:
        """Takes the seconds for all messages and for all jobs, among few and among many."""
        return {
            "message": among_few[0] / self.messages * 1e6,
            "message_growth": among_many[0] / among_few[0],
            "job": among_few[1] / self.jobs * 1e6,
            "job_growth": among_many[1] / among_few[1],
        }


WORKS: dict[str, type[Work]] = {
    work.key: work
    for work in (Tell, Ask, FanOut, Churn, Ring, Job, OverRedis, OverPgmq, Crowd, Restart, Scale)
}
