"""A greeter and a support worker that hand a conversation over to each other."""
