"""Support: finds out what is wrong, and hands back."""

from __future__ import annotations

from typing import Any

from callboard.actors.llm.tools import tool
from callboard.examples.handoff.handover import HandoverWorker
from callboard.examples.handoff.shop import Shop

__all__ = ["Support"]


class Support(HandoverWorker):
    """Takes over when something is wrong."""

    instructions = """\
You are the support of Acme, a small shop for lamps, clocks and radios. Users are handed over to
you by the greeter when something is wrong. Find out what it is, one question at a time. What is
said to you is heard: answer in one to three short sentences, without lists and without markup.
Orders have numbers of four digits; ask for the number, look the order up before you say anything
about it, and never make one up. Money is given back only for what has arrived: by the tool.
A lost password: the page acme.example/password sends a new one by mail, which may land in spam.
A lamp that stays dark: try another bulb first, then another socket; then it is replaced.
When the problem is solved, or the user wants to know about products or have a chat, say in one
sentence that you hand over, and call transfer for "greeter".
A text in brackets that hands a user over to you, or tells of the line, is not from the user."""

    def on_start(self) -> None:
        """Open the shop."""
        super().on_start()
        self.shop = Shop()

    @tool
    def look_up_order(self, number: str) -> dict[str, Any]:
        """Look up an order: what it is, and where.

        Args:
            number: its four digits.

        """
        found = self.shop.order(number)
        return {
            "number": found.number,
            "product": found.product,
            "status": found.status,
            "when": found.when,
        }

    @tool
    def refund_order(self, number: str) -> dict[str, Any]:
        """Give the money for an order back.

        Args:
            number: its four digits.

        """
        return {"number": number, "euros": self.shop.refund(number)}
