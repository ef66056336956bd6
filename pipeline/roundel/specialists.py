"""Those who look at the views of a track again: what type it may be, and what is written on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roundel.config import Config
from roundel.types import Reading, Seconds, TypeOpinion, View


class Identifier(Protocol):
    """Says which type an object may be. Stateless."""

    def identify(self, views: Sequence[View], shares: Mapping[str, float]) -> TypeOpinion | None:
        """The type of the object that ``views`` show; ``shares`` are the detector's, by node of the class tree.

        ``None`` where the gallery holds nothing of that class.
        """
        ...


class TextReader(Protocol):
    """Reads writing. Stateless."""

    def read_object(self, views: Sequence[View]) -> tuple[Reading, ...]:
        """What is written on the object that ``views`` show, fused over them."""
        ...

    def read_frame(self, picture: NDArray[np.uint8], seconds: Seconds, scale: float) -> tuple[Reading, ...]:
        """What is written in a frame (h, w, 3, BGR), shown at ``scale`` pixels per pixel of the video."""
        ...


@dataclass(frozen=True, slots=True)
class Specialists:
    """The specialists of an analysis, with what a result must say about them, also about those that are missing."""

    identifier: Identifier | None = None
    reader: TextReader | None = None
    provenance: Mapping[str, object] = field(default_factory=dict)


def load_specialists(config: Config, case: Path | None = None) -> Specialists:
    """The specialists that the configuration asks for.

    Args:
        config: all settings.
        case: the case whose own gallery of types is used beside the shipped one and the user's.

    Raises:
        UsageError: if one is asked for by name and cannot be had.
    """
    reader, about_reader = _reader(config)
    return Specialists(reader=reader, provenance={"identifier": "off", **about_reader})


def _reader(config: Config) -> tuple[TextReader | None, dict[str, object]]:
    """The reader of writing, with what a result must say about it."""
    from roundel.text import load_reader

    return load_reader(config.text)
