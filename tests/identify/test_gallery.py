"""The files of galleries, also hostile ones."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identify.small_gallery import NETWORK, axis, gallery, photo
from roundel.classes import tree
from roundel.errors import UsageError, WeightsError
from roundel.identify.adding import confusion, new_type
from roundel.identify.gallery import (
    Gallery,
    TypeNode,
    above,
    alone,
    check_types,
    file_sha256,
    merge,
    needed_types,
    read,
    shipped_types,
    write,
)


def spoilt(path: Path, **changes: Any) -> Path:
    write(gallery(), path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return path


def test_a_gallery_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "gallery.json"
    write(gallery(), path)
    before = file_sha256(path)
    kept = read(path)
    assert sorted(kept.photos, key=lambda item: item.sha256) == sorted(gallery().photos, key=lambda item: item.sha256)
    write(kept, path)
    assert file_sha256(path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["gallery.json"]


@pytest.mark.parametrize(
    "name", ["../evil", "T-72", "a b", "", "other", "unknown", "aircraft", "x" * 65, "a\x1b[31m", "é"]
)
def test_names_that_could_mislead_are_refused(name: str) -> None:
    with pytest.raises(WeightsError, match="name of"):
        check_types({name: TypeNode("combat_aircraft", "title", "type")}, "here", shipped_types())


@pytest.mark.parametrize("title", ["", " ", "a\nb", "a\x1b]0;x\x07", "\u202ereversed", "x" * 201])
def test_titles_that_could_mislead_are_refused(title: str) -> None:
    with pytest.raises(WeightsError, match="title"):
        check_types({"new": TypeNode("combat_aircraft", title, "type")}, "here", shipped_types())


@pytest.mark.parametrize("parent", ["nothing", "person", "object", "new", "../x"])
def test_types_hang_below_equipment(parent: str) -> None:
    with pytest.raises(WeightsError, match="hangs below"):
        check_types({"new": TypeNode(parent, "New", "type")}, "here", shipped_types())


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"types": {"../evil": {"parent": "aircraft", "title": "x", "level": "type"}}},
        {"types": {"new": {"parent": "aircraft", "title": 5, "level": "type"}}},
        {"types": []},
        {"photos": [{"sha256": "x"}]},
        {"photos": 3},
    ],
)
def test_damaged_galleries_are_refused_with_their_name(changes: dict[str, Any], tmp_path: Path) -> None:
    path = spoilt(tmp_path / "gallery.json", **changes)
    with pytest.raises(WeightsError, match=r"gallery\.json"):
        read(path)


def row(**changes: Any) -> dict[str, Any]:
    item = gallery().photos[0]
    fields = ("sha256", "type", "source", "licence", "boxed", "vector")
    return {**{name: getattr(item, name) for name in fields}, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "no-such"},
        {"vector": "AAAA"},
        {"vector": "!"},
        {"vector": "AAAA!AAAA"},
        {"vector": "é"},
        {"vector": "AA=="},
        {"sha256": "x"},
        {"source": "a\x1b[0m"},
        {"boxed": "yes"},
    ],
)
def test_rows_that_no_gallery_holds_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no gallery"):
        read(spoilt(tmp_path / "gallery.json", photos=[row(), row(**changes)]))


@given(st.binary(max_size=200))
def test_no_bytes_get_further_than_a_clear_error(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.json"
        path.write_bytes(content)
        with pytest.raises(WeightsError):
            read(path)


def test_galleries_of_another_network_or_with_another_meaning_are_refused() -> None:
    with pytest.raises(WeightsError, match="another type network"):
        merge([(Path("a"), Gallery("sha256:" + "1" * 64, {}, ()))], NETWORK)
    mine = Gallery(NETWORK, {"mig-23": TypeNode("combat_aircraft", "MiG-23", "type")}, ())
    other = Gallery(NETWORK, {"mig-23": TypeNode("combat_aircraft", "Flogger", "type")}, ())
    with pytest.raises(WeightsError, match="another type"):
        merge([(Path("a"), mine), (Path("b"), other)], NETWORK)


def test_a_photo_in_two_galleries_counts_once_and_the_order_does_not_matter() -> None:
    more = Gallery(NETWORK, {}, (photo("f-16", 999, axis(0)), gallery().photos[0]))
    one, _ = merge([(Path("a"), gallery()), (Path("b"), more)], NETWORK)
    other, _ = merge([(Path("b"), more), (Path("a"), gallery())], NETWORK)
    assert len(one.photos) == len(gallery().photos) + 1
    assert one.photos == other.photos


def test_every_shipped_type_hangs_below_equipment() -> None:
    types = shipped_types()
    check_types(types, "types.toml", {})
    assert not types.keys() & tree().keys()
    assert all("equipment" in above(name, types) for name in types)
    assert above("typhoon", types)[1] == "combat_aircraft"


def test_a_new_type_needs_a_place_and_a_known_one_keeps_its_own() -> None:
    types = shipped_types()
    assert new_type("mig-29", None, None, types) == {}
    assert new_type("mig-23", "MiG-23", "combat_aircraft", types)["mig-23"].title == "MiG-23"
    with pytest.raises(UsageError, match="--parent"):
        new_type("mig-23", None, None, types)
    with pytest.raises(UsageError, match="is known as"):
        new_type("mig-29", "Fulcrum", None, types)
    with pytest.raises(UsageError, match="is a type, and nothing hangs below a type; give its family or class"):
        new_type("mig-29k", None, "mig-29", types)
    with pytest.raises(UsageError, match="is a family"):
        new_type("t-72", None, None, types)


def test_confusions_are_counted_without_the_photo_itself() -> None:
    types = shipped_types()
    found = confusion("f-16", gallery(), types)
    assert (found.photos, found.own_nearest, found.others) == (3, 3, ())
    alone = Gallery(NETWORK, {}, (*gallery().photos[3:6], photo("f-16", 1, axis(1))))
    assert confusion("f-16", alone, types).others == (("mig-29", 1),)


def test_only_one_adds_to_a_gallery_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(tmp_path / "gallery", lambda: order.append("waiting")):
            order.append("second")

    with alone(tmp_path / "gallery"):
        other = Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["waiting", "first", "second"]
    assert not list((tmp_path / "gallery").iterdir())


def test_what_a_gallery_must_hold_to_know_a_type_includes_its_families() -> None:
    flogger = TypeNode("combat_aircraft", "Flogger", "family")
    variant = TypeNode("flogger", "MiG-23", "type")
    types = {**shipped_types(), "flogger": flogger, "mig-23": variant}
    assert needed_types("mig-23", types) == {"mig-23": variant, "flogger": flogger}
    assert needed_types("t-72b3", types) == {}


def test_a_gallery_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "gallery.json"
    write(gallery(), path)
    before = path.read_bytes()
    orphan = Gallery(NETWORK, {"mig-23": TypeNode("flogger", "MiG-23", "type")}, (photo("mig-23", 1, axis(0)),))
    with pytest.raises(WeightsError, match="hangs below"):
        write(orphan, path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["gallery.json"]


def test_a_gallery_that_cannot_be_written_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "gallery.json").mkdir()
    with pytest.raises(OSError, match="directory") as raised:
        write(gallery(), tmp_path / "gallery.json")
    assert raised.value.filename == str(tmp_path / "gallery.json")
    assert [item.name for item in tmp_path.iterdir()] == ["gallery.json"]


@pytest.mark.parametrize("vector", ["!", "", "AA==", "AAAA", "AHw="])
def test_a_single_vector_that_is_none_is_refused(vector: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no gallery"):
        read(spoilt(tmp_path / "gallery.json", photos=[row(vector=vector)]))


def test_vectors_of_another_length_than_those_of_the_other_galleries_are_refused() -> None:
    short = Gallery(NETWORK, {}, (photo("f-16", 1, axis(0)[:4]),))
    with pytest.raises(WeightsError, match=r"b: its vectors have 4 numbers instead of 8"):
        merge([(Path("a"), gallery()), (Path("b"), short)], NETWORK)
