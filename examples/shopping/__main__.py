"""Talk about a shopping list: `python -m callboard.examples.shopping`; its README tells more."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from callboard import Child
from callboard.actors.llm import ConversationKeeper, LLMActivationArgs
from callboard.examples.shopping.area import AREA
from callboard.examples.shopping.catalogue import SHOPS
from callboard.examples.shopping.clerk import Clerk
from callboard.examples.shopping.script import BEGIN, CONVERSATION, scripted_model
from callboard.examples.shopping.shops import Comparer, Shop, Till
from callboard.examples.shopping.text_main import TextMain
from callboard.examples.shopping.text_page import TextPage
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking, talking_options

__all__ = ["shopping_example"]


def shopping_example(
    model: Any = None, *, shop_takes: float = 1.0, played: TextPage | None = None
) -> Example:
    """Return the example: a clerk, and who works for it.

    `shop_takes`: seconds that a shop needs for a price. `played` takes the place of the page where
    there is no browser; then it is for one session.
    """
    model = model or scripted_model()
    shops = [Child(name, partial(Shop, name, shop_takes)) for name in SHOPS]
    return Example(
        "Shopping",
        first="clerk",
        workers=[
            Child("keeper", ConversationKeeper),
            Child("till", Till),
            *shops,
            Child("comparer", Comparer),
            Child("clerk", partial(Clerk, model)),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": BEGIN}]),
        about="A clerk keeps your shopping list and fills in the form for the delivery.",
        script=CONVERSATION,
        main=None if played is None else partial(TextMain, played),
        app=AREA,
    )


@click.command()
@talking_options
@click.option(
    "--shop-takes",
    type=click.FloatRange(0, 3600),
    default=1.0,
    show_default=True,
    help="Seconds that a shop needs to look up a price.",
)
def main(talking: Talking, shop_takes: float) -> None:
    """Fill in a shopping list and a form by talking."""
    model = talking.model_for(scripted_model())
    played = None if talking.transport == "web" else TextPage(AREA)
    talking.run(shopping_example(model, shop_takes=shop_takes, played=played))


if __name__ == "__main__":
    main()
