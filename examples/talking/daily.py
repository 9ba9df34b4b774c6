"""Daily: a conversation by voice, in a room that is made for it and removed after it.

This has never been run against Daily, Deepgram and Cartesia themselves: `real_services` names what
is missing and makes their processors as Pipecat documents them. The rest, the room and the
pipeline, is tested with a server that speaks Daily's protocol, and with other processors.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeAlias

import click

from callboard import CallboardError, Child, Node
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.example import Example

if TYPE_CHECKING:
    from callboard.examples.talking.daily_voice import Services

__all__ = ["Room", "hold", "real_services"]

API = "https://api.daily.co/v1"

LASTS = 3600.0
"""Seconds after which Daily removes a room that was left behind."""

MODULES = {"daily": "daily", "deepgram": "deepgram"}
"""What a part of Pipecat needs besides, by the extra of Pipecat that brings it."""

INSTALL = "pip install 'callboard[pipecat]' 'pipecat-ai[daily,deepgram,cartesia,silero]'"

VOICE = "71a7ad14-091c-4e8e-a314-022ece01c121"
"""One of Cartesia's."""


class Room(NamedTuple):
    """A room, and what lets us in."""

    url: str
    token: str


MakeServices: TypeAlias = "Callable[[Room], Services]"


def real_services(environment: Environment) -> MakeServices:
    """Return what makes the services of a room: Daily, Deepgram, Cartesia.

    Raises:
        BadEnvironment: a key is missing; names it.
        ClickException: a package is missing; names it.

    """
    needed = "--transport daily"
    hears = environment.need("DEEPGRAM_API_KEY", needed)
    speaks = environment.need("CARTESIA_API_KEY", needed)
    missing = [name for name, extra in MODULES.items() if importlib.util.find_spec(extra) is None]
    if missing:
        raise click.ClickException(f"{needed} needs {' and '.join(missing)}: {INSTALL}")
    return functools.partial(_services, hears, speaks)


def _services(hears: str, speaks: str, room: Room) -> Services:
    """Make the services of a room, as Pipecat documents them."""
    _import_quietly()
    from pipecat.audio.vad.silero import SileroVADAnalyzer
    from pipecat.services.cartesia.tts import CartesiaTTSService
    from pipecat.services.deepgram.stt import DeepgramSTTService
    from pipecat.transports.daily.transport import DailyParams, DailyTransport

    from callboard.examples.talking.daily_voice import Services

    def transport(came: Any, went: Any) -> tuple[Any, Any]:
        params = DailyParams(audio_in_enabled=True, audio_out_enabled=True)
        made: Any = DailyTransport(room.url, room.token, "Callboard", params)

        async def joined(transport: object, participant: object) -> None:
            await came()

        async def left(transport: object, participant: object, reason: object) -> None:
            await went()

        made.add_event_handler("on_first_participant_joined", joined)
        made.add_event_handler("on_participant_left", left)
        return made.input(), made.output()

    return Services(
        transport,
        lambda: DeepgramSTTService(api_key=hears),
        lambda: CartesiaTTSService(
            api_key=speaks, settings=CartesiaTTSService.Settings(voice=VOICE)
        ),
        SileroVADAnalyzer,
    )


async def hold(
    example: Example, key: str, services: MakeServices, *, out: TextIO, api: str = API
) -> int:
    """Hold a conversation in a new room, whose address is written to `out`; return the exit code.

    It ends when the user leaves, a worker ends it, or a signal comes; the room is removed.

    Raises:
        ClickException: Daily makes no room.

    """
    _import_quietly()
    import aiohttp
    from pipecat.transports.daily.utils import DailyRESTHelper

    from callboard.examples.talking.daily_voice import VoiceWorker

    async with aiohttp.ClientSession() as connections:
        rooms = DailyRESTHelper(daily_api_key=key, daily_api_url=api, aiohttp_session=connections)
        room = await _make_room(rooms)
        try:
            print(room.url, file=out, flush=True)
            main = functools.partial(VoiceWorker, example, services(room))
            tree = functools.partial(example.tree, [*example.workers, Child("main", main)])
            await Node(tree, name=example.node, transports=example.transports()).run()
        except CallboardError as error:
            print(f"-- {error.__cause__ or error}", file=out, flush=True)
            return 1
        finally:
            await rooms.delete_room_by_url(room.url)
    return 0


async def _make_room(rooms: Any) -> Room:
    """Make a private room that Daily removes by itself if we cannot.

    Raises:
        ClickException: Daily refuses, or cannot be reached.

    """
    from pipecat.transports.daily.utils import DailyRoomParams, DailyRoomProperties

    properties = DailyRoomProperties(exp=time.time() + LASTS, eject_at_room_exp=True)
    try:
        made = await rooms.create_room(DailyRoomParams(properties=properties))
        return Room(made.url, await rooms.get_token(made.url, LASTS))
    except Exception as error:  # it raises this class itself, with Daily's answer as its text
        raise click.ClickException(f"Daily makes no room: {error}") from None


def _import_quietly() -> None:
    """Import Pipecat, which warns of what it imports, and logs all it does: warnings are enough."""
    # Before anything else of Pipecat: this keeps the warnings to itself.
    importlib.import_module("callboard.transports.pipecat.library")
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING")
