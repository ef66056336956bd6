"""The published form: what it refuses, and that it says no more and no less than the result."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from roundel.record import SCHEMA_VERSION, Analysis, reason, schema_json, to_json, to_record
from roundel.types import Count, Failure, Proof, VideoIdentity, VideoResult

IDENTITY = VideoIdentity("sha256:" + "ab" * 32, 3, ("ä.mp4",))
FAILED = VideoResult(IDENTITY, None, None, 0, {"engine": "x"}, failure=Failure("MediaError", "ä.mp4: is no video"))


def test_a_failure_is_a_complete_record() -> None:
    record = to_record(FAILED, ("uav",))
    found = json.loads(to_json(record))
    assert found["failure"] == {"kind": "MediaError", "message": "ä.mp4: is no video"}
    assert found["schema_version"] == SCHEMA_VERSION
    assert (found["media"], found["coverage"], found["tracks"], found["counts"]) == (None, None, [], {})


def test_the_text_is_canonical() -> None:
    text = to_json(to_record(FAILED, ("uav",)))
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert "ä.mp4" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("video", {"sha256": "ab" * 32, "size_bytes": 3, "names": []}),
        ("video", {"sha256": "sha256:" + "AB" * 32, "size_bytes": 3, "names": []}),
        ("undescribed", 1),
        ("counts", {"uav": {"lower": 1}}),
    ],
)
def test_what_the_schema_does_not_describe_is_refused(field: str, value: object) -> None:
    data = to_record(FAILED, ("uav",)).model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        Analysis.model_validate({**data, field: value})


def test_a_form_of_another_version_is_refused_before_anything_else_of_it_is_said() -> None:
    data = to_record(FAILED, ("uav",)).model_dump(by_alias=True)
    with pytest.raises(ValidationError) as caught:
        Analysis.model_validate({**data, "schema_version": "3", "undescribed": 1})
    said = f"schema_version: it has form 3, and this Roundel reads form {SCHEMA_VERSION}; use the Roundel that wrote it"
    assert reason(caught.value) == said


def test_an_endless_number_in_the_settings_never_becomes_invalid_json() -> None:
    record = to_record(VideoResult(IDENTITY, None, None, 0, {"x": float("nan")}), ())
    assert json.loads(to_json(record), parse_constant=pytest.fail)["provenance"] == {"x": None}


def test_each_proof_frame_is_listed_once_as_an_exhibit() -> None:
    proof = Proof(1.0, ("t1", "t2"), ((0.0, 0.0, 1.0, 1.0), (2.0, 2.0, 3.0, 3.0)), "exhibits/frame-0000001.png")
    count = Count(2, 2, (2, 2), 2, (proof,))
    record = to_record(VideoResult(IDENTITY, None, None, 1, {}, counts={"uav": count, "aircraft": count}), ("uav",))
    assert [(item.file, item.seconds) for item in record.exhibits] == [("exhibits/frame-0000001.png", 1.0)]
    assert list(record.counts) == ["aircraft", "uav"]


def test_the_schema_is_the_same_text_each_time() -> None:
    assert schema_json() == schema_json()
    assert set(json.loads(schema_json())["required"]) == {
        field.alias or name for name, field in Analysis.model_fields.items()
    }
