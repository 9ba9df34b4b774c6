"""A controller that ticks by itself and answers questions by jobs."""
