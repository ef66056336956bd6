"""Claims held against a case, or against people's findings alone: read, assess, keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from roundel import __version__, notes, package
from roundel import case as cases
from roundel.catalogue import Catalogue, load
from roundel.claims.files.names import CatalogueNames
from roundel.claims.files.reading import ClaimFile, read_claims
from roundel.claims.publish import records
from roundel.claims.scene import Footage, Scene, footage_of
from roundel.errors import IntegrityError
from roundel.media.identity import sha256_of
from roundel.record import CLAIMS_VERSION, Analysis, ClaimFootage, ClaimsCheck, ClaimSource, claims_json
from roundel.recycled.copies import copies_of
from roundel.words import length


def read(file: Path, findings: Sequence[Path], catalogue: Catalogue) -> ClaimFile:
    """A claim file with its findings.

    Raises:
        FileProblemsError: with everything that is wrong in them.
    """
    return read_claims(file, CatalogueNames(catalogue), findings)


def check(file: Path, findings: Sequence[Path] = (), case: Path | None = None) -> ClaimsCheck:
    """Assess the claims of a file; without a case only on what people found.

    Raises:
        FileProblemsError: if the claim file or the findings are not as they should be.
        IntegrityError: if a package of the case is not as it was written.
    """
    rows = cases.imported_rows(case) if case is not None else ()
    catalogue = load(None, rows) if rows else load()
    claims = read(file, findings, catalogue)
    known = cases.names(case) if case is not None else {}
    chosen = _latest(case) if case is not None else []
    copies = copies_of(case) if case is not None else {}
    footage = tuple(
        replace(footage_of(analysis, known.get(video, ())), copies=tuple(copies.get(video, ())))
        for _, analysis in chosen
        for video in (analysis.video.sha256,)
    )
    return ClaimsCheck(
        schema_version=CLAIMS_VERSION,
        tool_version=__version__,
        title=claims.title,
        about=claims.about,
        claim_file=_source(claims.path, claims.sha256),
        findings_files=[_source(item.path, item.sha256) for item in claims.files],
        footage=[
            ClaimFootage(sha256=item.sha256, names=list(item.names), analysis=folder.name, coverage=_coverage(item))
            for (folder, _), item in zip(chosen, footage, strict=True)
        ],
        catalogue_rows=[sha256_of(path) for path in rows],
        claims=records(claims.claims, Scene(catalogue, footage, claims.findings)),
    )


def keep(case: Path, found: ClaimsCheck) -> Path:
    """Keep a check in a case, under the name of its claim file, and note it in the custody log."""
    details: dict[str, object] = {
        "claim_file": found.claim_file.name,
        "claim_file_sha256": found.claim_file.sha256,
        "findings_sha256": [item.sha256 for item in found.findings_files],
        "verdicts": {claim.id: claim.verdict for claim in found.claims},
    }
    return notes.keep_claims(case, Path(found.claim_file.name).stem, claims_json(found), details)


def _latest(case: Path) -> list[tuple[Path, Analysis]]:
    """The latest analysis of each video of a case: sightings of two analyses are not two objects."""
    order = {event.subject: event.seq for event in cases.logged(case).values()}
    chosen: dict[str, tuple[Path, Analysis]] = {}
    for folder in sorted(cases.packages(case), key=lambda path: order.get(path.relative_to(case).as_posix(), -1)):
        broken = package.problems(folder)
        if broken:
            raise IntegrityError(f"{broken[0]}; no claim is held against changed evidence: run roundel verify {case}")
        analysis = package.read_analysis(folder)
        chosen[analysis.video.sha256] = (folder, analysis)
    return [chosen[sha256] for sha256 in sorted(chosen)]


def _source(path: Path, sha256: str) -> ClaimSource:
    return ClaimSource(name=path.name, sha256=sha256, text=path.read_text(encoding="utf-8-sig"))


def _coverage(item: Footage) -> str:
    if item.failed:
        return f"could not be analysed: {item.failed}"
    missing = sum(to - since for since, to in item.missing)
    whole = length(item.end_seconds - item.start_seconds)
    return f"{whole} examined{f', {missing:.1f} s of it missing' if missing else ''}"
