"""``roundel match``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import FakeDetector
from recycled_footage import Recycled, copied, recycled
from small_case import tree_of
from test_report import Page

Call = Callable[..., Any]
HEAD = "id,kind,who,found,basis,source,video,when\n"


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Recycled:
    return recycled(tmp_path_factory.mktemp("recycled"))


@pytest.fixture
def made(once: Recycled, tmp_path: Path) -> Recycled:
    return copied(once, tmp_path)


def test_a_case_is_held_against_another_and_the_matches_stay(made: Recycled, call: Call) -> None:
    said = call("match", made.case, "--against", made.archive)
    assert (said.code, said.err) == (0, "")
    first, second, *rest = said.out.splitlines()
    assert first.startswith("new.mp4 0:0")
    assert "shows what archive/old.mp4 shows at 0:0" in first
    assert ": mirrored, overlay below; " in first
    assert first.endswith("places agree")
    assert second == "  Which of the two was public first is not known: no date is attested that tells."
    assert "Compared with 2 videos of archive. Candidates: all hashes compared" in rest[0]
    assert "It does not say which of the two is the copy" in said.out
    assert call("verify", made.case).code == 0
    before = tree_of(made.case)
    assert call("match", made.case, "--against", made.archive).out == said.out
    assert tree_of(made.case) == before


def test_json_says_what_the_lines_say(made: Recycled, call: Call) -> None:
    said = call("match", made.case, "--against", made.archive, "--json")
    told = json.loads(said.out)
    (found,) = told["matches"]
    (match,) = found["matches"]
    assert found["kept"] == str(made.case / "matches" / found["id"])
    assert (Path(found["kept"]) / match["overlay"]).is_file()
    assert match["reference"]["sha256"] == found["reference"]["sha256"]
    assert match["mirrored"] is True
    assert found["attested_by_people"] == {"earlier": None, "sentences": []}
    assert told["references"][0]["candidates"].startswith("all hashes compared")
    quick = json.loads(call("match", made.case, "--against", made.archive, "--method", "words", "--json").out)
    assert "may be missed" in quick["references"][0]["candidates"]
    assert quick["matches"] == told["matches"]


def test_loose_videos_are_read_and_a_bad_one_does_not_stop_the_others(
    made: Recycled, call: Call, tmp_path: Path
) -> None:
    bad = tmp_path / "bad [red].mp4"
    bad.write_bytes(b"no video")
    said = call("match", bad, made.new, made.strange, "--against", made.archive)
    assert said.code == 1
    assert "bad [red].mp4" in said.err
    assert said.out.startswith("new.mp4 0:0")
    assert "Kept in" not in said.out
    alone = call("match", made.strange, "--against", made.archive, "-q")
    assert (alone.code, alone.err) == (0, "")
    assert alone.out.startswith("Nothing was found that these videos share. That is no proof")


def test_the_page_shows_both_pictures_and_makes_heads_coarse(
    made: Recycled, call: Call, tmp_path: Path, fake: FakeDetector
) -> None:
    page = tmp_path / "page.html"
    assert call("match", made.case, "--against", made.archive, "--page", page).code == 0
    text = page.read_text(encoding="utf-8")
    parsed = Page(text)
    assert [picture["src"][:23] for picture in parsed.all("img")] == ["data:image/jpeg;base64,"] * 2
    assert "case/new.mp4 and archive/old.mp4" in parsed.text
    assert "mirrored" in parsed.text
    assert "Which of the two was public first is not known" in parsed.text
    assert " checked" not in text.partition("<main>")[0].rpartition('id="clear"')[2].partition(">")[0]
    call("match", made.case, "--against", made.archive, "--page", page)
    assert page.read_text(encoding="utf-8") == text
    examined = fake.pictures
    call("match", made.new, "--against", made.archive, "--page", page)
    assert fake.pictures == examined + 1
    assert "No detector has examined new.mp4" in Page(page.read_text(encoding="utf-8")).text


def test_heads_in_the_pictures_of_a_page_are_made_coarse(
    made: Recycled, call: Call, tmp_path: Path, fake: FakeDetector
) -> None:
    plain, coarse = tmp_path / "plain.html", tmp_path / "coarse.html"
    fake.find = lambda _: []
    call("match", made.new, "--against", made.archive, "--page", plain)
    fake.find = lambda _: [((40.0, 20.0, 160.0, 170.0), "person", 0.9)]
    call("match", made.new, "--against", made.archive, "--page", coarse)
    shown, hidden = (Page(path.read_text(encoding="utf-8")).all("img") for path in (plain, coarse))
    assert len(shown) == len(hidden) == 2
    assert all(one["src"] != other["src"] for one, other in zip(shown, hidden, strict=True))


def test_dates_of_people_give_a_direction_and_are_kept(made: Recycled, call: Call, tmp_path: Path) -> None:
    dates = tmp_path / "dates.csv"
    old = "d1,published,B. Reporter,2024-05-03,reported,web archive 123,old.mp4,2013-05-02\n"
    dates.write_text(HEAD + old)
    said = call("match", made.case, "--against", made.archive, "--dates", dates)
    assert (said.code, "people attest" in said.out) == (0, False)
    dates.write_text(HEAD + old + "d2,published,C. Clerk,2024-05-03,seen,the channel,new.mp4,2020-01-02\n")
    said = call("match", made.case, "--against", made.archive, "--dates", dates)
    assert (
        "people attest: archive/old.mp4, and so this footage, had been published on 2013-05-02 (attested by "
        "B. Reporter: web archive 123), before the first attested publication of case/new.mp4 (2020-01-02, attested by "
        "C. Clerk: the channel)."
    ) in said.out
    assert call("match", made.case, "--against", made.archive).out == said.out
    assert call("verify", made.case).code == 0
    told = json.loads(call("match", made.case, "--against", made.archive, "--json").out)
    assert told["matches"][0]["attested_by_people"]["earlier"] == "reference"
    assert "2013" not in (Path(told["matches"][0]["kept"]) / "match.json").read_text(encoding="utf-8")


def test_kept_matches_and_dates_bear_on_claims(made: Recycled, call: Call, tmp_path: Path) -> None:
    claims = tmp_path / "claims.yaml"
    claims.write_text(
        'schema_version: "1"\nclaims:\n'
        "  - {id: new, text: Filmed yesterday., by: a channel, subject: object,\n"
        "     scope: {videos: [new.mp4], filmed: 2020-01-01, from: 0:03, to: 0:07}}\n",
        encoding="utf-8",
    )

    def check() -> dict[str, Any]:
        claim: dict[str, Any] = json.loads(call("claims", "check", claims, "--case", made.case, "--json").out)[
            "claims"
        ][0]
        return claim

    before = check()
    call("match", made.case, "--against", made.archive)
    undated = check()
    assert (undated["verdict"], undated["against"]) == (before["verdict"], before["against"])
    assert any("archive/old.mp4; which of the two is earlier is not known" in one for one in undated["not_addressed"])
    dates = tmp_path / "dates.csv"
    dates.write_text(HEAD + "d1,published,B. Reporter,2024-05-03,reported,web archive 123,old.mp4,2013-05-02\n")
    call("match", made.case, "--against", made.archive, "--dates", dates)
    dated = check()
    assert dated["verdict"] == "weakens"
    assert any("whoever finds the same footage in both says so" in one for one in dated["not_addressed"])
    (against,) = (one for one in dated["against"] if one["rule"] == "earlier-copy")
    assert "public (2013-05-02) before the time that is claimed, as B. Reporter attests" in against["text"]
    assert call("report", made.case).code == 0
    assert call("verify", made.case).code == 0


def contributed(made: Recycled, call: Call, tmp_path: Path) -> None:
    """The fingerprints of the archive come into the case of the copy."""
    dates = tmp_path / "of-the-archive.csv"
    dates.write_text(HEAD + "d1,published,B. Reporter,2024-05-03,reported,web archive 123,old.mp4,2013-05-02\n")
    file = tmp_path / "theirs.jsonl.gz"
    assert (
        call("fingerprints", "export", made.archive, "--out", file, "--contributor", "Ana", "--dates", dates).code == 0
    )
    assert call("fingerprints", "import", file, "--case", made.case, "--untrusted").code == 0


def test_contributed_hashes_are_a_hint_and_never_kept(made: Recycled, call: Call, tmp_path: Path) -> None:
    contributed(made, call, tmp_path)
    before = tree_of(made.case)
    page = tmp_path / "page.html"
    said = call("match", made.case, "--against", made.case, "--page", page)
    (hint,) = (line for line in said.out.splitlines() if "by hashes alone, not verified by pictures" in line)
    assert hint.startswith("new.mp4 0:0")
    assert "(unsigned; contributed by Ana) shows at 0:03.00 to 0:0" in hint
    assert "mirrored" in hint
    assert "published on 2013-05-02, as the contribution says that B. Reporter attests (web archive 123)" in hint
    assert "and by hashes alone with 2 videos of contributed fingerprints" in said.out
    assert "Hashes alone prove nothing" in said.out
    assert "It does not say which of the two" not in said.out
    assert {name: data for name, data in tree_of(made.case).items() if not name.startswith("fingerprints/")} == before
    text = Page(page.read_text(encoding="utf-8")).text
    assert "By hashes alone" in text
    assert "not verified by pictures" in text
    (told,) = json.loads(call("match", made.case, "--against", made.case, "--json").out)["hints"]
    assert told["line"] == hint
    assert told["verified_by_pictures"] is False
    assert told["pairs"] >= 3


def test_a_contributed_hash_of_the_file_itself_is_told_apart(made: Recycled, call: Call, tmp_path: Path) -> None:
    contributed(made, call, tmp_path)
    said = call("match", made.archive, "--against", made.case)
    assert "old.mp4 has the hash of sha256:" in said.out
    assert ": the same bytes, if the contribution is right" in said.out


def test_contributed_videos_that_the_case_has_are_compared_by_pictures(
    made: Recycled, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "own.jsonl"
    call("fingerprints", "export", made.archive, "--out", file, "--contributor", "Ana")
    call("fingerprints", "import", file, "--case", made.archive, "--untrusted")
    said = call("match", made.case, "--against", made.archive)
    assert "places agree" in said.out
    assert "by hashes alone, not" not in said.out


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", HEAD.encode() + b"d1,published\n", b"[" * 5000, b"x" * (2 * 1024**2)],
)
@pytest.mark.parametrize("suffix", [".csv", ".yaml", ".txt"])
def test_a_hostile_file_of_dates_is_refused_in_lines_that_name_it(
    made: Recycled, call: Call, tmp_path: Path, content: bytes, suffix: str
) -> None:
    dates = tmp_path / f"dates{suffix}"
    dates.write_bytes(content)
    said = call("match", made.case, "--against", made.archive, "--dates", dates, "-q")
    assert (said.code, said.out) == (2, "")
    assert said.err
    assert all(line.startswith(f"Error: {dates}") for line in said.err.splitlines())


def test_wrong_arguments_are_told_apart_from_changed_evidence(made: Recycled, call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = call("match", tmp_path / "empty", "--against", made.archive)
    assert (said.code, "is no case" in said.err) == (2, True)
    said = call("match", made.case, "--against", tmp_path / "empty")
    assert (said.code, "is no case" in said.err) == (2, True)
    assert call("match", made.case, "--against", made.archive, "--page", made.case / "p.html").code == 2
    call("match", made.case, "--against", made.archive)
    (kept,) = (made.case / "matches").iterdir()
    (kept / "match.json").write_bytes(b"{}")
    said = call("match", made.case, "--against", made.archive)
    assert (said.code, "match.json: was changed" in said.err) == (3, True)
    said = call("verify", made.case)
    assert (said.code, said.out) == (3, f"{kept / 'match.json'}: was changed\n")
