"""Weights, class tree and other data that Roundel ships."""
