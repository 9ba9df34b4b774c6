"""What carries over WebSockets: a hub for a small fleet, and proxies between two nodes."""

from .client import WebSocketTransport
from .connection import Limits
from .errors import ConnectionLost, HandshakeRefused
from .proxy_client import WebSocketProxyClient
from .proxy_server import WebSocketProxyServer
from .server import WebSocketHub

__all__ = [
    "ConnectionLost",
    "HandshakeRefused",
    "Limits",
    "WebSocketHub",
    "WebSocketProxyClient",
    "WebSocketProxyServer",
    "WebSocketTransport",
]
