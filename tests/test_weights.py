"""Weights: only what was registered is loaded, and a wrong mapping is refused before anything is copied."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roundel.detect import weights
from roundel.errors import UsageError, WeightsError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUNDEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tanks.onnx"
    path.write_bytes(b"weights")
    return path


def mapping(folder: Path, text: str) -> Path:
    path = folder / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_weights_are_as_they_were_registered() -> None:
    known = weights.registered()
    assert "hardware-v1" in known
    for item in known.values():
        weights.check(item)
        assert (item.origin, weights.find_weights(item.name)) == ("shipped", item)


def test_added_weights_are_copied_hashed_and_found_by_name(file: Path, home: Path) -> None:
    classes = mapping(file.parent, '[classes]\nTank = "armoured_vehicle"\n"Su-\\"27\\"" = "combat_aircraft"\n')
    added = weights.add(file, classes, 'CC BY 4.0, "as is"\n')
    file.unlink()
    assert added.path == home / "tanks.onnx"
    found = weights.find_weights("tanks")
    assert found == added
    assert found.licence == 'CC BY 4.0, "as is"\n'
    assert found.map_classes(("Tank", 'Su-"27"', "uav")) == ("armoured_vehicle", "combat_aircraft", None)


def test_a_class_outside_the_tree_is_refused_with_what_to_do(file: Path) -> None:
    found = weights.add(file, None, "none")
    with pytest.raises(WeightsError, match=r"not in the class tree \(zebra\).*models add FILE --classes MAPPING\.yaml"):
        found.map_classes(("uav", "zebra"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[classes]\nTank = "zebra"', r"'zebra' is no node of the class tree; nodes are: object, equipment"),
        ("[classes]\nTank = 3", "3 is no node of the class tree"),
        ('[classes]\nTank = ["uav"]', "is no node of the class tree"),
        ('classes = "uav"', r"something else than a table \[classes\]"),
        ('Tank = "armoured_vehicle"', r"something else than a table \[classes\]"),
        ('[shown_as]\nzebra = "uav"', "'zebra' is no node"),
        ("[classes", "cannot be read as a TOML mapping"),
        (None, "mapping.toml: cannot be read as a TOML mapping: No such file"),
    ],
)
def test_a_wrong_mapping_is_refused_and_nothing_is_copied(file: Path, home: Path, text: str | None, says: str) -> None:
    path = mapping(file.parent, text) if text is not None else file.parent / "mapping.toml"
    with pytest.raises(UsageError, match=says):
        weights.add(file, path, "none")
    assert not home.exists()


def test_a_name_that_is_taken_is_refused(file: Path) -> None:
    weights.add(file, None, "none")
    for taken in (file, file.with_suffix(".pt"), file.with_name("hardware-v1.onnx")):
        taken.write_bytes(b"other")
        with pytest.raises(WeightsError, match=f"weights named {taken.stem} are registered already; rename the file"):
            weights.add(taken, None, "none")
    assert weights.find_weights("tanks").path.read_bytes() == b"weights"


@pytest.mark.parametrize(("name", "says"), [("x.onnx", "does not exist"), ("mapping.toml", "is no weights file")])
def test_what_is_no_weights_file_is_refused(tmp_path: Path, name: str, says: str) -> None:
    mapping(tmp_path, "")
    with pytest.raises(WeightsError, match=rf"{name}: {says}; give an \.onnx or \.pt file"):
        weights.add(tmp_path / name, None, "none")


def test_altered_or_missing_weights_are_refused(file: Path) -> None:
    added = weights.add(file, None, "none")
    os.truncate(added.path, 3)
    with pytest.raises(WeightsError, match=r"is not the one registered as tanks.*Do not use it"):
        weights.find_weights("tanks")
    added.path.unlink()
    with pytest.raises(WeightsError, match="are missing; install Roundel again or add them again"):
        weights.find_weights("tanks")


CARD = 'file = "bad.onnx"\nsha256 = "sha256:0"\nlicence = "own"\n[classes]\nTank = "uav"\n'


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("", "file is no text"),
        ("[file", "at end of document"),
        ('file = "x"\nsha256 = "y"', "licence is no text"),
        (CARD.replace('"bad.onnx"', "5"), "file is no text"),
        (CARD.replace('"own"', "7"), "licence is no text"),
        (CARD.replace("bad.onnx", "../../x.onnx"), r"plain name of an \.onnx or \.pt file: '\.\./\.\./x\.onnx'"),
        (CARD.replace("bad.onnx", "/etc/x.pt"), "plain name"),
        (CARD.replace("bad.onnx", ".."), "plain name"),
        (CARD.replace("bad.onnx", "passwd"), "plain name"),
        (CARD.replace("bad.onnx", "x\\u0000.pt"), "plain name"),
        (CARD.replace("[classes]\nTank", "classes"), "classes is no table of names"),
        (CARD.replace('"uav"', "3"), "classes is no table of names"),
        (CARD + '[shown_as]\nzebra = "uav"\n', "shown_as names no node of the class tree: 'zebra'"),
        ("x = " + "[" * 5000, "it is nested too deeply"),
        (None, "is a folder, pipe or device"),
    ],
)
def test_a_damaged_card_is_named_where_it_is_used_and_blocks_nothing(
    card: str | None, says: str, home: Path, file: Path
) -> None:
    home.mkdir(parents=True)
    if card is None:
        (home / "bad.toml").mkdir()
    else:
        (home / "bad.toml").write_text(card)
    message = rf"bad\.toml: is not as .* wrote it .*{says}.*; remove it and add the weights again"
    with pytest.raises(WeightsError, match=message):
        weights.find_weights("bad")
    with pytest.raises(WeightsError, match=message):
        weights.add(file.rename(file.with_name("bad.onnx")), None, "none")
    assert weights.registered()["bad"].origin == "damaged"
    assert weights.find_weights("hardware-v1").origin == "shipped"


def test_no_card_takes_the_place_of_shipped_weights(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "hardware-v1.toml").write_text(CARD)
    assert weights.find_weights("hardware-v1").origin == "shipped"
    with pytest.raises(WeightsError, match="its name is that of shipped weights"):
        weights.check(weights.registered()["hardware-v1.toml"])


def test_a_full_disk_leaves_nothing_behind(file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"wei")
        raise OSError(errno.ENOSPC, "No space left on device", str(source))

    with monkeypatch.context() as patch:
        patch.setattr(weights.shutil, "copyfile", fill)
        with pytest.raises(WeightsError, match=rf"{home}/tanks\.onnx: cannot be written \(No space left.*ROUNDEL_HOME"):
            weights.add(file, None, "none")
    assert list(home.iterdir()) == []
    added = weights.add(file, None, "none")
    assert sorted(path.name for path in home.iterdir()) == ["tanks.onnx", "tanks.toml"]
    with monkeypatch.context() as patch:
        patch.setattr(weights.shutil, "copyfile", fill)
        with pytest.raises(WeightsError, match="cannot be written"):
            weights.add(file, None, "another licence")
    assert weights.find_weights("tanks") == added


def test_a_path_is_taken_as_it_is(file: Path) -> None:
    found = weights.find_weights(str(file))
    assert (found.origin, found.name, found.path) == ("path", "tanks", file)
    with pytest.raises(WeightsError, match=r"nope: no such weights. Known names: hardware-v1.*or give the path"):
        weights.find_weights("nope")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    licence=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_any_text_survives_in_the_card(file: Path, home: Path, licence: str, name: str) -> None:
    made = weights.Weights("any", home / "any.onnx", "sha256:0", licence, "added", {name: "uav"}, {})
    home.mkdir(parents=True, exist_ok=True)
    (home / "any.toml").write_bytes(weights._card(made).encode())
    assert weights.registered()["any"] == made
