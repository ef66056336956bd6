"""Those who look at the views of a track again: what type it may be, and what is written on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from roundel.config import Config, TypesConfig
from roundel.detect.weights import user_folder
from roundel.errors import StallError
from roundel.types import WRITING_UNREAD, Reading, Seconds, TypeOpinion, View

if TYPE_CHECKING:
    from roundel.identify.embed import Embedder
    from roundel.identify.gallery import Gallery, TypeNode

GALLERY = "gallery"
"""The folder of a gallery, in a case or among the user's data."""

OWNERS = {"shipped": "the shipped gallery", "user": "your own gallery", "case": "the case's gallery"}


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


class ExpendableReader:
    """A reader for one video that does without reading once its program has failed, and keeps the reason.

    Writing is one thing that is looked for among many: its program must not cost the whole video, and what was not
    read must not look like a video without writing.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader, self.failure = reader, ""

    def read_object(self, views: Sequence[View]) -> tuple[Reading, ...]:
        """What is written on an object; nothing after a failure."""
        return self._try(lambda: self._reader.read_object(views))

    def read_frame(self, picture: NDArray[np.uint8], seconds: Seconds, scale: float) -> tuple[Reading, ...]:
        """What is written in a frame; nothing after a failure."""
        return self._try(lambda: self._reader.read_frame(picture, seconds, scale))

    def _try(self, read: Callable[[], tuple[Reading, ...]]) -> tuple[Reading, ...]:
        if self.failure:
            return ()
        try:
            return read()
        except StallError as error:
            self.failure = str(error)
            return ()

    def warnings(self) -> tuple[str, ...]:
        """What a result must say."""
        if not self.failure:
            return ()
        return (
            f"{WRITING_UNREAD}, at least from some point on: {self.failure}; "
            "once it is repaired, text.engine = 'tesseract' has this video analysed again",
        )


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
    identifier, about_identifier = _identifier(config, case)
    reader, about_reader = _reader(config)
    return Specialists(identifier, reader, {**about_identifier, **about_reader})


def _reader(config: Config) -> tuple[TextReader | None, dict[str, object]]:
    """The reader of writing, with what a result must say about it."""
    from roundel.text import load_reader

    return load_reader(config.text)


def user_gallery() -> Path:
    """The folder of the user's own gallery of types."""
    return user_folder().parent / GALLERY


def case_gallery(case: Path) -> Path:
    """The folder of a case's own gallery of types."""
    return case / GALLERY


def _own_galleries(case: Path | None) -> dict[str, Path]:
    return {"user": user_gallery(), **({"case": case_gallery(case)} if case is not None else {})}


def _identifier(config: Config, case: Path | None) -> tuple[Identifier | None, Mapping[str, object]]:
    """The identifier of types over the shipped gallery, the user's and the case's, and what a result says about it."""
    from roundel.identify import load_identifier

    loaded = load_identifier(config.types, _own_galleries(case))
    return loaded.identifier, loaded.provenance


@dataclass(frozen=True)
class OpenGalleries:
    """The galleries in use.

    ``own``: the one to be changed. ``all``: by whose they are, in words. ``merged``: all together. ``types``: the tree
    of all types.
    """

    own: Gallery
    owner: str
    all: Mapping[str, Gallery]
    merged: Gallery
    types: Mapping[str, TypeNode]
    embedder: Embedder


def open_galleries(case: Path | None) -> OpenGalleries:
    """All galleries in use, to change the user's or, if one is given, the case's.

    Raises:
        WeightsError: if a gallery is damaged, or a shipped file was altered.
    """
    from roundel.identify import gallery, load_identifier

    loaded = load_identifier(TypesConfig(), _own_galleries(case))
    assert loaded.identifier is not None
    owner = "user" if case is None else "case"
    merged = loaded.identifier.gallery
    own = loaded.galleries.get(owner, gallery.Gallery(merged.network_sha256, {}, ()))
    named = {OWNERS[name]: found for name, found in loaded.galleries.items()}
    return OpenGalleries(own, OWNERS[owner], named, merged, loaded.identifier.types, loaded.identifier.embedder)
