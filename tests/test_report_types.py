"""The report on types, writing and probabilities: words no stronger than what stands behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roundel.record import Analysis, CaptionRecord, TypeRecord
from roundel.types import WRITING_UNREAD
from test_report import analysis, reading, rendered, track


def shown(folder: Path, *analyses: Analysis) -> str:
    return rendered(folder, *analyses)[1].text


def opinion(node: str, **posterior: float) -> TypeRecord:
    return TypeRecord(
        node=node, posterior=posterior, credible=list(posterior), second_opinion=[("civil_vehicle", 0.71)]
    )


def test_a_card_names_a_type_only_as_likely_as_it_is(tmp_path: Path) -> None:
    sure = opinion("t-72", **{"t-72": 0.81, "t-90": 0.1, "armoured_vehicle": 0.93, "other": 0.05, "unknown": 0.04})
    page = shown(tmp_path, analysis(tracks=[track("t00001", type=sure)]))
    assert "Type, by likeness to photos: T-72, probability 0.81." in page
    assert "a type that the gallery lacks" in page
    assert "A second network takes this for civil vehicle (score 0.71)." in page


def test_a_card_says_that_a_type_is_not_determined(tmp_path: Path) -> None:
    open_ = opinion("armoured_vehicle", **{"t-72": 0.2, "armoured_vehicle": 0.3, "other": 0.62, "unknown": 0.08})
    page = shown(tmp_path, analysis(tracks=[track("t00001", type=open_)]))
    assert "Type not determined (armoured vehicle)." in page
    assert "Type, by likeness" not in page


def test_writing_is_listed_with_what_else_it_may_be(tmp_path: Path) -> None:
    found = reading("226").model_copy(
        update={"alternatives": [[("2", 0.9), ("Z", 0.3)], [("2", 0.9)], [("6", 0.8), ("5", 0.01)]]}
    )
    page = shown(tmp_path, analysis(tracks=[track("t00001", readings=[found])]))
    assert "226" in page
    assert "may be a serial or tactical number" in page
    assert "2 may be Z" in page
    assert "may be 5" not in page


def test_captions_are_shown_where_writing_was_looked_for(tmp_path: Path) -> None:
    caption = CaptionRecord(shot=0, **reading("RAQQA 2014").model_dump())
    made = {**analysis().provenance, "text_reader": "tesseract 5.3.0"}
    page = shown(tmp_path, analysis(captions=[caption], provenance=made))
    assert "Writing in the picture" in page
    assert "RAQQA 2014" in page
    assert "Not examined: sound, file metadata other than length and coding, place, date" in page
    assert "Writing was looked for on objects and in one frame of each shot; writing over a busy background" in page


def test_a_reader_that_failed_has_not_examined_writing(tmp_path: Path) -> None:
    whole = analysis()
    assert whole.media is not None
    media = whole.media.model_copy(update={"warnings": [f"{WRITING_UNREAD}, at least from some point on: it hung"]})
    made = {**whole.provenance, "text_reader": "tesseract 5.3.0"}
    page = shown(tmp_path, analysis(media=media, provenance=made))
    assert "Not examined: sound, file metadata other than length and coding, writing and markings, place, date" in page
    assert "Writing was not read, at least from some point on: it hung" in page
    assert "Writing was looked for" not in page


def test_probabilities_are_called_so_only_with_a_calibration(tmp_path: Path) -> None:
    posterior = {"object": 0.9, "equipment": 0.9, "vehicle": 0.88, "armoured_vehicle": 0.86}
    page = shown(tmp_path, analysis(tracks=[track("t00001", posterior=posterior, posterior_calibrated=True)]))
    assert "a share of 0.86 of sightings like this one were armoured vehicles; on real footage" in page
    assert "armoured vehicle 0.96" in page, "shares are those given that there is an object"
    bare = shown(tmp_path / "bare", analysis(tracks=[track("t00001", posterior=posterior)]))
    assert "Shares of the detector's scores, not probabilities" in bare
    assert "Probability 0" not in bare


def added(**changes: Any) -> dict[str, Any]:
    entry = {
        "type": "mig-23",
        "title": "MiG-23",
        "parent": "combat_aircraft",
        "shipped": False,
        "photos": 3,
        "sources": {"own archive": 3},
        "licences": {"CC0": 3},
        "gallery": "user",
        "gallery_sha256": "sha256:" + "0" * 64,
    }
    return {**entry, **changes}


def with_added(folder: Path, *entries: Any) -> str:
    found = opinion("mig-23", **{"mig-23": 0.8, "f-16": 0.1, "combat_aircraft": 0.93, "other": 0.05, "unknown": 0.05})
    made = {**analysis().provenance, "identifier_added": list(entries)}
    return shown(folder, analysis(tracks=[track("t00001", type=found)], provenance=made))


def test_a_card_says_that_the_user_added_a_type_and_uses_its_title(tmp_path: Path) -> None:
    page = with_added(tmp_path / "one", added(), added(type="su-22", title="Su-22"))
    assert "Type, by likeness to photos: MiG-23, probability 0.80." in page
    assert "MiG-23 was added by the user: 3 photos, source own archive, licence CC0 (the user's own gallery)." in page
    assert "Su-22 was added" not in page, "it is no candidate"
    page = with_added(
        tmp_path / "two", added(), added(type="f-16", title="F-16", shipped=True, photos=1, gallery="case")
    )
    assert "The user added 1 photo of F-16 to those that come with the program" in page
    assert "(the case's gallery)" in page


def test_added_types_of_a_hostile_record_are_made_harmless(tmp_path: Path) -> None:
    page = with_added(tmp_path, added(title="\u202eevil" * 40, sources={"a\x1b[0m" * 90: 1}), 5, {"type": 3}, {})
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "characters left out" in page
    odd = {"type": "mig-23", "title": 5, "photos": "many", "sources": [], "licences": None}
    assert "mig-23 was added by the user: 0 photos (another gallery)." in with_added(tmp_path / "odd", odd)
