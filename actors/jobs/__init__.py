"""Jobs: requests with a life. Asked by a `Job`, done by a `@job` handler, answered exactly once."""

__all__: list[str] = []
