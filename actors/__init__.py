"""What runs: messages, mailboxes, actors and workers."""

__all__: list[str] = []
