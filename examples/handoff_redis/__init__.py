"""The same hand-over with each worker in a process of its own, over Redis."""
