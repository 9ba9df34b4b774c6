"""The shop that greeter and support work for: what it sells, and who has ordered what.

It stands for a database; so each conversation has a shop of its own, the same at its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ORDERS", "PRODUCTS", "Order", "Product", "Shop", "UnknownOrder"]


class UnknownOrder(LookupError):
    """There is no order of this number."""

    def __init__(self, number: str) -> None:
        """Name the number."""
        super().__init__(f"there is no order {number}")


class NotRefundable(ValueError):
    """The money of an order cannot be given back, or has been."""


@dataclass(frozen=True)
class Product:
    """Something to buy."""

    name: str
    price: int
    """In euros."""
    about: str


@dataclass(frozen=True)
class Order:
    """Something that was bought."""

    number: str
    product: str
    status: str
    """ordered, on its way, delivered or refunded."""
    when: str
    """When it came, or is to come."""


PRODUCTS = (
    Product("lamp", 49, "a desk lamp with a brass arm, for bulbs of up to 40 watts"),
    Product("clock", 35, "a wall clock that makes no sound, and runs two years on one battery"),
    Product("radio", 89, "a kitchen radio with a wooden case and two stations you can keep"),
)

ORDERS = (
    Order("1042", "lamp", "on its way", "is to arrive on Thursday"),
    Order("1043", "radio", "delivered", "arrived last Monday"),
    Order("1044", "clock", "ordered", "leaves us tomorrow"),
)


class Shop:
    """What the tools of greeter and support look into."""

    def __init__(self) -> None:
        """Open it."""
        self._products = {each.name: each for each in PRODUCTS}
        self._orders = {each.number: each for each in ORDERS}

    def product(self, name: str) -> Product:
        """Return a product by its name, also in the plural.

        Raises:
            LookupError: it is not sold here; names what is.

        """
        found = self._products.get(name.strip().lower().removesuffix("s"))
        if found is None:
            raise LookupError(f"Acme sells {', '.join(self._products)}, and no {name}")
        return found

    def order(self, number: str) -> Order:
        """Return an order.

        Raises:
            UnknownOrder: there is none of this number.

        """
        found = self._orders.get(number.strip().lstrip("#"))
        if found is None:
            raise UnknownOrder(number)
        return found

    def refund(self, number: str) -> int:
        """Give the money of an order back; return how many euros.

        Raises:
            UnknownOrder: there is none of this number.
            NotRefundable: it has not arrived yet, or is paid back already.

        """
        order = self.order(number)
        if order.status != "delivered":
            raise NotRefundable(f"order {order.number} is {order.status}: only what has arrived")
        self._orders[order.number] = Order(order.number, order.product, "refunded", order.when)
        return self.product(order.product).price
