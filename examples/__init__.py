"""Examples: one idea each, and each one run by a test."""
