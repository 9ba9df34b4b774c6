"""Real servers, started where a demonstration or a test needs one: private, on loopback, empty."""

__all__: list[str] = []
