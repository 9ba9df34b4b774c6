"""A tree with a worker that failed and waits for its restart."""

from callboard import Backoff, Child, DataMessage, Restarts, Supervisor, Worker, on


class Rain(DataMessage):
    pass


class Leak(Worker):
    async def on_start(self) -> None:
        self.actor_ref.tell(Rain())

    @on(Rain)
    async def rain(self, message: Rain) -> None:
        raise ValueError("the roof of the house leaks, and nobody has a ladder that is long enough")


class Waiting(Supervisor):
    children = [Child("leak", Leak)]
    restarts = Restarts(3, 60.0, Backoff(min=55.0, max=60.0, jitter=0.0))
