"""The greeter: greets, tells what Acme sells, and hands over to support."""

from __future__ import annotations

from typing import Any

from callboard.actors.llm.tools import tool
from callboard.examples.handoff.handover import HandoverWorker
from callboard.examples.handoff.shop import PRODUCTS, Shop

__all__ = ["Greeter"]


class Greeter(HandoverWorker):
    """Meets the user first."""

    instructions = f"""\
You are the greeter of Acme, a small shop that sells {", ".join(f"{p.name}s" for p in PRODUCTS)}.
You greet who comes in, make small talk and tell what the shop sells; look products up, and never
make up a price. What is said to you is heard: answer in one to three short sentences, without
lists and without markup.
You are not the one for problems. When something is broken, or it is about an order, a refund or a
password, or the user asks for support or for a human, say in one sentence that you hand over, and
call transfer for "support" with a reason that says all that you know. Do not try to help first.
A text in brackets that hands a user over to you, or tells of the line, is not from the user."""

    def on_start(self) -> None:
        """Open the shop."""
        super().on_start()
        self.shop = Shop()

    @tool
    def look_up_product(self, name: str) -> dict[str, Any]:
        """Look up the price of a product, and what it is.

        Args:
            name: the product, in the singular.

        """
        found = self.shop.product(name)
        return {"name": found.name, "price_in_euros": found.price, "about": found.about}
