"""Who takes part, and in which module of this package each is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contestant:
    """A module with a function for each work it can do, and what it wants set before its import."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


OURS = "ours"

CONTESTANTS = {
    OURS: Contestant(".ours"),
    "asyncio_queue": Contestant(".peers.asyncio_queue"),
    "pykka": Contestant(".peers.pykka_threads"),
    # Its log goes to stderr from DEBUG up unless told otherwise: nobody runs that in production.
    "pipecat": Contestant(".peers.pipecat_bus", {"LOGURU_LEVEL": "WARNING"}),
    "raw": Contestant(".peers.raw"),
    # As its docs describe: asks are a quarter faster without the tracing that nobody listens to.
    "autogen": Contestant(".peers.autogen_runtime", {"AUTOGEN_DISABLE_RUNTIME_TRACING": "true"}),
}

PEERS = tuple(name for name in CONTESTANTS if name != OURS)
