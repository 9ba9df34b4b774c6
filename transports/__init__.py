"""What carries: envelopes from node to node."""

__all__: list[str] = []
