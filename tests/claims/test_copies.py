"""What is said of footage that other videos show, beside the verdict."""

from __future__ import annotations

from claims.scenes import copy_of, held, jets
from roundel.claims.model import Assessment

FILMED = "subject: aircraft, scope: {filmed: 2014-08-31}"
UNDATED = (
    "The same footage as 0:00.00 to 0:30.00 of one.mp4 is in archive/old.mp4; which of the two is earlier is not known."
)


def weight(found: Assessment) -> tuple[object, ...]:
    return found.verdict, found.words, found.supporting, found.opposing


def test_without_a_date_a_copy_is_named_and_nothing_else_changes() -> None:
    for text in ("subject: aircraft", FILMED, "subject: aircraft, relation: continuous"):
        plain, with_copy = held(text, jets(2)), held(text, jets(2, copies=(copy_of((0.0, 30.0)),)))
        assert weight(plain) == weight(with_copy)
        assert set(with_copy.not_addressed) - set(plain.not_addressed) == {UNDATED}


def test_evidence_names_the_video_the_day_the_person_and_the_part() -> None:
    found = held(FILMED, jets(2, copies=(copy_of((0.0, 30.0), "2013-05"),)))
    (item,) = (one for one in found.opposing if one.rule == "earlier-copy")
    assert item.text == (
        "The same footage is in archive/old.mp4, as the program found: 6 pairs of pictures agree. "
        "That video was public (2013-05) before the time that is claimed, as Ana attests (a web archive). "
        "This holds for 0:00.00 to 0:30.00 of one.mp4 only."
    )
    assert [exhibit.label for exhibit in item.exhibits] == ["matches/0/overlay-1.png", "a web archive"]


def test_a_copy_of_another_part_than_the_claim_speaks_of_says_nothing() -> None:
    other = "subject: aircraft, scope: {filmed: 2014-08-31, from: 0:40, to: 0:50}"
    assert weight(held(other, jets(2))) == weight(held(other, jets(2, copies=(copy_of((0.0, 30.0), "2013"),))))


def test_many_copies_are_cut_short() -> None:
    copies = tuple(copy_of((float(number), number + 1.0)) for number in range(12))
    found = held("subject: aircraft", jets(2, copies=copies))
    assert sum("is not known" in text for text in found.not_addressed) == 5
    assert "7 more parts of it are in other videos." in found.not_addressed
