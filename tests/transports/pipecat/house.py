"""A tree that `callboard run house:tree` runs."""

from __future__ import annotations

from callboard import Child, JobRequest, Supervisor, Worker, job

__all__ = ["tree"]


class Usher(Worker):
    """Shows the way."""

    @job("seat")
    async def seat(self, request: JobRequest) -> dict[str, int]:
        return {"row": 7}


def tree() -> Supervisor:
    """One usher."""
    return Supervisor([Child("usher", Usher)])
