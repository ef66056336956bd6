"""Finding weights: those that Roundel ships, those the user has added, or a file named by its path."""

from __future__ import annotations

import contextlib
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import roundel_models
from roundel import calibration
from roundel.calibration import Calibration
from roundel.classes import tree
from roundel.detect.limits import refuse_hostile
from roundel.detect.mapping import IGNORE, ClassMapping, check_fit, read_mapping
from roundel.disk import read_bounded
from roundel.errors import WeightsError
from roundel.media.identity import sha256_of

SUFFIXES = {".onnx", ".pt"}
MOST_CARD_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Weights:
    """A weights file that was found, and what is known about it.

    ``mapping`` gives the class-tree node, or ``ignore``, for each name the file uses; names that it leaves out are
    ignored, too. Empty: the names are nodes themselves.
    ``shown_as`` the deepest node that a report may print for a class; ``least_px`` the longest side in the network's
    input below which a class is not told from other equipment.
    """

    name: str
    path: Path
    sha256: str
    licence: str
    origin: str
    mapping: Mapping[str, str]
    shown_as: Mapping[str, str]
    least_px: Mapping[str, float] = field(default_factory=dict)
    validated: str = "not stated"
    limits: tuple[str, ...] = ()
    """What is known to go wrong with these weights, in sentences for the report."""
    fault: str = ""
    """What is wrong with the card of added weights; such weights are listed and refused."""

    def map_classes(self, names: tuple[str, ...]) -> tuple[str | None, ...]:
        """The class-tree nodes for the names in the file, in its order; ``None`` for a class that is ignored.

        Raises:
            WeightsError: if there is no mapping and a name is no node of the class tree, or if no class is used.
        """
        if self.mapping:
            nodes = tuple(None if (node := self.mapping.get(name, IGNORE)) == IGNORE else node for name in names)
            unknown = sorted({node for node in nodes if node is not None and node not in tree()})
        else:
            nodes, unknown = names, sorted(set(names) - tree().keys())
        if unknown:
            raise WeightsError(
                f"{self.path}: its classes are not in the class tree ({', '.join(unknown[:8])}). "
                "Register it with a mapping: roundel models add FILE --classes MAPPING.yaml"
            )
        if not any(nodes):
            raise WeightsError(
                f"{self.path}: none of its classes is used ({', '.join(names[:8]) or 'it names none'}). "
                "Register it with a mapping: roundel models add FILE --classes MAPPING.yaml"
            )
        return nodes


def user_folder() -> Path:
    """Where weights that the user adds are kept: ``ROUNDEL_HOME`` or the user's data folder."""
    home = os.environ.get("ROUNDEL_HOME")
    data = os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))
    return (Path(home) if home else Path(data) / "roundel") / "models"


def registered() -> dict[str, Weights]:
    """All weights by name, shipped ones first. Nothing is checked yet: see :func:`find_weights`.

    A card that cannot be used stands in nobody's way: its weights have a ``fault``, which :func:`check` raises.
    """
    found = {
        name: Weights(
            name,
            roundel_models.ROOT / entry["file"],
            entry["sha256"],
            entry["licence"],
            "shipped",
            {},
            entry.get("shown_as", {}),
            entry.get("least_px", {}),
            entry.get("validated", "not stated"),
            tuple(entry.get("limits", ())),
        )
        for name, entry in roundel_models.registry().items()
    }
    for card in sorted(user_folder().glob("*.toml")):
        taken = card.stem in roundel_models.registry()
        found[card.name if taken else card.stem] = _added(card, taken)
    return found


def _added(card: Path, taken: bool) -> Weights:
    """The weights that a card describes; ``taken`` if its name is one of shipped weights."""
    try:
        if taken:
            raise ValueError("its name is that of shipped weights")
        return _read_card(card)
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        fault = f"{card}: is not as 'roundel models add' wrote it ({reason}); remove it and add the weights again"
        return Weights(card.stem, card, "unknown hash", "unknown licence", "damaged", {}, {}, fault=fault)


def _read_card(card: Path) -> Weights:
    """Read a card; it is a file in the user's folder that anything may have changed.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not as it was written.
    """
    entry = tomllib.loads(read_bounded(card, MOST_CARD_BYTES).decode("utf-8"))
    texts = {key: entry.get(key) for key in ("file", "sha256", "licence")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise ValueError(f"{key} is no text")
    file = str(texts["file"])
    if Path(file).name != file or "\0" in file or Path(file).suffix not in SUFFIXES:
        raise ValueError(f"file is not the plain name of an .onnx or .pt file: {file[:80]!r}")
    tables = {"classes": entry.get("classes"), "shown_as": entry.get("shown_as", {})}
    for key, table in tables.items():
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            raise ValueError(f"{key} is no table of names")
    classes, shown_as = dict(tables["classes"] or {}), dict(tables["shown_as"] or {})
    unknown = [name for name in (*shown_as, *shown_as.values()) if name not in tree()]
    if unknown:
        raise ValueError(f"shown_as names no node of the class tree: {unknown[0][:80]!r}")
    return Weights(
        card.stem, card.parent / file, str(texts["sha256"]), str(texts["licence"]), "added", classes, shown_as
    )


def check(weights: Weights) -> None:
    """Compare a weights file with its recorded hash.

    Raises:
        WeightsError: if it is missing or altered, or its card is.
    """
    if weights.fault:
        raise WeightsError(weights.fault)
    if not weights.path.is_file():
        raise WeightsError(
            f"{weights.path}: the weights {weights.name} are missing; install Roundel again or add them again"
        )
    actual = sha256_of(weights.path)
    if actual != weights.sha256:
        raise WeightsError(
            f"{weights.path}: is not the one registered as {weights.name}: it has {actual}, not {weights.sha256}. "
            "Do not use it; install Roundel again or add the weights again."
        )


def find_weights(model: str) -> Weights:
    """The weights for a name in the registry or a path.

    Raises:
        WeightsError: if there are none, or the file was altered.
    """
    known = registered()
    if model in known:
        check(known[model])
        return known[model]
    path = Path(model)
    if path.suffix not in SUFFIXES or not path.is_file():
        raise WeightsError(
            f"{model}: no such weights. Known names: {', '.join(known)}; or give the path of an .onnx or .pt file"
        )
    refuse_hostile(path)
    return Weights(path.stem, path.resolve(), sha256_of(path), "not stated", "path", {}, {})


def calibration_of(weights: Weights) -> Calibration | None:
    """The calibration of shipped weights; ``None`` for others and for those that have none.

    Raises:
        WeightsError: if it is not as it was written.
    """
    path = roundel_models.ROOT / "calibration" / f"{weights.name}.json"
    if weights.origin != "shipped" or not path.is_file():
        return None
    return calibration.read(path, weights.sha256)


def add(path: Path, classes: str | Path | None, licence: str, names: tuple[str, ...] | None = None) -> Weights:
    """Copy a weights file into the user's folder and record its hash and class mapping.

    Args:
        path: an ``.onnx`` or ``.pt`` file.
        classes: a mapping (:mod:`roundel.detect.mapping`), or ``None`` if the names in the weights are nodes of the
            class tree.
        licence: what may be done with the weights, in a few words.
        names: the classes that the file names, for which the mapping must fit; ``None`` if they are not known.

    Raises:
        WeightsError: if the file is no weights file, the name is taken by other weights or the place cannot be
            written to; nothing is added then.
        UsageError: if the mapping is wrong.
    """
    require_file(path)
    same_name = registered().get(path.stem)
    if same_name and same_name.fault:
        raise WeightsError(same_name.fault)
    if same_name and not (same_name.origin == "added" and same_name.sha256 == sha256_of(path)):
        raise WeightsError(f"{path}: weights named {path.stem} are registered already; rename the file")
    mapping = read_mapping(classes) if classes else ClassMapping("", {}, {})
    if names is not None and classes:
        check_fit(mapping, names, path)
    folder = user_folder()
    target = folder / path.name
    weights = Weights(path.stem, path, sha256_of(path), licence, "added", mapping.classes, mapping.shown_as)
    if names is not None:
        weights.map_classes(names)
    weights = replace(weights, path=target)
    _store(path, weights)
    return weights


def _store(path: Path, weights: Weights) -> None:
    """Copy a file to its place and write its card: both under other names first, so that no half of it is left.

    Raises:
        WeightsError: if the place cannot be written to or the file changed meanwhile.
    """
    target = weights.path
    card = target.with_suffix(".toml")
    copied, written = (place.with_name(f".{place.name}.{os.getpid()}.partial") for place in (target, card))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.resolve() != target.resolve():
            shutil.copyfile(path, copied)
            check(replace(weights, path=copied))
        written.write_text(_card(weights), encoding="utf-8")
        if copied.exists():
            copied.replace(target)
        written.replace(card)
    except OSError as error:
        raise WeightsError(
            f"{target}: cannot be written ({error.strerror or error}), so nothing was added; make room there or set "
            "ROUNDEL_HOME to another place, then add the weights again"
        ) from error
    finally:
        for left in (copied, written):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def require_file(path: Path) -> None:
    """Whether a path may be a weights file.

    Raises:
        WeightsError: if it is not there or has another ending.
    """
    if path.suffix not in SUFFIXES or not path.is_file():
        reason = "is no weights file" if path.exists() else "does not exist"
        raise WeightsError(f"{path}: {reason}; give an .onnx or .pt file")


def _card(weights: Weights) -> str:
    def table(name: str, values: Mapping[str, str]) -> list[str]:
        return [f"[{name}]", *(f"{_quote(key)} = {_quote(value)}" for key, value in values.items())]

    head = [
        f"{key} = {_quote(value)}"
        for key, value in (("file", weights.path.name), ("sha256", weights.sha256), ("licence", weights.licence))
    ]
    return "\n".join([*head, *table("classes", weights.mapping), *table("shown_as", weights.shown_as)]) + "\n"


def _quote(text: str) -> str:
    """A TOML basic string."""
    escaped = "".join(
        f"\\u{ord(char):04x}" if char in '"\\' or ord(char) < 32 or ord(char) == 127 else char for char in text
    )
    return f'"{escaped}"'
