"""Frames, bridges and pipelines."""

__all__: list[str] = []
