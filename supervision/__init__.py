"""What keeps alive: supervisors, nodes and their tools."""

__all__: list[str] = []
