"""The network, the gallery and the calibration that come with the program, run for real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import roundel_models
from identify.small_gallery import AIRCRAFT
from roundel.config import Config, TypesConfig, load
from roundel.errors import WeightsError
from roundel.identify import LoadedIdentifier, load_identifier
from roundel.identify.embed import to_input
from roundel.identify.gallery import OTHER, UNKNOWN, Gallery, Photo, TypeNode, file_sha256, write
from roundel.identify.second_opinion import NODES, second_opinion
from roundel.specialists import load_specialists
from roundel.types import View


@pytest.fixture(scope="module")
def shipped() -> LoadedIdentifier:
    return load_identifier(TypesConfig(), {})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROUNDEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def picture(seed: int, height: int = 120, width: int = 200) -> View:
    crop = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    box = (0.0, 0.0, float(width), float(height))
    return View(0.0, box, box, 0.9, crop, 1.0)


def test_the_shipped_network_gives_unit_vectors_that_do_not_depend_on_their_neighbours(
    shipped: LoadedIdentifier,
) -> None:
    assert shipped.identifier is not None
    embedder = shipped.identifier.embedder
    one, two = picture(1).crop, picture(2).crop
    together = embedder.embed([one, two])
    assert together.vectors.shape == (2, 128)
    assert together.logits.shape == (2, 1000)
    assert np.allclose(np.linalg.norm(together.vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(embedder.embed([two]).vectors[0], together.vectors[1])


def test_noise_is_no_known_type_and_the_answer_is_the_same_each_time(shipped: LoadedIdentifier) -> None:
    assert shipped.identifier is not None
    views = [picture(3), picture(4)]
    opinion = shipped.identifier.identify(views, AIRCRAFT)
    assert opinion is not None
    assert opinion.posterior[OTHER] + opinion.posterior[UNKNOWN] > 0.3
    assert opinion.node in ("aircraft", "combat_aircraft")
    assert shipped.identifier.identify(views[::-1], AIRCRAFT) == opinion


def test_every_photo_of_the_shipped_gallery_has_a_type_source_and_licence(shipped: LoadedIdentifier) -> None:
    assert shipped.identifier is not None
    photos = shipped.identifier.gallery.photos
    assert len(photos) == roundel_models.identify()["gallery"]["photos"]
    assert all(photo.type in shipped.identifier.types and photo.source and photo.licence for photo in photos)
    size = (roundel_models.ROOT / roundel_models.identify()["network"]["file"]).stat().st_size
    assert size < 14e6


def test_altered_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = dict(roundel_models.identify()["network"])
    (tmp_path / "weights").mkdir()
    (tmp_path / entry["file"]).write_bytes(b"something else")
    for name in ("identify.toml", "types.toml", "classes.toml"):
        (tmp_path / name).write_bytes((roundel_models.ROOT / name).read_bytes())
    (tmp_path / "gallery").mkdir()
    gallery = roundel_models.identify()["gallery"]["file"]
    (tmp_path / gallery).write_bytes((roundel_models.ROOT / gallery).read_bytes())
    monkeypatch.setattr(roundel_models, "ROOT", tmp_path)
    with pytest.raises(WeightsError, match="is not the file that was registered"):
        load_identifier(TypesConfig(), {})


def test_own_galleries_are_in_the_provenance(tmp_path: Path, home: Path) -> None:
    network = roundel_models.identify()["network"]["sha256"]
    before = load_specialists(Config(), tmp_path / "case").provenance
    own = Gallery(
        network,
        {"mig-23": TypeNode("combat_aircraft", "MiG-23", "type")},
        (Photo.of("sha256:" + "1" * 64, "mig-23", "archive", "CC0", True, np.ones(128, np.float32)),),
    )
    write(own, home / "gallery" / "gallery.json")
    after = load_specialists(Config(), tmp_path / "case").provenance
    galleries = [facts["identifier_galleries"] for facts in (before, after)]
    assert [len(hashes) for hashes in galleries if isinstance(hashes, list)] == [1, 2]
    assert before["identifier_sha256"] == network
    assert "identifier_added" not in before
    assert after["identifier_added"] == [
        {
            "type": "mig-23",
            "title": "MiG-23",
            "parent": "combat_aircraft",
            "shipped": False,
            "photos": 1,
            "sources": {"archive": 1},
            "licences": {"CC0": 1},
            "gallery": "user",
            "gallery_sha256": file_sha256(home / "gallery" / "gallery.json"),
        }
    ]


def test_types_can_be_switched_off() -> None:
    specialists = load_specialists(load(flags={"types": {"engine": "off"}}))
    assert specialists.identifier is None
    assert specialists.provenance["identifier"] == "off"


def test_crops_keep_their_shape_on_grey() -> None:
    given = to_input(np.full((10, 20, 3), 255, np.uint8))
    assert given.shape == (3, 224, 224)
    assert np.allclose(given[:, 0, :], 127 / 255)
    assert np.allclose(given[:, 112, :], 1)


def test_a_second_opinion_is_given_only_where_it_contradicts() -> None:
    logits = np.zeros((1, 1000), np.float32)
    logits[0, 847] = 20
    trust = np.ones(1)
    assert second_opinion(logits, trust, {"aircraft": 1.0})[0][0] == "armoured_vehicle"
    assert second_opinion(logits, trust, {"armoured_vehicle": 0.6}) == ()
    assert second_opinion(np.zeros((1, 1000), np.float32), trust, {"aircraft": 1.0}) == ()
    assert second_opinion(logits, np.zeros(1), {"aircraft": 1.0}) == ()
    assert all(0 <= index < 1000 for index in NODES)
