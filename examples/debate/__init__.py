"""Three workers with views of their own, asked in parallel, and a moderator."""
