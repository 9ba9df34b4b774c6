"""TextPage: a page without a browser, for a terminal: it does what a worker commands, as text.

It sees its HTML as the real page does (`talking/page.html`): the same elements with the same names
and values, and the same actions. A test holds the two against each other. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from callboard.examples.shopping.markup import Tag, parse
from callboard.examples.talking.page_frames import CommandFrame, Element

__all__ = ["TextPage"]

INPUTS = {
    "checkbox": "checkbox",
    "radio": "radio",
    "number": "spinbutton",
    "range": "slider",
    "search": "searchbox",
    "button": "button",
    "submit": "button",
    "reset": "button",
}
ROLES = {
    "button": "button",
    "textarea": "textbox",
    "select": "combobox",
    "ul": "list",
    "ol": "list",
    "li": "listitem",
    "output": "status",
    "form": "form",
    "progress": "progressbar",
    "h1": "heading",
    "h2": "heading",
    "h3": "heading",
    "h4": "heading",
}
VALUED = {"input", "select", "textarea", "button", "output", "progress", "li"}
"""Elements whose value is no text inside them."""

SELECTED = "data-selected"
"""Where a select keeps the number of its option."""


class Impossible(ValueError):
    """The page cannot do that."""


class TextPage:
    """The area of an example, for one session without a browser."""

    def __init__(self, html: str) -> None:
        """Show this HTML."""
        self._root = parse(html)
        self._refs: dict[int, tuple[Tag, str]] = {}
        self._highlighted: str | None = None
        self.look()

    # -- what workers see ----

    def look(self) -> list[Element]:
        """Return what a snapshot of it shows; whoever was not seen yet gets a ref by that."""
        return [
            Element(
                self._ref(tag),
                role,
                self._name(tag, role),
                self._value(tag, role),
                tuple(option.text() for option in _options(tag)),
                self._ref(around) if (around := tag.closest("li", "ul", "ol")) else "",
                "disabled" in tag.attributes,
            )
            for tag in self._root.tags()
            if (role := _role(tag))
        ]

    def _ref(self, tag: Tag) -> str:
        known = self._refs.get(id(tag))
        if known is None:
            made = tag.get("id") or f"e{len(self._refs) + 1}"
            known = self._refs[id(tag)] = (tag, made)
        return known[1]

    def _by_id(self, name: str) -> Tag | None:
        return next((each for each in self._root.tags() if each.get("id") == name), None)

    def _name(self, tag: Tag, role: str) -> str:
        by = [each for each in map(self._by_id, tag.get("aria-labelledby").split()) if each]
        if by:
            return " ".join(each.text() for each in by)
        if tag.get("aria-label"):
            return tag.get("aria-label")
        labels = " ".join(label.text(controls=False) for label in self._labels(tag))
        if labels.strip():
            return labels
        if role == "listitem":
            fields = [each for each in tag.tags() if "data-field" in each.attributes]
            plain = [each.text() for each in fields if each.name not in VALUED]
            return " ".join(plain) if plain else tag.text()
        if role in ("button", "heading"):
            return tag.text() or tag.get("value")
        return tag.get("placeholder") or tag.get("title") or tag.get("name")

    def _labels(self, tag: Tag) -> list[Tag]:
        if tag.name not in ("input", "select", "textarea", "button", "output", "progress"):
            return []
        around = tag.closest("label")
        named = [each for each in self._root.tags("label") if each.get("for") and tag.get("id")]
        labels = [each for each in named if each.get("for") == tag.get("id")]
        return [around, *labels] if around is not None else labels

    def _value(self, tag: Tag, role: str) -> str:
        if role in ("checkbox", "radio"):
            return str("checked" in tag.attributes).lower()
        if role == "combobox":
            return _selected(tag)
        if role == "status":
            return tag.text()
        if role in ("button", "listitem") or tag.get("type") == "password":
            return ""
        return tag.text() if tag.name == "textarea" else tag.get("value")

    # -- what they have it do ----

    def obey(self, frame: CommandFrame) -> tuple[str, str]:
        """Do what a command says; return what went wrong, and the ref of what was added."""
        try:
            tag = self._find(frame.ref)
            return "", self._act(tag, frame.action, frame.value)
        except Impossible as error:
            return str(error), ""

    def _find(self, ref: str) -> Tag:
        for tag in self._root.tags():
            known = self._refs.get(id(tag))
            if known is not None and known[1] == ref:
                if "disabled" in tag.attributes:
                    raise Impossible("it is disabled")
                return tag
        raise Impossible(f"there is no element {ref}")

    def _act(self, tag: Tag, action: str, value: Any) -> str:
        match action:
            case "click":
                _click(tag)
            case "fill":
                _fill(tag, value)
            case "select":
                _select(tag, value)
            case "highlight":
                self._highlighted = self._ref(tag)
            case "add":
                return self._ref(_add(tag, value))
            case "remove":
                if tag.name != "li":
                    raise Impossible("it is no item of a list")
                tag.remove()
            case _:
                raise Impossible(f"there is no action {action}")
        return ""

    # -- what its user sees ----

    def lines(self) -> Iterator[str]:
        """Go over the lines of text that show it; what was highlighted has a mark, this once."""
        highlighted, self._highlighted = self._highlighted, None
        for tag in self._root.tags():
            role = _role(tag)
            line = self._line(tag, role) if role and not tag.closest("li") else ""
            if line:
                ref = self._refs.get(id(tag), (tag, None))[1]
                yield f"{'>' if ref and ref == highlighted else ' '} {line}"

    def _line(self, tag: Tag, role: str) -> str:
        name, value = self._name(tag, role), self._value(tag, role)
        match role:
            case "heading":
                return name.upper()
            case "list":
                empty = not any(True for _ in tag.tags("li"))
                return f"({tag.get('data-empty')})" if empty and tag.get("data-empty") else ""
            case "listitem":
                return " ".join(part for part in map(self._part, tag.tags()) if part)
            case "checkbox" | "radio":
                return f"[{'x' if value == 'true' else ' '}] {name}"
            case "button" | "form":
                return ""
            case _:
                return f"{name}: {value}".rstrip()

    def _part(self, tag: Tag) -> str:
        """Return one part of an item of a list."""
        role = _role(tag)
        if role in ("checkbox", "radio"):
            return "[x]" if "checked" in tag.attributes else "[ ]"
        if role == "button":
            return ""
        return self._value(tag, role) if role else tag.text()


def _role(tag: Tag) -> str:
    if tag.get("role"):
        return tag.get("role")
    if tag.name == "input":
        return INPUTS.get(tag.get("type"), "textbox")
    return ROLES.get(tag.name, "")


def _options(tag: Tag) -> list[Tag]:
    return list(tag.tags("option")) if tag.name == "select" else []


def _selected(tag: Tag) -> str:
    options = _options(tag)
    number = int(tag.get(SELECTED) or 0)
    return options[number].text() if number < len(options) else ""


def _click(tag: Tag) -> None:
    if _role(tag) in ("checkbox", "radio"):
        _tick(tag, "checked" not in tag.attributes)
    item = tag.closest("li")
    if "data-remove" in tag.attributes and item is not None:
        item.remove()


def _tick(tag: Tag, ticked: bool) -> None:
    tag.attributes.pop("checked", None)
    if ticked:
        tag.attributes["checked"] = ""


def _is_yes(value: Any) -> bool:
    return value is True or str(value).casefold() in ("true", "yes", "on", "1")


def _fill(tag: Tag, value: Any) -> None:
    if tag.name == "select":
        _select(tag, value)
    elif tag.get("type") in ("checkbox", "radio"):
        _tick(tag, _is_yes(value))
    elif tag.name == "textarea":
        tag.children = [_text(value)]
    elif tag.name != "input":
        raise Impossible("it is no field")
    elif tag.get("type") == "number" and not _is_number(value):
        raise Impossible(f"{value} is no value for it")
    else:
        tag.attributes["value"] = _text(value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _select(tag: Tag, value: Any) -> None:
    wanted = _text(value).strip().casefold()
    for number, option in enumerate(_options(tag)):
        known = (option.attributes.get("value", option.text()), option.text())
        if wanted in (each.casefold() for each in known):
            tag.attributes[SELECTED] = str(number)
            return
    raise Impossible(f"there is no option {value}")


def _add(tag: Tag, value: Any) -> Tag:
    template = tag.child("template")
    first = (
        next((each for each in template.children if isinstance(each, Tag)), None)
        if (template is not None)
        else None
    )
    if first is None:
        raise Impossible("it is no list with a template")
    item = first.copy(tag)
    given = cast("Mapping[str, Any]", value or {})
    for field in item.tags():
        name = field.get("data-field")
        if not name or name not in given:
            continue
        if field.get("type") == "checkbox":
            _tick(field, _is_yes(given[name]))
        elif field.name == "input":
            field.attributes["value"] = _text(given[name])
        else:
            field.children = [_text(given[name])]
    tag.children.append(item)
    return item


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
