"""A sensor that is read once a second, its controller, and somebody to ask about it."""
