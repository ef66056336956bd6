"""The page of claims: all of each record, harmless whatever it holds, one A4 page a claim, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from roundel.case import packages
from roundel.catalogue import Catalogue, load
from roundel.catalogue.profile import SIPRI_NOTICE
from roundel.claims.assess import assess_all
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.reading import read_claims
from roundel.claims.ladder import BEYOND
from roundel.claims.model import Claim, Level, Quantifier, Subject, Verdict
from roundel.claims.publish import to_claim_record
from roundel.claims.scene import Scene, footage_of
from roundel.claims.wording import scale_rows
from roundel.errors import IntegrityError, UsageError
from roundel.package import read_analysis
from roundel.record import ClaimFootage, ClaimRecord, EvidenceExhibit, EvidenceRecord, StepRecord
from roundel.report import ClaimsSheet, ExaminedVideo, InputFile, examined_footage, render_claims
from roundel.report.citations import Citations
from roundel.report.scales import VERDICTS
from test_report import CHROMIUM, HOSTILE, WORST, Page, check_harmless, make_case, with_findings

EXAMPLE = Path(__file__).parents[1] / "examples" / "tabqa_2014" / "claims.yaml"
VIDEO = "sha256:" + "ab" * 32


def evidence(**changes: Any) -> EvidenceRecord:
    values: dict[str, Any] = {
        "rule": "counted",
        "text": "The program saw it.",
        "source": "video",
        "ratio": None,
        "words": "",
        "exhibits": [],
        "numbers": {},
    }
    return EvidenceRecord(**{**values, **changes})


def record(**changes: Any) -> ClaimRecord:
    values: dict[str, Any] = {
        "id": "one",
        "text": "Tanks are shown.",
        "by": "a speaker",
        "said": "2014-08-31",
        "reported_in": "a newspaper",
        "statement": "at least one tank is visible",
        "level": "L1",
        "verdict": "supports",
        "words": "The footage gives weak support.",
        "for": [evidence()],
        "against": [],
        "alternatives": ["It is a decoy."],
        "not_addressed": [],
        "would_change": ["a look at it"],
        "sentences": [],
        "derivation": [StepRecord(rule="count", text="Counted.", numbers={"wanted": 1})],
    }
    return ClaimRecord.model_validate({**values, **changes})


def sheet(*records: ClaimRecord, **changes: Any) -> ClaimsSheet:
    values: dict[str, Any] = {
        "title": "Claims about a video",
        "records": records,
        "files": (InputFile("Claim file", "claims.yaml", "sha256:" + "cd" * 32),),
        "videos": (ExaminedVideo("clip.mp4", VIDEO, "120 of 900 frames examined"),),
        "model": "hardware-v1",
        "validation": "tested on 30 clips",
        "made": "Roundel 0.1.0",
        "sources": {},
    }
    return ClaimsSheet(**{**values, **changes})


def page(*records: ClaimRecord, **changes: Any) -> Page:
    return Page(render_claims(sheet(*records, **changes)))


def plain(text: str) -> str:
    """A text as it is compared: links and lists divide it on the page, so without spaces."""
    return "".join(text.split())


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


@pytest.fixture(scope="module")
def example(catalogue: Catalogue) -> ClaimsSheet:
    """The worked example, of which there is no footage."""
    read = read_claims(EXAMPLE, CatalogueNames(catalogue), ())
    found = assess_all(read.claims, Scene(catalogue, (), read.findings))
    files = (InputFile("Claim file", read.path.name, read.sha256),)
    records = tuple(to_claim_record(item, catalogue) for item in found)
    return sheet(*records, files=files, videos=(), model="", validation="", sources=catalogue.sources)


@pytest.fixture(scope="module")
def example_text(example: ClaimsSheet) -> str:
    return render_claims(example)


def test_all_of_every_record_is_on_the_page(example: ClaimsSheet, example_text: str) -> None:
    text = plain(Page(example_text).text).casefold()
    for one in example.records:
        items = [*one.for_, *one.against, *one.sentences]
        told = [one.id, one.text, one.by, one.reported_in, one.statement, one.words, one.verdict]
        told += [*one.alternatives, *one.not_addressed, *one.would_change]
        told += [item.text for item in items] + [exhibit.label for item in items for exhibit in item.exhibits]
        told += [f"{name.replace('_', ' ')}" for item in items for name in item.numbers]
        assert [item for item in told if plain(item).casefold() not in text] == []


def test_days_are_written_in_one_way(example_text: str) -> None:
    assert "31 August 2014 to 2 September 2014" in Page(example_text).text


def test_sheets_answer_a_newcomers_questions_in_order(example_text: str) -> None:
    read = Page(example_text)
    order = [
        "Claimed by",
        "In exact terms",
        "Verdict",
        "What others say the footage shows",
        "For",
        "Against",
        "Where such equipment comes from",
        "What it cannot show, and why",
        "Other explanations",
        "What would settle it",
        "What footage alone can carry",
        "How strong words may be",
        "How the verdict was reached",
        "Sources cited on this sheet",
    ]
    first = read.text[read.text.index("Claim 1 of") : read.text.index("Claim 2 of")]
    assert "No footage was examined: everything here comes from reports" in read.text[: read.text.index("Claim 1 of")]
    places = [first.index(title) for title in order]
    assert places == sorted(places)
    assert "No footage was examined" in first
    assert BEYOND[Level.SUPPLIER] in first
    assert "A serial that is traced to a delivery" in first


def test_sources_are_spelled_out_on_the_sheet(example: ClaimsSheet, example_text: str) -> None:
    text = Page(example_text).text
    first = text[text.index("Claim 1 of") : text.index("Claim 2 of")]
    for code in ("P14", "P15", "P15c", "P16", "S1"):
        source = example.sources[code]
        assert f"{code} {source.what} (reliability: {source.tier})" in first
    assert "Roundel uses these rows under SIPRI’s terms: fair use only" in first
    assert example.sources["P14"].where in text
    assert 'href="http' not in example_text


def test_the_register_notice_only_where_it_is_cited() -> None:
    assert SIPRI_NOTICE not in page(record()).text
    assert "Cite me." in page(record(), notices=("Cite me.",)).text


def test_several_claims_have_an_index_and_one_has_none(example_text: str) -> None:
    many, one = Page(example_text), page(record())
    assert "7 claims" in [title for _, title in _headings(example_text)]
    links = [str(item["href"]) for item in many.all("a")]
    assert [f"#c{number}" for number in range(1, 8)] == [item for item in links if re.fullmatch(r"#c\d", item)][:7]
    assert not [item for item in one.all("section") if item.get("class") == "index"]


def _headings(text: str) -> list[tuple[int, str]]:
    return [
        (int(level), " ".join(re.sub(r"<[^>]+>", "", inner).split()))
        for level, inner in re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", text, re.DOTALL)
    ]


def test_headings_landmarks_and_language(example_text: str) -> None:
    levels = [level for level, _ in _headings(example_text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    read = Page(example_text)
    assert read.all("html")[0]["lang"] == "en"
    assert len(read.all("main")) == 1
    assert all("aria-labelledby" in item for item in (*read.all("section"), *read.all("article")))
    assert all("scope" in item for item in read.all("th"))


@pytest.mark.parametrize("side", ["for", "against"])
def test_a_side_without_evidence_says_so(side: str) -> None:
    filled = {"for": [evidence()], "against": [evidence()], side: []}
    text = page(record(**filled)).text
    empty = text[text.index(side.capitalize() + " ") :]
    assert empty.startswith(f"{side.capitalize()} Nothing.")


@pytest.mark.parametrize(
    ("source", "rule", "mark"),
    [
        ("video", "counted", "Program, from the footage"),
        ("file", "same-bytes", "Program, from the file"),
        ("finding", "seen", "A person’s finding"),
        ("finding", "reported", "A report, entered by a person"),
        ("register", "deliveries-on-record", "Register of deliveries and captures"),
        ("catalogue", "producer-on-record", "Catalogue of equipment"),
        ("oracle", "other", "Source: oracle"),
    ],
)
def test_evidence_says_whose_it_is(source: str, rule: str, mark: str) -> None:
    text = page(record(**{"for": [evidence(source=source, rule=rule)]})).text
    assert f"For {mark} The program saw it." in text


def test_statements_of_provenance_have_titles_and_sources() -> None:
    said = [evidence(rule="provenance.supplier", source="register", text="Given this: a; b; c. It traces nothing.")]
    assert "Supplier (register of deliveries and captures) Given this: a; b; c. It traces nothing." in (
        page(record(sentences=said)).text
    )


@pytest.mark.parametrize("verdict", [item.value for item in Verdict])
def test_verdicts_are_words(verdict: str) -> None:
    text = page(record(verdict=verdict)).text
    assert f"Verdict: {VERDICTS[verdict][0]}" in text
    assert f"{verdict}, L1" in text


def test_strength_and_the_cap_on_it() -> None:
    step = StepRecord(rule="words", text="Held.", numbers={"ratio": 9.0, "cap": 9.03, "negative_clips": 30})
    for_it = [evidence(ratio=9.0, words="weak support")]
    text = page(record(**{"for": for_it, "derivation": [step]})).text
    assert "Weak support: 9 times as likely to be found if the claim is true as if it is not true." in text
    assert "2 to 10 weak support (used here) 10 to 100 moderate support (too strong here)" in text
    assert "In 30 test clips without such an object" in text
    assert "allow no more than 9 here" in text
    against = page(record(against=[evidence(ratio=4.0, words="weak support")])).text
    assert "4 times as likely to be found if the claim is not true as if it is true." in against


def test_the_ladder_is_on_every_sheet_and_the_scale_where_it_is_used(example: ClaimsSheet, example_text: str) -> None:
    read = Page(example_text)
    used = page(record(**{"for": [evidence(ratio=9.0, words="weak support")]})).text
    for ratio, said in scale_rows():
        assert read.text.count(f"{ratio} {said}") == 1, "once, for no sheet uses it"
        assert f"{ratio} {said}" in used
    assert read.text.count("This claim: ") >= len(example.records)
    assert "This claim: Who supplied it, by what route no" in read.text
    assert "No strength is stated here" in read.text
    assert "stands on none of these lines" in page(record(level="footage")).text


def test_evidence_says_which_part_of_the_claim_it_bears_on() -> None:
    text = "Reported, not seen in the footage: at least 3."
    one, other = (
        evidence(rule="reported", source="finding", text=text, about=about)
        for about in ("at least 2", "no more than 2")
    )
    text = page(record(**{"for": [one], "against": [other]})).text
    assert "on “at least 2”" in text
    assert "on “no more than 2”" in text
    assert "What others report of it: at least 3." in text


def test_footage_that_shows_nothing_is_no_answer() -> None:
    text = page(record(**{"for": []})).text
    assert "Nothing in the footage bears on this claim. Not finding something does not prove" in text
    assert "clip.mp4" in text
    assert "120 of 900 frames examined" in text
    assert "tested on 30 clips" in text


@pytest.mark.parametrize("bad", [*HOSTILE, WORST])
def test_hostile_text_stays_text(bad: str) -> None:
    exhibit = EvidenceExhibit(label=bad, video=bad, seconds=1.0, file=bad)
    item = evidence(rule=bad, text=bad, source=bad, words=bad, ratio=2.0, exhibits=[exhibit], numbers={bad: bad})
    changes: dict[str, Any] = dict.fromkeys(
        ("id", "text", "by", "said", "reported_in", "statement", "level", "verdict", "words"), bad
    )
    changes |= {key: [bad] for key in ("alternatives", "not_addressed", "would_change")}
    changes |= {"for": [item], "against": [item], "sentences": [item]}
    changes["derivation"] = [StepRecord(rule=bad, text=bad, numbers={bad: bad, "cap": bad})]
    files = (InputFile(bad, bad, bad),)
    videos = (ExaminedVideo(bad, bad, bad, bad),)
    made = render_claims(
        sheet(
            record(**changes), record(**changes), title=bad, files=files, videos=videos, model=bad, validation=bad,
            made=bad, notices=(bad,),
        )
    )  # fmt: skip
    read = Page(made)
    check_harmless(made, read)
    if bad == "javascript:alert(1)":
        assert "javascript:alert(1)" in read.text
    if "\u202e" in bad:
        assert "⟨U+202E⟩" in read.text


def test_exhibits_are_linked_only_inside_the_case() -> None:
    exhibit = EvidenceExhibit(label="t1", video=VIDEO, seconds=12.5, file="exhibits/t1.png")

    def links(package: str, file: str = "exhibits/t1.png") -> list[str]:
        one = exhibit.model_copy(update={"file": file})
        videos = (ExaminedVideo("clip.mp4", VIDEO, "", package),)
        made = page(record(**{"for": [evidence(exhibits=[one])]}), videos=videos)
        return [str(item["href"]) for item in made.all("a") if not str(item["href"]).startswith("#")]

    assert set(links("../videos/ab/01")) == {"../videos/ab/01/exhibits/t1.png"}
    for package in (
        "",
        "javascript:alert(1)",
        "//example.org/x",
        "/etc",
        "https://example.org",
        "a/../../b",
        "a" * 99 + "!",
    ):
        assert links(package) == []
    assert links("../videos/ab/01", "exhibits/../../../x.png") == []


def test_policy_allows_only_the_inlined_style(example_text: str) -> None:
    style = re.search(r"<style>(.*?)</style>", example_text, re.DOTALL)
    policy = next(item["content"] for item in Page(example_text).all("meta") if item.get("http-equiv"))
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "@import" not in style[1]
    assert "url(" not in style[1]


def test_same_sheet_same_bytes(example: ClaimsSheet, example_text: str) -> None:
    assert render_claims(example) == example_text


def test_texts_are_cut_at_sentences_and_lists_without_loss(catalogue: Catalogue) -> None:
    text = "Built, by the catalogue, in: MiG-21: India [P14]; Su-17: none; MiG-23: x. The list may be incomplete."
    cited = Citations("c1", catalogue.sources, [text])
    first, second = cited.passages(text)
    assert ["".join(piece.text for piece in item) for item in first.items] == [
        "MiG-21: India [P14];", "Su-17: none;", "MiG-23: x."
    ]  # fmt: skip
    assert [piece.anchor for piece in first.items[0] if piece.text == "P14"] == ["c1-s1"]
    assert second.head[0].text == "The list may be incomplete."


def used(case: Path) -> tuple[ClaimFootage, ...]:
    """The packages of a case as a check names them."""
    return tuple(
        ClaimFootage(sha256=f"sha256:{folder.parent.name}", names=[], analysis=folder.name, coverage="")
        for folder in packages(case)
    )


def seen_in_footage(case: Path, catalogue: Catalogue) -> tuple[ClaimRecord, ...]:
    (folder,) = (case / "videos").glob("*/*")
    scene = Scene(catalogue, (footage_of(read_analysis(folder)),))
    claim = Claim("two", "There are two.", "a speaker", Quantifier("at_least", 2), Subject(("armoured_vehicle",)))
    return tuple(to_claim_record(item, catalogue) for item in assess_all([claim], scene))


@pytest.mark.parametrize("place", ["report/claims.html", "../elsewhere.html"])
def test_pictures_of_exhibits_are_veiled_and_linked(tmp_path: Path, catalogue: Catalogue, place: str) -> None:
    case = make_case(tmp_path, with_findings())
    (case / "report").mkdir()
    footage = examined_footage(case, case / place, used(case))
    records = seen_in_footage(case, catalogue)
    made = sheet(
        *records, videos=footage.videos, model=footage.model, validation=footage.validation, pictures=footage.pictures
    )
    veiled, clear = Page(render_claims(made)), Page(render_claims(made, "clear"))
    assert len(veiled.all("img")) == 1
    assert "at 0:02.50" in str(veiled.all("img")[0]["alt"])
    assert "checked" not in next(item for item in veiled.all("input"))
    assert "checked" in next(item for item in clear.all("input"))
    files = [str(item["href"]) for item in veiled.all("a") if not str(item["href"]).startswith("#")]
    assert all((case / "report" / file).is_file() for file in files)
    assert bool(files) == place.startswith("report/")
    assert "The program saw 2 armoured vehicles" in veiled.text
    assert "hardware-v1" in veiled.text


def test_footage_of_a_folder_that_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no case"):
        examined_footage(tmp_path, tmp_path / "claims.html", ())


def test_no_page_is_made_of_changed_evidence(tmp_path: Path) -> None:
    case = make_case(tmp_path, with_findings())
    picture = next(case.glob("videos/*/*/exhibits/*.png"))
    picture.write_bytes(picture.read_bytes() + b"x")
    with pytest.raises(IntegrityError, match="no page is made of changed evidence"):
        examined_footage(case, case / "claims.html", used(case))


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read(example_text: str) -> None:
    schemes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root {(.*?)}", example_text, re.DOTALL)
    ]
    light, dark = schemes[0], schemes[1]
    for scheme in (light, dark):
        for ink in ("ink", "soft", "accent", "fail"):
            assert min(_contrast(scheme[ink], scheme[ground]) for ground in ("paper", "sheet")) >= 4.5


def _chromium(folder: Path, *arguments: str) -> None:
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)


def _pages(folder: Path, text: str) -> int:
    """How many sheets of A4 the claims of a page take, without its annex and footer."""
    bare = re.sub(r'<section class="annex".*?</footer>', "</main>", text, flags=re.DOTALL)
    assert bare != text
    source, printed = folder / "page.html", folder / "page.pdf"
    source.write_text(bare, encoding="utf-8")
    _chromium(folder, "--no-pdf-header-footer", f"--print-to-pdf={printed}", source.as_uri())
    return len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_every_claim_of_the_example_fits_one_a4_page(tmp_path: Path, example: ClaimsSheet, example_text: str) -> None:
    assert _pages(tmp_path, example_text) == 1 + len(example.records)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("which", [0, 5])
def test_a_page_of_one_claim_fits_one_a4_page(tmp_path: Path, example: ClaimsSheet, which: int) -> None:
    alone = sheet(example.records[which], videos=(), sources=example.sources)
    assert _pages(tmp_path, render_claims(alone)) == 1


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_claim_with_pictures_fits_one_a4_page(tmp_path: Path, catalogue: Catalogue) -> None:
    case = make_case(tmp_path, with_findings())
    records = seen_in_footage(case, catalogue)
    footage = examined_footage(case, case / "report" / "claims.html", used(case))
    made = sheet(*records, videos=footage.videos, pictures=footage.pictures)
    assert _pages(tmp_path, render_claims(made)) == 1


_MEASURE = """<!doctype html><body><iframe id="f" src="PAGE" width="WIDTH" height="800" frameborder="0"></iframe>
<script>
window.onload = () => {
  const page = document.getElementById("f").contentDocument.documentElement;
  document.title = page.clientWidth + "|" + page.scrollWidth;
};
</script>"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_is_wider_than_the_screen(tmp_path: Path, example: ClaimsSheet, width: int) -> None:
    bad = WORST + "x" * 300
    item = evidence(
        text=bad, exhibits=[EvidenceExhibit(label=bad, video="", seconds=None, file=bad)], numbers={bad: bad}
    )
    worst = record(**{"text": bad, "id": bad, "by": bad, "for": [item], "sentences": [item], "alternatives": [bad]})
    made = sheet(*example.records[:1], worst, sources=example.sources)
    source, wrapper = tmp_path / "page.html", tmp_path / "wrapper.html"
    source.write_text(render_claims(made), encoding="utf-8")
    wrapper.write_text(_MEASURE.replace("PAGE", source.as_uri()).replace("WIDTH", str(width)), encoding="utf-8")
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom", wrapper.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    found = re.search(r"<title>(\d+)\|(\d+)</title>", shown.stdout)
    assert found is not None
    assert int(found[2]) <= int(found[1])
