"""A topic seen from three sides at once, and a moderator who makes one answer of them."""
