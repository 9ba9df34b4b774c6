"""What carries over WebSockets: a hub for a small fleet, and proxies between two nodes."""

__all__: list[str] = []
