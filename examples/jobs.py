"""Jobs: a request with a life. It reports progress, streams, ends once, and can be cancelled.

    $ python -m callboard.examples.jobs
    [0 of 3] Actors [1 of 3] share [2 of 3] nothing
    a text of 3 words

A job runs beside the mailbox: the worker goes on reading its mail. Leaving the block early, by
`break` or by an exception, cancels the job at the worker that does it.
"""

import asyncio
from collections.abc import AsyncIterator

from callboard import Child, JobRequest, JobUpdate, Node, Supervisor, Worker, job


class Writer(Worker):
    @job("write")
    async def write(self, job: JobRequest) -> AsyncIterator[str]:
        words = str(job.payload).split()
        for number, word in enumerate(words):
            await job.update(f"{number} of {len(words)}")
            await asyncio.sleep(0.05)
            yield word
        job.respond(f"a text of {len(words)} words")


class Tree(Supervisor):
    children = [Child("writer", Writer)]


async def main() -> None:
    async with Node(Tree) as node:
        shown: list[str] = []
        async with node.job("writer", "write", "Actors share nothing", timeout=5) as job:
            async for event in job:
                progress = isinstance(event, JobUpdate)
                shown.append(f"[{event.data}]" if progress else event.data)
        print(*shown)
        print(job.response)


if __name__ == "__main__":
    asyncio.run(main())
