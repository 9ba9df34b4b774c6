"""Markup: the HTML of an area as a tree, with the little that a page of text needs of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

__all__ = ["Tag", "parse"]

VOID = {"br", "hr", "input"}
SKIPPED = {"style", "script", "template"}
CONTROLS = {"input", "select", "textarea", "button"}


class Tag:
    """One element."""

    def __init__(self, name: str, attributes: dict[str, str], parent: Tag | None = None) -> None:
        """Stand in `parent`, without children."""
        self.name = name
        self.attributes = attributes
        self.parent = parent
        self.children: list[Tag | str] = []

    def __repr__(self) -> str:
        """Show it as it would be written."""
        given = "".join(f" {name}={value!r}" for name, value in self.attributes.items())
        return f"<{self.name}{given}>"

    def get(self, name: str) -> str:
        """Return the value of an attribute; empty where it is not there."""
        return self.attributes.get(name, "")

    def tags(self, *names: str) -> Iterator[Tag]:
        """Go over the elements inside, in order, those of templates left out."""
        for child in self.children:
            if isinstance(child, Tag) and child.name not in SKIPPED:
                if not names or child.name in names:
                    yield child
                yield from child.tags(*names)

    def child(self, name: str) -> Tag | None:
        """Return the first child of this name."""
        found = (each for each in self.children if isinstance(each, Tag) and each.name == name)
        return next(found, None)

    def closest(self, *names: str) -> Tag | None:
        """Return the nearest element around it that has one of these names."""
        around = self.parent
        while around is not None and around.name not in names:
            around = around.parent
        return around

    def text(self, *, controls: bool = True) -> str:
        """Return its text on one line; `controls`: that of fields and buttons too."""
        return " ".join("".join(self._texts(controls)).split())

    def _texts(self, controls: bool) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.name not in SKIPPED and (controls or child.name not in CONTROLS):
                yield from child._texts(controls)

    def copy(self, parent: Tag | None) -> Tag:
        """Return a copy of it and of all inside, to stand in `parent`."""
        made = Tag(self.name, dict(self.attributes), parent)
        made.children = [
            child if isinstance(child, str) else child.copy(made) for child in self.children
        ]
        return made

    def remove(self) -> None:
        """Take it out of where it stands."""
        if self.parent is not None:
            self.parent.children = [each for each in self.parent.children if each is not self]


def parse(html: str) -> Tag:
    """Return the tree of some HTML that is well-formed; its root is called `body`."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self._open = Tag("body", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Tag(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(made)
        if tag not in VOID:
            self._open = made

    def handle_endtag(self, tag: str) -> None:
        around: Tag | None = self._open
        while around is not None and around.name != tag:
            around = around.parent
        if around is not None and around.parent is not None:
            self._open = around.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)
