"""Mappings from the classes of weights to the class tree: both forms, and everything that may be wrong with one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import roundel_models
from roundel.classes import tree
from roundel.detect.mapping import IGNORE, check_fit, read_mapping
from roundel.errors import UsageError


def write(folder: Path, text: str, name: str = "m.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.yaml", "Tank: armoured_vehicle\nKite: ignore\n'no': bird\n"),
        ("m.yml", "classes:\n  Tank: armoured_vehicle\n  Kite: ignore\n  'no': bird\n"),
        ("m.toml", '[classes]\nTank = "armoured_vehicle"\nKite = "ignore"\n"no" = "bird"\n'),
    ],
)
def test_yaml_and_toml_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    found = read_mapping(write(tmp_path, text, name))
    assert found.classes == {"Tank": "armoured_vehicle", "Kite": IGNORE, "no": "bird"}
    assert (found.shown_as, found.shipped) == ({}, False)


def test_a_class_may_have_a_name_that_yaml_takes_for_something_else(tmp_path: Path) -> None:
    assert read_mapping(write(tmp_path, "no: bird\n2S1: armoured_vehicle\n72: armoured_vehicle\n")).classes == {
        "no": "bird",
        "2S1": "armoured_vehicle",
        "72": "armoured_vehicle",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Tank: armored_vehicle", r"m\.yaml:1: 'armored_vehicle' is no node .* \(did you mean 'armoured_vehicle'\?\)"),
        ("Tank: uav\nKite: ignored", r"m\.yaml:2: 'ignored' is no node .* \(did you mean 'ignore'\?\)"),
        ("Tank: 3", r"m\.yaml:1: 3 is no node of the class tree: a name is wanted after 'Tank', or ignore"),
        ("a: uav\nTank: [uav]", r"m\.yaml:2: a sequence is no node"),
        ("Tank:", r"m\.yaml:1: nothing is no node"),
        ("Tank: yes", r"m\.yaml:1: yes is no node"),
        ("Tank: !!python/object/apply:os.system [ls]", r"m\.yaml:1: a sequence is no node"),
        ("Tank: !!python/name:os.system uav", r"m\.yaml:1: uav is no node"),
        ("a: &x uav\nb: *x", r"m\.yaml:1: a mapping has no anchors or aliases"),
        ("a: uav\n<<: *x", r"m\.yaml:2: a mapping has no anchors or aliases"),
        ("Tank: uav\nTank: bird", r"m\.yaml:2: 'Tank' stands in line 1 already"),
        ("? [a, b]\n: uav", r"m\.yaml:1: the name of a class is wanted"),
        ("Tank: uav\n  x: [", r"m\.yaml:2: cannot be read as a YAML mapping"),
        ("[" * 10000, r"m\.yaml:1: cannot be read as a YAML mapping: it is nested too deeply"),
        ("a: uav\nb\0: uav", r"m\.yaml:2: cannot be read as a YAML mapping: it holds the character U\+0000"),
        ("classes: {a: uav}\nclasses: {b: uav}", r"m\.yaml:2: 'classes' stands in line 1 already"),
        ("classes: {a: uav}\nshown_as: {uav: 3}", r"m\.yaml:2: 3 is no node .* a name is wanted after 'uav'$"),
        ("- Tank", r"m\.yaml: holds something else than a table \[classes\]"),
        ("", r"m\.yaml: holds something else"),
        ("classes:\n  Tank: uav\nother: uav", r"m\.yaml: holds something else"),
        ("classes: {Tank: uav}\nshown_as: {zebra: uav}", r"m\.yaml:2: 'zebra' is no node"),
        ("shown_as: {uav: ignore}", r"m\.yaml:1: 'uav' cannot be shown as 'ignore': .* after its name in classes$"),
        ("shown_as: {uav: ignored}", r"m\.yaml:1: 'ignored' is no node of the class tree; .*, bird$"),
        ("shown_as: {ignore: uav}", r"m\.yaml:1: 'ignore' is no node of the class tree; "),
        ("#" * 2**20 + "\na: uav", "is larger than 1,048,576 bytes"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_mapping(write(tmp_path, text))


def test_what_is_nested_too_deeply_is_refused_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    for name, text in (("m.yaml", "[" * 10000), ("m.yaml", "- " * 10000), ("m.toml", "classes = " + "[" * 10000)):
        with pytest.raises(UsageError, match="it is nested too deeply"):
            read_mapping(write(tmp_path, text, name))
    assert time.monotonic() - begun < 4


def test_a_line_of_toml_is_named_too(tmp_path: Path) -> None:
    path = write(tmp_path, '[classes]\nPlane = "aircraft"\nTank = "armored_vehicle"\n', "m.toml")
    with pytest.raises(UsageError, match=r"m\.toml:3: 'armored_vehicle' .*did you mean 'armoured_vehicle'"):
        read_mapping(path)


def test_a_name_that_is_no_file_says_which_mappings_are_shipped() -> None:
    with pytest.raises(UsageError, match="one of the shipped mappings: coco, open-images-v7"):
        read_mapping("cocoa")


@pytest.mark.parametrize("name", ["coco", "open-images-v7"])
def test_shipped_mappings_are_sound(name: str) -> None:
    assert name in roundel_models.mappings()
    found = read_mapping(name)
    assert found.shipped
    assert set(found.classes.values()) <= {*tree(), IGNORE}


def test_shipped_mappings_use_the_data_sets_own_names() -> None:
    import yaml
    from ultralytics.utils import ROOT

    for name in roundel_models.mappings():
        data = yaml.safe_load((ROOT / "cfg" / "datasets" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert read_mapping(name).classes.keys() <= set(data["names"].values())


def test_a_mapping_has_to_fit_the_weights(tmp_path: Path) -> None:
    mapping = read_mapping(write(tmp_path, "Tnak: armoured_vehicle\nKite: ignore\n"))
    with pytest.raises(
        UsageError, match=r"'Tnak' is no class of w\.pt \(did you mean 'Tank'\?\); its classes are: Tank"
    ):
        check_fit(mapping, ("Tank", "Kite"), Path("w.pt"))
    with pytest.raises(UsageError, match=r"uses none of the classes of w\.pt, which are: Kite"):
        check_fit(read_mapping(write(tmp_path, "Kite: ignore\n")), ("Kite",), Path("w.pt"))
    with pytest.raises(UsageError, match="coco: uses none of the classes"):
        check_fit(read_mapping("coco"), ("tank",), Path("w.pt"))
    check_fit(read_mapping("coco"), ("truck", "zebra"), Path("w.pt"))
