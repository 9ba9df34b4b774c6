"""The catalogue: what things cost, here and at other shops. Pure."""

from __future__ import annotations

__all__ = ["SHOPS", "list_price", "money", "price_at"]

PRICES = {
    "apple": 0.40,
    "banana": 0.35,
    "bread": 2.40,
    "butter": 2.90,
    "cheese": 9.50,
    "chocolate": 1.60,
    "coffee": 5.80,
    "egg": 0.30,
    "flour": 1.10,
    "milk": 1.20,
    "orange juice": 2.20,
    "pasta": 1.30,
    "potato": 1.90,
    "rice": 2.10,
    "sugar": 1.40,
    "tea": 3.20,
    "tomato": 0.50,
    "water": 0.60,
}
"""In euros: of one, or of one litre, kilo or pack."""

SHOPS = ("market", "corner shop", "supermarket")

FACTORS = (0.90, 1.15, 1.00)


def list_price(name: str) -> float | None:
    """Return what one of it costs; None if it is not in the catalogue."""
    word = name.strip().casefold()
    for known in (word, word.removesuffix("s"), word.removesuffix("es")):
        if known in PRICES:
            return PRICES[known]
    return None


def price_at(shop: str, name: str) -> float | None:
    """Return what one of it costs at a shop; None if it is not sold there."""
    price = list_price(name)
    if price is None:
        return None
    # Each shop is the cheapest for some things.
    factor = FACTORS[(SHOPS.index(shop) + len(name)) % len(SHOPS)]
    return round(price * factor, 2)


def money(amount: float) -> str:
    """Return an amount of euros as it is written."""
    return f"€{amount:.2f}"
