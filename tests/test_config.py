"""Settings: one tree, three sources, no silent value."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roundel.config import Config, load
from roundel.errors import UsageError


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ROUNDEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_flags_win_over_environment_and_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("[detector]\nscore = 0.21\nbatch = 2\nthreads = 1\n")
    monkeypatch.setenv("ROUNDEL_DETECTOR__SCORE", "0.22")
    monkeypatch.setenv("ROUNDEL_DETECTOR__BATCH", "3")
    found = load(file, {"detector": {"score": 0.23, "engine": None}}).detector
    assert (found.score, found.batch, found.threads, found.engine) == (0.23, 3, 1, "auto")


def test_what_a_file_does_not_state_keeps_its_default(file: Path) -> None:
    file.write_text("[detector]\nscore = 0.21\n")
    assert load(file).sampling == load().sampling
    assert load(file).detector.nms_iou == load().detector.nms_iou


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bogus = 1", r"\[bogus\] is no section; sections are: media, sampling"),
        ("_env_file = '/etc/passwd'", "is no section"),
        ("_cli_parse_args = true", "is no section"),
        ("[detector]\nbogus = 1", r"detector\.bogus: there is no such setting; settings here are: model, engine"),
        ("detector = 1", r"must be a table: write its settings below a line \[detector\]"),
        ("[detector]\nscore = 'high'", r"detector\.score: .*number.*found: 'high'"),
        ("[detector]\nscore = nan", r"detector\.score: .*finite.*found: nan"),
        ("[detector]\nscore = 1.5", r"detector\.score: .*less than 1.*found: 1.5"),
        ("[detector]\ninput_px = 100", r"detector\.input_px: .*multiple of 32.*found: 100"),
        ("[detector]\nengine = 'x'", r"detector\.engine: .*'auto', 'onnx', 'openvino' or 'ultralytics'.*found: 'x'"),
        ("[sampling]\nbase_fps = 0", r"sampling\.base_fps: .*greater than or equal to 0.5"),
        ("[sampling]\nbase_fps = -1.0", r"sampling\.base_fps: .*greater than or equal to 0.5"),
        ("[sampling]\nbase_fps = inf", r"sampling\.base_fps: .*finite"),
        ("[sampling]\nbase_fps = 'some'", r"sampling\.base_fps: "),
        ("[tracking]\nstart_score = nan", r"tracking\.start_score: .*finite"),
        ("[tracking]\nlost_seconds = -1", r"tracking\.lost_seconds: "),
        ("[counting]\nmax_overlap = 7", r"counting\.max_overlap: "),
        ("a =", "cannot be read as a TOML configuration: Invalid value"),
    ],
)
def test_a_wrong_file_is_named_with_its_key_and_what_is_right(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_is_no_text_or_not_there_is_named(file: Path, content: bytes | None) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"settings\.toml: cannot be read"):
        load(file)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ROUNDEL_DETECTOR", "x", "an environment variable.*detector.*ROUNDEL_DETECTOR__SCORE=0.2"),
        ("ROUNDEL_DETECTOR__BOGUS", "1", r"detector\.bogus: there is no such setting"),
        ("ROUNDEL_DETECTOR__SCORE", "high", r"detector\.score: .*number"),
    ],
)
def test_a_wrong_environment_is_named(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=says):
        load()


def test_other_variables_of_roundel_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDEL_ACTOR", "A. Investigator")
    monkeypatch.setenv("ROUNDEL_HOME", "/somewhere")
    assert load().sha256 == Config().sha256


def test_recorded_values_are_taken_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = load(None, {"detector": {"score": 0.3}}).model_dump(mode="json")
    monkeypatch.setenv("ROUNDEL_DETECTOR__SCORE", "0.5")
    assert Config.from_values(recorded).detector.score == 0.3
    monkeypatch.setenv("ROUNDEL_DETECTOR__SCORE", "nonsense")
    assert Config.from_values(recorded).detector.score == 0.3


def all_settings() -> list[tuple[str, str]]:
    return [(section, key) for section, part in Config() for key in type(part).model_fields]


@pytest.mark.parametrize(("section", "key"), all_settings())
def test_every_setting_changes_the_hash(section: str, key: str) -> None:
    before = getattr(getattr(Config(), section), key)
    allowed = get_args(type(getattr(Config(), section)).model_fields[key].annotation)
    after: Any = allowed[-1] if before in allowed else f"{before}x"
    if isinstance(before, tuple):
        after = before[:1]
    elif isinstance(before, int):
        after = before * 2 or 1
    elif isinstance(before, float):
        after = before * 1.01
    assert load(None, {section: {key: after}}).sha256 != Config().sha256


NUMBERS = st.floats(0, 1, exclude_min=True, exclude_max=True)


@given(
    model=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    score=NUMBERS,
    base=st.one_of(st.just("all"), st.floats(0.5, allow_infinity=False)),
    pixels=st.integers(1, 2**31 - 1),
)
def test_the_kept_file_gives_the_same_settings(
    tmp_path_factory: pytest.TempPathFactory, model: str, score: float, base: float | str, pixels: int
) -> None:
    settings = load(
        None,
        {"detector": {"model": model, "score": score}, "sampling": {"base_fps": base}, "media": {"max_pixels": pixels}},
    )
    text = settings.to_toml()
    file = tmp_path_factory.getbasetemp() / "kept.toml"
    file.write_bytes(text.encode())
    assert tomllib.loads(text)["detector"]["model"] == model
    assert load(file).sha256 == settings.sha256


def test_every_setting_in_the_kept_file_is_explained() -> None:
    lines = [line for line in Config().to_toml().splitlines() if " = " in line]
    bare = [line for line in lines if "  # " not in line]
    assert [line.split(" = ")[0] for line in bare] == []
