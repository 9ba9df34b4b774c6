"""A node has one registry, and every worker of it, private ones too, sees that one."""

from __future__ import annotations

import pytest

from callboard import Child, Node, Supervisor, Worker, on


class Reader(Worker):
    @on(str)
    async def read(self, name: str) -> tuple[object, object]:
        if name == "kid":
            await self.spawn(Child("kid", Reader))
        return self.node, self.node.ref("late")


@pytest.mark.check("M34", "M51")
async def test_every_worker_of_a_node_sees_the_same_registry() -> None:
    inner = Child("inner", lambda: Supervisor([Child("deep", Reader)]))
    async with Node(Supervisor([Child("a", Reader), inner])) as node:
        await node.ask("a", "kid")
        assert {"a", "deep", "kid"} <= set(node.registry.names(local=True))
        late = await node.admin().start_child(Child("late", Worker))
        for name in ("a", "deep", "kid"):
            assert await node.ask(name, "?") == (node, late)
        await node.admin().terminate_child("late")
        for name in ("a", "deep", "kid"):
            assert await node.ask(name, "?") == (node, None)
