"""What carries: transports between nodes, the codec, and the errors of a company of several nodes.

The transports that need an extra are imported where they are: `callboard.transports.redis`,
`callboard.transports.pgmq`, `callboard.transports.websocket`.
"""

from .codec import Codec
from .errors import LinkFull, NodeDown, NotCarried, RemoteError, Undecodable
from .gate import Gate
from .json_codec import JsonCodec
from .limits import Limits
from .local import LocalBus, LocalTransport
from .transport import Packet, Receive, Spare, Transport
from .urls import BadUrl, transport_from_url

__all__ = [
    "BadUrl",
    "Codec",
    "Gate",
    "JsonCodec",
    "Limits",
    "LinkFull",
    "LocalBus",
    "LocalTransport",
    "NodeDown",
    "NotCarried",
    "Packet",
    "Receive",
    "RemoteError",
    "Spare",
    "Transport",
    "Undecodable",
    "transport_from_url",
]
