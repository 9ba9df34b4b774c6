"""Two nodes that announce themselves at the same moment agree at once, and not at the next beat."""

from __future__ import annotations

from collections import deque

import orjson

from callboard.transports.discovery import Discovery
from callboard.transports.known import Action, Say
from callboard.transports.packet import Header


def test_two_first_announcements_that_cross_end_in_agreed_sessions() -> None:
    nodes = {name: Discovery(name, 1, 0.0) for name in "ab"}
    waiting: deque[tuple[str, Header, bytes]] = deque()

    def send(name: str, actions: list[Action]) -> None:
        for say in actions:
            if isinstance(say, Say):
                known = say.known
                sessions = (known.session, known.theirs) if known is not None else (0, 0)
                body = orjson.dumps(say.body)
                waiting.append((name, Header(say.kind, name, 1, *sessions), body))

    for name, node in nodes.items():
        send(name, node.connected("way", 0.0, None, 0.0))
    while waiting:
        source, header, body = waiting.popleft()
        other = "b" if source == "a" else "a"
        send(other, nodes[other].take(header, orjson.loads(body), "way", 0.0))
    assert nodes["a"].nodes["b"].agreed
    assert nodes["b"].nodes["a"].agreed
