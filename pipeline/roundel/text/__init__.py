"""Reading writing on objects and in frames, with Tesseract where it is installed."""

from __future__ import annotations

from roundel.config import TextConfig
from roundel.errors import MissingProgramError, UsageError
from roundel.text.reader import TesseractReader
from roundel.text.tesseract import Tesseract

__all__ = ["TesseractReader", "load_reader"]


def load_reader(config: TextConfig) -> tuple[TesseractReader | None, dict[str, object]]:
    """The reader that the configuration asks for, and what a result must say about it, also where there is none.

    Raises:
        UsageError: if Tesseract is asked for by name and cannot be had.
    """
    if config.engine == "off":
        return None, {"text_reader": "off"}
    try:
        engine = Tesseract(config.tesseract, config.languages)
    except MissingProgramError as error:
        if config.engine == "tesseract":
            raise UsageError(f"text.engine is 'tesseract', but {error}") from error
        return None, {"text_reader": f"off: {str(error).split('. ')[0]}"}
    return TesseractReader(engine), {
        "text_reader": f"tesseract {engine.version}",
        "text_languages": list(engine.languages),
        "text_languages_not_installed": list(engine.missing),
    }
