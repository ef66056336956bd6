"""Roundel: military hardware in video footage, with the evidence to check it."""

__version__ = "0.1.0"
