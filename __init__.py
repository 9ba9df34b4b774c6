"""Callboard: actors with priority mailboxes on a supervision tree.

This folder is the package and this file is its face: every public name, in one place.
"""

__all__: list[str] = []
