"""Job groups: one question to several workers at once, their answers by name.

    $ python -m callboard.examples.job_group
    optimist: a bicycle will last ten years
    pessimist: a bicycle will be stolen
    sceptic: JobFailed: no opinion

By default the first member that does not complete cancels the others, and its error is raised.
Here everybody may finish, and `errors` tells who did not complete.
"""

import asyncio
from functools import partial

from callboard import Child, JobFailed, JobRequest, Node, Supervisor, Worker, job


class Analyst(Worker):
    def __init__(self, opinion: str = "") -> None:
        self.opinion = opinion

    @job("judge")
    async def judge(self, job: JobRequest) -> str:
        await asyncio.sleep(0.05)
        if not self.opinion:
            raise JobFailed("no opinion")
        return f"{job.payload} will {self.opinion}"


class Tree(Supervisor):
    children = [
        Child("optimist", partial(Analyst, "last ten years")),
        Child("pessimist", partial(Analyst, "be stolen")),
        Child("sceptic", Analyst),
    ]


async def main() -> None:
    async with Node(Tree) as node:
        group = node.start_job_group(
            *("optimist", "pessimist", "sceptic"),
            job="judge",
            payload="a bicycle",
            timeout=5,
            cancel_on_error=False,
        )
        for name, answer in (await group).items():
            print(f"{name}: {answer}")
        for name, error in group.errors.items():
            print(f"{name}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    asyncio.run(main())
