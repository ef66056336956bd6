"""One frozen configuration tree. Order of authority: TOML file < environment (``ROUNDEL_…``) < command line."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from roundel.disk import read_bounded
from roundel.errors import UsageError
from roundel.words import shorten

GIB = 1024**3
YEAR = 366 * 24 * 3600
MOST_BYTES = 1024**2  # of a file of settings
MOST_SHOWN = 80  # characters of a wrong value


class Section(BaseModel):
    """Base of the sections: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MediaConfig(Section):
    """Limits for reading untrusted video."""

    ffmpeg: str = Field("ffmpeg", description="ffmpeg program, 5.1 or newer")
    ffprobe: str = Field("ffprobe", description="ffprobe program of the same release")
    hwaccel: Literal["off", "auto", "cuda"] = Field(
        "off", description="'cuda' decodes on the GPU (NVDEC) and is an error without, 'auto' where that is possible"
    )
    max_bytes: int = Field(256 * GIB, gt=0, le=2**53, description="largest file")
    max_pixels: int = Field(8192 * 4320, gt=0, le=2**31 - 1, description="largest frame, width × height")
    max_duration_seconds: float = Field(24 * 3600, gt=0, le=10 * YEAR, description="longest video")
    max_frames: int = Field(10_000_000, gt=0, le=2**53, description="most frames of one video")
    memory_bytes: int = Field(4 * GIB, ge=GIB // 8, le=2**53, description="address space of the decoding process")
    cpu_seconds: int = Field(12 * 3600, gt=0, le=YEAR, description="processor time of the decoding process")
    probe_seconds: float = Field(30, gt=0, le=3600, description="wall-clock limit for reading the header")
    stall_seconds: float = Field(60, gt=0, le=3600, description="longest wait for the next frame")


class SamplingConfig(Section):
    """Which frames go to the detector."""

    base_fps: Annotated[float, Field(ge=0.5)] | Literal["all"] = Field(
        2.0, description="frames a second at least; 'all' for every frame"
    )
    dense_fps: float = Field(8.0, gt=0, description="frames a second around detections")
    per_shot: int = Field(3, ge=1, le=1000, description="frames a shot at least, where it has as many")
    trigger_score: float = Field(0.2, ge=0, le=1, description="a box of this score makes sampling denser")


class DetectorConfig(Section):
    """Which detector, and how its boxes are made."""

    model: str = Field("hardware-v1", description="name in the registry, or path of an .onnx or .pt file")
    engine: Literal["auto", "onnx", "openvino", "tensorrt", "ultralytics"] = Field(
        "auto", description="what runs the network"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="'auto' takes a GPU if engine and machine have one, 'cuda' is an error without"
    )
    precision: Literal["auto", "fp16"] = Field(
        "auto", description="'auto' as the weights are; 'fp16' with tensorrt or ultralytics on a GPU"
    )
    input_px: int = Field(416, ge=64, le=4096, multiple_of=32, description="longest side that the network sees")
    score: float = Field(0.15, gt=0, lt=1, description="boxes below this score are dropped")
    nms_iou: float = Field(0.55, gt=0, le=1, description="two boxes that overlap more are one object")
    contained: float = Field(
        0.8, gt=0, le=1, description="a box with this share of its area inside another is a part of it"
    )
    tiles: Literal["auto", "on", "off"] = Field("auto", description="cut large frames into overlapping tiles")
    batch: int = Field(8, ge=1, le=256, description="most pictures in one call of the network")
    threads: int = Field(
        0, ge=0, le=1024, description="threads of the engine; 0 takes the processors this process may use"
    )


class TrackingConfig(Section):
    """How boxes become tracks and tracks become sightings."""

    start_score: float = Field(0.5, ge=0, le=1, description="a box of this score starts a track")
    match_iou: float = Field(
        0.2, ge=0, le=1, description="least overlap of a box with the place where a track is expected"
    )
    lost_seconds: float = Field(1.0, gt=0, description="a track that is not seen for longer has ended")
    min_frames: int = Field(2, ge=1, description="a sighting was seen in at least this many analysed frames")
    min_score: float = Field(
        0.4, ge=0, le=1, description="a sighting has at least this mean of its best half of scores"
    )
    node_share: float = Field(0.7, gt=0.5, le=1, description="share of the fused scores that a class node needs")
    exemplars: int = Field(5, ge=1, le=100, description="pictures kept of a sighting")


class CountingConfig(Section):
    """What it takes to prove that two tracks are two objects."""

    min_frames: int = Field(3, ge=1, description="frames in which both are seen")
    min_score: float = Field(0.5, ge=0, le=1, description="score that both have in each of these frames")
    max_overlap: float = Field(0.1, ge=0, le=1, description="largest share of the smaller box inside the other one")
    max_likeness: float = Field(0.75, ge=0, le=1, description="largest likeness of the two crops, straight or mirrored")
    samples: int = Field(400, ge=50, le=100_000, description="partitions drawn for the estimate")


class TypesConfig(Section):
    """Which type an object may be."""

    engine: Literal["auto", "off"] = Field("auto", description="'auto' looks at each sighting for its type")
    node_probability: float = Field(0.5, ge=0.5, le=1, description="probability that a named type or family needs")


class TextConfig(Section):
    """Reading writing on objects and in frames."""

    engine: Literal["auto", "tesseract", "off"] = Field(
        "auto", description="'auto' reads if Tesseract is installed, 'tesseract' is an error where it is not"
    )
    tesseract: str = Field("tesseract", description="Tesseract program, 5 or newer")
    languages: tuple[str, ...] = Field(
        ("eng", "rus", "ukr", "ara", "fas"), description="Tesseract's names; those that are not installed are left out"
    )


class Config(BaseSettings):
    """All settings of an analysis. Their hash is part of every result."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="ROUNDEL_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    media: MediaConfig = MediaConfig()
    sampling: SamplingConfig = SamplingConfig()
    detector: DetectorConfig = DetectorConfig()
    tracking: TrackingConfig = TrackingConfig()
    counting: CountingConfig = CountingConfig()
    types: TypesConfig = TypesConfig()
    text: TextConfig = TextConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over the values given to the constructor (the file); flags are merged in by :func:`load`."""
        return env_settings, init_settings

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Config:
        """A configuration from the values of all sections, whatever the environment says.

        Raises:
            ValidationError: of pydantic, if a value or a section is wrong.
        """
        sections: dict[str, Any] = {
            name: field.annotation.model_validate(values.get(name))
            for name, field in cls.model_fields.items()
            if field.annotation is not None
        }
        return cls.model_construct(**sections)

    @property
    def sha256(self) -> str:
        """Hash of the canonical JSON of all settings."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def to_toml(self) -> str:
        """The settings as a TOML file with the meaning of each."""
        lines = ["# Configuration of a Roundel analysis. Environment variables and flags override it."]
        for name, section in self:
            lines += ["", f"[{name}]"]
            for key, field in type(section).model_fields.items():
                note = f"  # {field.description}" if field.description else ""
                value = json.dumps(getattr(section, key), ensure_ascii=False).replace("\x7f", "\\u007f")
                lines.append(f"{key} = {value}{note}")
        return "\n".join(lines) + "\n"


def load(file: Path | None = None, flags: dict[str, dict[str, Any]] | None = None) -> Config:
    """Read the configuration.

    Args:
        file: a TOML file, or ``None`` for the defaults.
        flags: values from the command line by section, which override everything else.

    Raises:
        UsageError: naming the file, the key and what is wrong with it.
    """
    data: dict[str, Any] = {}
    if file is not None:
        try:
            data = tomllib.loads(read_bounded(file, MOST_BYTES).decode("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            said = shorten("it is nested too deeply" if isinstance(error, RecursionError) else str(reason))
            raise UsageError(f"{file}: cannot be read as a TOML configuration: {said}") from error
        if strangers := sorted(data.keys() - Config.model_fields.keys()):
            raise UsageError(
                f"{file}: [{shorten(strangers[0], MOST_SHOWN)}] is no section; sections are: "
                f"{', '.join(Config.model_fields)}"
            )
    try:
        values = Config(**data).model_dump()
        for section, wanted in (flags or {}).items():
            values[section].update({key: value for key, value in wanted.items() if value is not None})
        return Config.from_values(values)
    except ValidationError as error:
        raise UsageError(f"{file or 'settings'}: {_explain(error)}") from error
    except SettingsError as error:
        raise UsageError(
            f"an environment variable ROUNDEL_… holds no setting ({error}); "
            "one setting is given as in ROUNDEL_DETECTOR__SCORE=0.2"
        ) from error


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    parts = [*filter(None, [error.title.removesuffix("Config").lower()]), *map(str, first["loc"])]
    try:
        found = shorten(repr(first["input"]), MOST_SHOWN)
    except RecursionError:
        found = "something that is nested too deeply"
    section = Config.model_fields[parts[0]].annotation
    if first["type"] == "extra_forbidden" and section is not None:
        known = ", ".join(section.model_fields)
        return f"{shorten('.'.join(parts), MOST_SHOWN)}: there is no such setting; settings here are: {known}"
    if len(parts) == 1:
        return f"{parts[0]}: must be a table: write its settings below a line [{parts[0]}] (found: {found})"
    return f"{shorten('.'.join(parts[:2]), MOST_SHOWN)}: {first['msg']} (found: {found})"
