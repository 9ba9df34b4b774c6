"""What carries over PGMQ, the message queue in Postgres: one queue for each node."""

__all__: list[str] = []
