"""A shopping list and a form that are filled by talking."""
