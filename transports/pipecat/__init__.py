"""Pipecat: its pipelines as workers, and its wire format."""

__all__: list[str] = []
