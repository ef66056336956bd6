"""Footage that was used before: finds the parts of two videos that show the same, and proves it."""
