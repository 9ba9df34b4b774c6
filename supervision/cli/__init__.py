"""The command line: `callboard run`, and the verbs that look at what runs."""

from .verbs import main

__all__ = ["main"]
