"""A shop that is talked to: a worker that sees a form and a list, and one that looks for prices."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from callboard import Child, JobRequest, Worker, job
from callboard.actors.frames.frame import SpeakFrame
from callboard.actors.llm.script import Call, Scene, after, group, when
from callboard.actors.llm.scripted import ScriptedModel
from callboard.actors.llm.tools import tool
from callboard.actors.llm.worker import LLMActivationArgs
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking, talking_options
from callboard.examples.talking.page_frames import CardDone, PageEventFrame
from callboard.examples.talking.ui import UIWorker, page_tools

__all__ = ["APP", "Clerk", "shop_example"]

APP = """
<style>h2 { color: var(--accent); }</style>
<h2>Order</h2>
<form id="order" aria-label="Order">
  <label>Name <input id="name"></label>
  <label>Day
    <select id="day"><option>Monday</option><option value="tue">Tuesday</option></select>
  </label>
  <label><input type="checkbox" id="gift"> Gift</label>
  <label>Secret <input type="password" id="secret" value="hidden"></label>
  <button id="send">Send the order</button>
</form>
<h2 id="list-title">Shopping list</h2>
<ul id="list" aria-labelledby="list-title" data-empty="Nothing yet">
  <template><li>
    <input type="checkbox" aria-label="bought"><span data-field="name"></span>
    <span data-field="amount"></span><button type="button" data-remove>Remove</button>
  </li></template>
</ul>
"""

HOSTILE = """
<style>
@import url("http://evil.example/a.css");
h2 { background: url("http://evil.example/b") }
</style>
<h2 id="title" onclick="window.hacked = true">Hostile</h2>
<label>Name <input autofocus onfocus="window.hacked = true" style="width: 10px"></label>
<a href="javascript:window.hacked = true">link</a>
<script>window.hacked = true</script>
<img src="x" onerror="window.hacked = true">
<iframe src="http://evil.example/"></iframe>
<form action="http://evil.example/">
  <button formaction="http://evil.example/">Send it</button>
</form>
"""


class Prices(Worker):
    """Looks for prices, slowly."""

    @job("look")
    async def look(self, request: JobRequest) -> str:
        for shop in range(1, 5):
            await request.update({"text": f"shop {shop} of 4", "part": shop / 4})
            await asyncio.sleep(float(request.payload))
        return "the cheapest costs 3"


def _add(scene: Scene) -> Call:
    fields = {"name": scene[2], "amount": scene[1]}
    return Call("add_item", items="Shopping list", fields=fields)


class Clerk(UIWorker):
    bridged = ()
    instructions = "You keep a shopping list."
    tools = page_tools

    def __init__(self) -> None:
        super().__init__(
            ScriptedModel(
                when("begin", "What do you need?"),
                when(r"name is (\w+)", Call("fill", element="Name", value="{1}")),
                when(r"on (\w+day)", Call("select", element="day", option="{1}")),
                when("a gift", Call("fill", element="Gift", value="true")),
                when("where", Call("highlight", element="send")),
                when("send it", Call("click", element="Send the order")),
                when(r"need (\w+) (\w+)", _add),
                when(r"no (\w+)", Call("drop", item="{1}")),
                when("what is there", Call("look_at_page")),
                when(r"prices every ([\d.]+)", Call("look_for_prices", every=group(1, float))),
                when("prices", Call("look_for_prices")),
                when("report: (.*)", "{1}"),
                after("fill", "Written."),
                after("look_for_prices", "I am looking."),
            )
        )

    @tool
    async def drop(self, item: str) -> str:
        """Take an item out of the list."""
        (found,) = [each for each in self.page.items("Shopping list") if item in each.name]
        await self.page.remove(found.ref)
        return "It is gone."

    @tool
    async def look_for_prices(self, every: float = 0.3) -> str:
        """Look for prices in the background, a shop every so many seconds."""
        return self.run_card("Prices", "prices", "look", every)

    async def on_page_event(self, event: PageEventFrame) -> None:
        await self.push_frame(SpeakFrame(f"I saw a {event.event} of {event.ref}: {event.value}."))

    async def on_card_done(self, done: CardDone) -> None:
        await self.push_frame(SpeakFrame(f"Prices: {done.status}, {done.result}."))


def shop_example(**fields: Any) -> Example:
    opening = LLMActivationArgs([{"role": "user", "content": "begin"}])
    workers = [Child("clerk", Clerk), Child("prices", Prices)]
    fields.setdefault("app", APP)
    return Example("Shop", first="clerk", workers=workers, opening=opening, **fields)


@click.command()
@talking_options
@click.option("--hostile", is_flag=True, help="An area that tries whatever HTML can do.")
def main(talking: Talking, hostile: bool) -> None:
    """Talk to a shop."""
    talking.run(shop_example(app=HOSTILE if hostile else APP))


if __name__ == "__main__":
    main()
