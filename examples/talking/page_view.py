"""PageView: the page as a worker has it, by its last snapshot, and what may be done on it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from callboard.examples.talking.page_frames import (
    Action,
    CommandDoneFrame,
    CommandFrame,
    Element,
    SnapshotFrame,
)

__all__ = ["PageRefused", "PageView"]

ANSWERS_WITHIN = 10.0
"""Seconds that the page may take to do something."""

NUMBERS = itertools.count(1)


class PageRefused(RuntimeError):
    """The page cannot do what it was told, or does not answer."""


class PageView:
    """The page of one session, seen by one worker.

    Elements are named by their ref, or by what they are called on the page (their label), where
    that names one element alone: `await page.fill("Name", "Ada")`.
    """

    def __init__(self, send: Callable[[CommandFrame], Awaitable[None]]) -> None:
        """See nothing yet; `send` brings a command to the page."""
        self.elements: tuple[Element, ...] = ()
        """What is on the page."""
        self._send = send
        self._open: dict[str, asyncio.Future[CommandDoneFrame]] = {}

    def __repr__(self) -> str:
        """Show how many elements there are."""
        return f"<PageView elements={len(self.elements)}>"

    # -- seeing ----

    def find(self, name: str, role: str | None = None) -> Element:
        """Return the element of this ref, or else of this name; of a role, where that is given.

        Raises:
            PageRefused: there is none, or more than one.

        """
        of_role = [each for each in self.elements if role in (None, each.role)]
        found = [each for each in of_role if each.ref == name]
        wanted = name.strip().casefold()
        found = found or [each for each in of_role if each.name.strip().casefold() == wanted]
        if len(found) == 1:
            return found[0]
        kind = role or "element"
        if not found:
            raise PageRefused(f"there is no {kind} {name!r} on the page")
        refs = ", ".join(each.ref for each in found)
        raise PageRefused(f"there are {len(found)} {kind}s {name!r} on the page: {refs}")

    def items(self, name: str) -> list[Element]:
        """Return the items of a list, in order.

        Raises:
            PageRefused: there is no such list, or more than one.

        """
        of = self.find(name, "list")
        return [each for each in self.elements if each.role == "listitem" and each.within == of.ref]

    def inside(self, item: Element) -> list[Element]:
        """Return what stands in an item of a list: its box, its buttons."""
        return [each for each in self.elements if each.within == item.ref]

    @property
    def text(self) -> str:
        """The page for a model: a line for each element, with its ref, role, name and value."""
        if not self.elements:
            return "(the page shows nothing that can be acted on)"
        inside = {each.ref: each.within for each in self.elements}
        return "\n".join(_line(each, inside) for each in self.elements)

    # -- acting ----

    async def click(self, name: str) -> None:
        """Click on an element.

        Raises:
            PageRefused: see `do`.

        """
        await self.do("click", name)

    async def fill(self, name: str, value: str | bool) -> None:
        """Write into a field, or tick a box.

        Raises:
            PageRefused: see `do`.

        """
        await self.do("fill", name, value)

    async def select(self, name: str, option: str) -> None:
        """Choose an option by its text or value.

        Raises:
            PageRefused: see `do`.

        """
        await self.do("select", name, option)

    async def highlight(self, name: str) -> None:
        """Show the user where an element is.

        Raises:
            PageRefused: see `do`.

        """
        await self.do("highlight", name)

    async def add(self, name: str, fields: Mapping[str, Any]) -> str:
        """Add an item to a list, with these texts in its fields; return its ref.

        Raises:
            PageRefused: see `do`.

        """
        return await self.do("add", name, dict(fields))

    async def remove(self, name: str) -> None:
        """Take an item out of its list.

        Raises:
            PageRefused: see `do`.

        """
        await self.do("remove", name)

    async def do(self, action: Action, name: str, value: Any = None) -> str:
        """Have the page do something; return once it has, and the page is seen as it is then.

        Raises:
            PageRefused: there is no such element, the page cannot do that, or does not answer.

        """
        ref = self.find(name, ROLES.get(action)).ref
        command = f"c{next(NUMBERS)}"
        done: asyncio.Future[CommandDoneFrame] = asyncio.get_running_loop().create_future()
        self._open[command] = done
        try:
            await self._send(CommandFrame(command, action, ref, value))
            async with asyncio.timeout(ANSWERS_WITHIN):
                answer = await done
        except TimeoutError:
            raise PageRefused(f"the page does not answer to {action} {name!r}") from None
        finally:
            del self._open[command]
        if answer.error:
            raise PageRefused(f"{action} {name!r}: {answer.error}")
        return answer.ref

    # -- what the page says ----

    def saw(self, frame: SnapshotFrame) -> None:
        """Take a snapshot; for the worker."""
        self.elements = tuple(frame.elements)

    def done(self, frame: CommandDoneFrame) -> None:
        """Take the answer to a command; for the worker."""
        waiting = self._open.get(frame.command)
        if waiting is not None and not waiting.done():
            waiting.set_result(frame)


ROLES: dict[Action, str] = {"add": "list", "remove": "listitem"}
"""What an action is for, where it is for one role alone."""


def _line(element: Element, inside: Mapping[str, str]) -> str:
    """Return one element as a line, indented by the lists and items that it stands in."""
    depth, around = 0, element.within
    while around and depth < 8:
        depth, around = depth + 1, inside.get(around, "")
    parts = [f"[{element.ref}] {element.role} {element.name!r}"]
    if element.value:
        parts.append(f"= {element.value!r}")
    if element.options:
        parts.append(f"of {', '.join(element.options)}")
    if element.disabled:
        parts.append("(disabled)")
    return "  " * depth + " ".join(parts)
