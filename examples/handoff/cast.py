"""Who plays, and what the user may say: the same for one process and for several.

What differs between the examples is the list of transports of their nodes, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from callboard import Child, Transport
from callboard.actors.llm.keeper import ConversationKeeper
from callboard.actors.llm.scripted import ScriptedModel
from callboard.actors.llm.worker import LLMActivationArgs
from callboard.examples.handoff.front import Front
from callboard.examples.handoff.greeter import Greeter
from callboard.examples.handoff.greeter_script import greeter_script
from callboard.examples.handoff.handover import HandoverWorker
from callboard.examples.handoff.support import Support
from callboard.examples.handoff.support_script import support_script
from callboard.examples.talking.example import Example

__all__ = ["NAMES", "ModelFor", "apart", "talker", "together"]

ModelFor = Callable[[ScriptedModel], Any]
"""Returns the model that speaks, where the scripted one is given: that one, or a real one."""

TALKERS: Mapping[str, tuple[Callable[..., HandoverWorker], Callable[[], ScriptedModel]]] = {
    "greeter": (Greeter, greeter_script),
    "support": (Support, support_script),
}

NAMES = tuple(TALKERS)
"""The workers that talk."""

TITLE = "Acme"

OPENING = LLMActivationArgs([{"role": "user", "content": "(a user has come in: greet)"}])

MAIN_NODE = "acme"
"""The node of the main worker: one that is started again takes the place of one that was killed."""

SCRIPT = (
    "What do you sell?",
    "How much is the clock?",
    "My lamp is broken, can I talk to support?",
    "No, it stays dark.",
    "It does, thanks!",
    "And where is my order 1042?",
    "No, that is all.",
    "Thank you, bye!",
)


def talker(name: str, model_for: ModelFor, *, voice: str = "") -> list[Child]:
    """Return the worker of this name, and before it the keeper of its conversation.

    Raises:
        ClickException: as `model_for`, at once, and not when the worker starts.

    """
    kind, script = TALKERS[name]
    model_for(script())
    keeper = f"{name}-keeper"
    worker = partial(kind, lambda: model_for(script()), keeper=keeper, voice=voice)
    return [Child(keeper, ConversationKeeper), Child(name, worker)]


def together(
    model_for: ModelFor,
    *,
    voices: Mapping[str, str] | None = None,
    main: Callable[..., Front] = Front,
) -> Example:
    """Return the example with all workers on one node; `voices`: the one of each worker."""
    voices = voices or {}
    workers = [
        child
        for name in reversed(NAMES)  # the first one is ready last: the others are there by then
        for child in talker(name, model_for, voice=voices.get(name, ""))
    ]
    return Example(
        TITLE,
        first=NAMES[0],
        workers=workers,
        opening=OPENING,
        about="A greeter talks to you, and hands you over to support when something is wrong.",
        script=SCRIPT,
        main=main,
    )


def apart(
    transports: Callable[[], Sequence[Transport]], *, names: Sequence[str] = (), how: str = ""
) -> Example:
    """Return the example with the main worker alone: who talks is on other nodes.

    `names`: the workers that are activated, each as it becomes ready; without any it is the
    greeter, who hands over to the others. `how`: the command that starts them.
    """
    first, *others = names or NAMES
    return Example(
        TITLE,
        first=first,
        opening=OPENING,
        about=f"{' and '.join((first, *others))} talk to you, each from a process of its own"
        f"{f' ({how})' if how else ''}.",
        script=SCRIPT,
        others=others,
        transports=transports,
        main=partial(Front, names=names),
        node=MAIN_NODE,
        at_once=1,
    )
