"""Contributions in a case: export, import, custody, and the search by hashes alone."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roundel import case as cases
from roundel import custody, notes
from roundel.config import Config
from roundel.errors import IntegrityError, UsageError
from roundel.exchange import writing
from roundel.exchange.candidates import LEAST_PAIRS, hash_candidates
from roundel.exchange.dates import read_dates
from roundel.exchange.model import Rows, Video
from roundel.exchange.signing import Key, make_key
from roundel.exchange.store import Terms, contributions, import_files
from roundel.exchange.writing import Wanted, export, known_videos
from roundel.matching.footage import Footage, from_package
from roundel.package import location
from small_archive import footage, keyframes
from small_case import SMALL, analyse
from small_exchange import CREATED, balanced, closed, lines

WANTED = Wanted("A. Name", created=CREATED)
MOVING = "mandelbrot=size=320x240:rate=12"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return make_key(tmp_path_factory.mktemp("keys") / "me.pem")


@pytest.fixture(scope="module")
def videos(make_clip: Callable[..., Path]) -> tuple[Path, Path]:
    long = ("-t", "4", *SMALL[2:])
    return make_clip("exchange-one.mp4", MOVING, *long), make_clip("exchange [2].mp4", "testsrc2=s=320x240:r=12", *long)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory, videos: tuple[Path, Path]) -> Path:
    case = tmp_path_factory.mktemp("cases") / "theirs"
    analyse(case, *videos)
    return case


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    cases.create(tmp_path / "mine", Config())
    return tmp_path / "mine"


def of_video(case: Path, sha256: str) -> Footage:
    folder = next(location(case, sha256, "x").parent.iterdir())
    return from_package(folder, sha256)


def test_what_is_exported_is_found_again(analysed: Path, mine: Path, tmp_path: Path, key: Key) -> None:
    done = export(analysed, tmp_path / "a.jsonl.gz", WANTED, key)
    assert (done.videos, done.public_key, done.without_fingerprints) == (2, key.public, ())
    received = import_files(mine, [tmp_path / "a.jsonl.gz"], Terms(trusted=[key.public]))
    assert [(item.trust, item.is_new, item.contributor) for item in received] == [("trusted", True, "A. Name")]
    held = [video for item in contributions(mine) for video in item.contribution.videos]
    assert sum(len(video.hashes) for video in held) == done.hashes
    for sha256 in known_videos(analysed):
        query = of_video(analysed, sha256)
        best = max(hash_candidates(query, held), key=lambda item: item.pairs)
        assert best.video.sha256 == sha256
        assert (best.mirrored, best.speed, best.distance) == (False, 1.0, 0)
        assert best.pairs >= 7
        assert best.query_seconds == best.contributed_seconds
    assert not list(cases.problems(mine))


def test_an_export_holds_no_name_no_path_and_no_picture(
    analysed: Path, tmp_path: Path, videos: tuple[Path, Path]
) -> None:
    export(analysed, tmp_path / "a.jsonl", WANTED)
    text = (tmp_path / "a.jsonl").read_text()
    assert "exchange" not in text.replace("roundel-fingerprints", "")
    assert str(videos[0].parent) not in text
    keys = {key for line in text.splitlines() for key in json.loads(line)}
    assert keys == {
        "kind", "format", "version", "algorithm", "forms", "contributor", "created", "tool", "sha256",
        "duration_seconds", "width", "height", "seconds", "hashes", "videos",
    }  # fmt: skip
    export(analysed, tmp_path / "b.jsonl", replace(WANTED, names=True))
    assert '"name":"exchange [2].mp4"' in (tmp_path / "b.jsonl").read_text()


def test_the_same_words_time_and_key_give_the_same_bytes(analysed: Path, tmp_path: Path, key: Key) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        export(analysed, tmp_path / name, WANTED, key)
        export(analysed, tmp_path / f"{name}.gz", WANTED, key)
    data = (tmp_path / "a.jsonl").read_bytes()
    assert data == (tmp_path / "b.jsonl").read_bytes() == gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes())
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_an_export_replaces_nothing_and_leaves_nothing(
    analysed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.jsonl"
    out.write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        export(analysed, out, WANTED)
    assert out.read_text() == "mine"
    monkeypatch.setattr(writing, "MOST_TEXT_BYTES", 1000)
    with pytest.raises(UsageError, match="at a time with --video"):
        export(analysed, tmp_path / "b.jsonl", WANTED)
    for wrong in (replace(WANTED, contributor="a\nb"), replace(WANTED, notes="\u202e")):
        with pytest.raises(UsageError, match=r"^--(contributor|notes): "):
            export(analysed, tmp_path / "b.jsonl", wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_some_videos_are_exported_by_name_or_hash(analysed: Path, tmp_path: Path) -> None:
    first = next(iter(known_videos(analysed)))
    for number, chosen in enumerate(("exchange [2].mp4", first, first.removeprefix("sha256:")[:8])):
        assert export(analysed, tmp_path / f"{number}.jsonl", replace(WANTED, videos=(chosen,))).videos == 1
    for wrong in ("no.mp4", first.removeprefix("sha256:")[:7]):
        with pytest.raises(UsageError, match="is no video of"):
            export(analysed, tmp_path / "x.jsonl", replace(WANTED, videos=(wrong,)))


def test_an_altered_package_is_not_exported(analysed: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(analysed, case)
    next(case.glob("videos/*/*/fingerprints.jsonl.gz")).write_bytes(gzip.compress(b""))
    with pytest.raises(IntegrityError, match="was changed"):
        export(case, tmp_path / "a.jsonl", WANTED)
    assert not (tmp_path / "a.jsonl").exists()


def test_attested_dates_travel_with_the_video(analysed: Path, mine: Path, tmp_path: Path) -> None:
    sha256, *_ = known_videos(analysed)
    (tmp_path / "dates.csv").write_text(
        "id,kind,who,found,basis,source,video,when,note\n"
        f"a,published,B. Name,2026-01-01,seen,an archive,{sha256},2013-05,a secret\n"
        "b,date,C. Name,2026-01-01,document,a letter,exchange [2].mp4,2012-04-03,\n"
        "c,published,C. Name,2026-01-01,document,a letter,another.mp4,2012-04-03,\n"
    )
    dates = read_dates(tmp_path / "dates.csv", known_videos(analysed))
    done = export(analysed, tmp_path / "a.jsonl", replace(WANTED, attested=dates))
    assert done.dated == sum(map(bool, dates.values()))
    assert "a secret" not in (tmp_path / "a.jsonl").read_text()
    import_files(mine, [tmp_path / "a.jsonl"], Terms(untrusted=True))
    held = {video.sha256: video for video in contributions(mine)[0].contribution.videos}
    said = [(item.says, item.first, item.last, item.who) for video in held.values() for item in video.attested]
    assert sorted(said) == [
        ("filmed", "2012-04-03", "2012-04-03", "C. Name"),
        ("published", "2013-05-01", "2013-05-31", "B. Name"),
    ]


def test_a_date_without_source_is_refused(analysed: Path, tmp_path: Path) -> None:
    (tmp_path / "dates.csv").write_text(
        "id,kind,who,found,basis,source,video,when\na,published,B,2026-01-01,seen,,exchange-one.mp4,2013\n"
    )
    with pytest.raises(UsageError, match="a date needs source"):
        read_dates(tmp_path / "dates.csv", known_videos(analysed))


def give(folder: Path, name: str, key: Key | None = None, seed: int = 1) -> Path:
    path = folder / name
    path.write_bytes(closed(lines(key=key, seed=seed), key))
    return path


def test_only_trusted_keys_are_taken_unless_the_user_says_so(mine: Path, tmp_path: Path, key: Key) -> None:
    signed, bare = give(tmp_path, "signed.jsonl", key), give(tmp_path, "bare.jsonl", seed=2)
    with pytest.raises(UsageError, match=f"signed with {key.public}, which you do not name"):
        import_files(mine, [signed], Terms())
    with pytest.raises(UsageError, match="is not signed"):
        import_files(mine, [bare], Terms(trusted=[key.public]))
    assert not (mine / notes.CONTRIBUTED).exists()
    import_files(mine, [signed, bare], Terms(untrusted=True))
    assert sorted(item.trust for item in contributions(mine)) == ["unknown key", "unsigned"]


def test_nothing_is_kept_if_one_file_is_wrong(mine: Path, tmp_path: Path, key: Key) -> None:
    good = give(tmp_path, "good.jsonl", key)
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(give(tmp_path, "x.jsonl", key, seed=3).read_bytes()[:-2])
    with pytest.raises((IntegrityError, UsageError)):
        import_files(mine, [good, bad], Terms(trusted=[key.public]))
    assert not (mine / notes.CONTRIBUTED).exists()
    assert notes.imported(mine) == {}


def test_an_import_is_noted_once_and_trust_only_grows(mine: Path, tmp_path: Path, key: Key) -> None:
    path = give(tmp_path, "a.jsonl", key)
    before = len(list(custody.read(mine)))
    assert import_files(mine, [path], Terms(untrusted=True))[0].is_new
    assert not import_files(mine, [path, path], Terms(untrusted=True))[0].is_new
    assert len(list(custody.read(mine))) == before + 1
    import_files(mine, [path], Terms(trusted=[key.public]))
    import_files(mine, [path], Terms(untrusted=True))
    assert len(list(custody.read(mine))) == before + 2
    (held,) = contributions(mine)
    assert (held.trust, held.name) == ("trusted", "a.jsonl")
    event = notes.imported(mine)[held.place]
    assert event.details["public_key"] == key.public
    assert (event.details["videos"], event.details["hashes"], event.details["padded"]) == (2, 12, 0)
    assert (mine / held.place).read_bytes() == path.read_bytes()
    assert not list(cases.problems(mine))


def test_a_log_that_calls_an_unsigned_file_trusted_is_not_believed(mine: Path, tmp_path: Path) -> None:
    (held,) = import_files(mine, [give(tmp_path, "a.jsonl", None)], Terms(untrusted=True))
    event = notes.imported(mine)[held.place]
    custody.append(mine, notes.IMPORTED, held.place, {**event.details, "trust": "trusted"})
    with pytest.raises(IntegrityError, match=r"calls contributed/[0-9a-f]+\.jsonl trusted, and it is not"):
        contributions(mine)


def test_an_altered_or_added_contribution_is_found(mine: Path, tmp_path: Path, key: Key) -> None:
    import_files(mine, [give(tmp_path, "a.jsonl", key)], Terms(trusted=[key.public]))
    (held,) = contributions(mine)
    path = mine / held.place
    data = path.read_bytes()
    path.write_bytes(data + b"\n")
    assert list(cases.problems(mine)) == [f"{path}: was changed"]
    with pytest.raises(IntegrityError, match="was changed"):
        contributions(mine)
    path.unlink()
    assert list(cases.problems(mine)) == [f"{path}: is missing"]
    path.write_bytes(data)
    added = path.with_name(f"{'0' * 64}.jsonl")
    added.write_bytes(b"x")
    assert list(cases.problems(mine)) == [f"{added}: the custody log does not mention this file"]
    with pytest.raises(IntegrityError, match="does not mention"):
        contributions(mine)
    added.unlink()
    notes = path.with_name("notes.txt")
    notes.write_bytes(b"x")
    assert list(cases.problems(mine)) == [f"{notes}: was added"]
    assert len(contributions(mine)) == 1
    notes.unlink()
    assert not list(cases.problems(mine))
    path.unlink()
    path.symlink_to(tmp_path / "a.jsonl")
    assert any("is a link" in problem for problem in cases.problems(mine))
    with pytest.raises(IntegrityError, match="is a link"):
        import_files(mine, [tmp_path / "a.jsonl"], Terms(untrusted=True))


def test_an_import_that_was_interrupted_is_finished_by_the_next(mine: Path, tmp_path: Path, key: Key) -> None:
    path = give(tmp_path, "a.jsonl", key)
    (held,) = import_files(mine, [path], Terms(trusted=[key.public]))
    other = tmp_path / "other"
    cases.create(other, Config())
    (other / notes.CONTRIBUTED).mkdir()
    (other / held.place).write_bytes(path.read_bytes())
    assert import_files(other, [path], Terms(trusted=[key.public]))[0].is_new
    assert not list(cases.problems(other))


def test_an_import_restores_what_was_altered(mine: Path, tmp_path: Path, key: Key) -> None:
    path = give(tmp_path, "a.jsonl", key)
    (held,) = import_files(mine, [path], Terms(trusted=[key.public]))
    (mine / held.place).write_bytes(b"x")
    import_files(mine, [path], Terms(untrusted=True))
    assert (mine / held.place).read_bytes() == path.read_bytes()
    assert contributions(mine)[0].trust == "trusted"
    assert not list(cases.problems(mine))


def timed(hashes: list[str], times: list[float | None], padded: bool = False) -> Video:
    rows = Rows()
    for value, seconds in zip(hashes, times, strict=True):
        rows.add(seconds, bytes.fromhex(value), None, padded=padded)
    return rows.video("theirs")


def query(count: int = 20) -> Footage:
    return footage("query", keyframes(np.random.default_rng(4), count))


def whole(of: Footage, mirrored: bool = False) -> list[str]:
    prints = [keyframe.fingerprints[0] for keyframe in of.keyframes]
    return [(item.mirrored_bits if mirrored else item.bits).hex() for item in prints]


def qualified(video: Video) -> Video:
    """The hashes of these tests are no pictures', so their quality is given."""
    return replace(video, quality=np.full(len(video.hashes), 80, np.int16))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_part_is_found_where_it_lies(mirrored: bool) -> None:
    asked = query()
    theirs = timed(whole(asked, mirrored)[4:12], [100 + place / 2 for place in range(8)], padded=True)
    (found,) = hash_candidates(asked, [qualified(theirs)])
    assert (found.query_seconds, found.contributed_seconds, found.speed) == ((2.0, 5.5), (100.0, 103.5), 1.0)
    assert (found.mirrored, found.pairs, found.distance, found.padded) == (mirrored, 8, 0, 8)


def test_pictures_without_times_are_counted_and_have_no_range() -> None:
    asked = query()
    theirs = timed(whole(asked)[4:9], [None] * 5)
    (found,) = hash_candidates(asked, [qualified(theirs)])
    assert (found.query_seconds, found.contributed_seconds, found.speed, found.pairs) == ((2.0, 4.0), None, None, 5)


def test_too_few_or_scattered_pairs_say_nothing() -> None:
    asked = query()
    hashes = whole(asked)
    few = timed(hashes[: LEAST_PAIRS - 1], [float(n) for n in range(LEAST_PAIRS - 1)])
    scattered = timed(hashes[::4], [7.0, 1.0, 90.0, 3.0, 40.0])
    one = timed([hashes[3]] * 5, [1.0] * 5)
    assert not list(hash_candidates(asked, [qualified(video) for video in (few, scattered, one)]))


def test_a_still_picture_that_stands_for_long_is_one_pair() -> None:
    """One near picture is one pair, however many moments show it."""
    rng = np.random.default_rng(8)
    still = bytes.fromhex(balanced(rng))
    made = tuple(
        replace(item, fingerprints=(replace(item.fingerprints[0], bits=still),)) for item in keyframes(rng, 40)
    )
    asked = footage("still", made)
    assert not list(hash_candidates(asked, [qualified(timed([still.hex()], [3.0]))]))


def test_the_stop_list_is_left_out() -> None:
    asked = query()
    theirs = qualified(timed(whole(asked)[:6], [n / 2 for n in range(6)]))
    stop = theirs.hashes[:4]
    assert len(list(hash_candidates(asked, [theirs]))) == 1
    assert not list(hash_candidates(asked, [theirs], stop))


def test_plain_pictures_are_not_looked_for() -> None:
    asked = query()
    plain = footage("plain", keyframes(np.random.default_rng(4), 20, quality=10))
    theirs = timed(whole(asked)[:6], [n / 2 for n in range(6)])
    assert not list(hash_candidates(plain, [qualified(theirs)]))
    assert not list(hash_candidates(asked, [replace(theirs, quality=np.zeros(6, np.int16))]))
