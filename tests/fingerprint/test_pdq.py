"""PDQ: the published hashes, bit by bit, and what must hold for any picture."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roundel.errors import UsageError
from roundel.fingerprint.pdq import BYTES, Hash, distance, parse, pdq, waves

HASHES = st.binary(min_size=BYTES, max_size=BYTES)
GREY_FROM_BGR = np.array([0.114, 0.587, 0.299], np.float32)


@pytest.mark.real_media
def test_hashes_are_the_published_ones(shared: Path) -> None:
    folder = shared / "media" / "pdq"
    with (folder / "reference_hashes.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if (folder / row["file"]).is_file()]
    assert len(rows) >= 5
    for row in rows:
        picture = cv2.imread(str(folder / row["file"]))
        made = pdq(picture.astype(np.float32) @ GREY_FROM_BGR)
        assert distance(made.bits, bytes.fromhex(row["pdq_hex"])) == 0, row["file"]
        assert made.quality == int(row["quality"])


def scene(seed: int, height: int = 128, width: int = 192) -> np.ndarray:
    """A picture with structure at all sizes."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width), np.float32)
    for size in (3, 6, 12, 24):
        coarse = rng.normal(0, 1, (size, size)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + 35 * picture, 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_the_mirrored_hash_is_that_of_the_mirrored_picture(seed: int) -> None:
    picture = scene(seed, 180, 320)  # 320: the filter's windows are odd and lie symmetrically
    assert distance(waves(picture).mirrored().bits, pdq(picture[:, ::-1]).bits) <= 2
    assert distance(waves(picture).mirrored().bits, pdq(picture).bits) > 60


@given(HASHES, HASHES, HASHES)
def test_distance_is_a_metric(one: bytes, other: bytes, third: bytes) -> None:
    assert distance(one, one) == 0
    assert (
        distance(one, other)
        == distance(other, one)
        == sum(f"{a ^ b:b}".count("1") for a, b in zip(one, other, strict=True))
    )
    assert distance(one, third) <= distance(one, other) + distance(other, third)


@given(HASHES)
def test_a_written_hash_keeps_its_leading_zeros(bits: bytes) -> None:
    text = str(Hash(bits, 100))
    assert len(text) == len("pdq:") + 64
    assert parse(text) == bits


@pytest.mark.parametrize(
    "text", ["", "pdq:", "pdq:ff", "ff" * 32, "PDQ:" + "f" * 64, "pdq:" + "F" * 64, "pdq:" + "f" * 65]
)
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no PDQ hash"):
        parse(text)


def test_half_of_the_bits_are_set_and_unrelated_pictures_differ_in_half() -> None:
    hashes = [pdq(scene(seed)).bits for seed in range(40)]
    assert {int.from_bytes(bits).bit_count() for bits in hashes} == {128}
    distances = [distance(a, b) for k, a in enumerate(hashes) for b in hashes[:k]]
    assert 120 < np.mean(distances) < 136
    assert min(distances) > 80


def test_a_plain_picture_has_no_quality_and_a_rich_one_has() -> None:
    assert pdq(np.full((90, 160), 16, np.uint8)).quality == 0
    assert pdq(scene(1)).quality == 100
    assert 0 < pdq(cv2.GaussianBlur(scene(1), (0, 0), 3) // 8).quality < 50


def test_compression_scale_and_contrast_hardly_change_a_hash() -> None:
    picture = scene(3, 360, 640)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])
    for changed in (
        cv2.imdecode(data, cv2.IMREAD_GRAYSCALE),
        cv2.resize(picture, (160, 90), interpolation=cv2.INTER_AREA),
        (picture * 0.6 + 30).astype(np.uint8),
    ):
        assert distance(pdq(picture).bits, pdq(changed).bits) <= 16


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (64, 64), (3, 2000)])
def test_odd_sizes_give_a_hash(shape: tuple[int, int]) -> None:
    assert len(pdq(np.zeros(shape, np.uint8)).bits) == BYTES
