"""A company that indexes real source code, and proves that its index is right."""
