"""Dynamic children: a pool whose workers come and go while it runs.

    $ python -m callboard.examples.dynamic
    call-1 talks to Ada
    call-2 talks to Grace
    call-1 hangs up
    still talking: call-2
    call-2 hangs up

`DynamicSupervisor` starts without children and stops them all at once. A temporary child is not
restarted, and is forgotten when it ends. A name may be given again once its worker is gone.
"""

import asyncio
from functools import partial

from callboard import Child, DynamicSupervisor, Node, Supervisor, Worker


class Call(Worker):
    def __init__(self, caller: str) -> None:
        self.caller = caller

    def on_start(self) -> None:
        print(f"{self.name} talks to {self.caller}")

    def on_stop(self) -> None:
        print(f"{self.name} hangs up")


class Tree(Supervisor):
    children = [Child("calls", DynamicSupervisor)]


async def main() -> None:
    async with Node(Tree) as node:
        calls = node.admin("calls")
        for number, caller in enumerate(("Ada", "Grace"), start=1):
            call = Child(f"call-{number}", partial(Call, caller), restart="temporary")
            await calls.start_child(call)
        await calls.terminate_child("call-1")
        print("still talking:", *[child.name for child in await calls.which_children()])


if __name__ == "__main__":
    asyncio.run(main())
