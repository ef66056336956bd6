"""The equipment catalogue: facts about types, each with its source."""

from roundel.catalogue.loading import load
from roundel.catalogue.query import Catalogue

__all__ = ["Catalogue", "load"]
