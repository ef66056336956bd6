"""The videos of a case, or single files, held against cases; what is found of a case is kept in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from roundel import case as cases
from roundel.recycled.find import Found, Reference, SameFile
from roundel.recycled.hints import Hint
from roundel.recycled.keep import Keeper
from roundel.recycled.sources import CaseVideos, Source


def match_case(videos: CaseVideos, references: Sequence[Reference]) -> Iterator[Found | SameFile | Hint]:
    """What the videos of a case share with those of other cases, or with each other; matches are kept in the case.

    Within one case each two videos are compared once, the one that came later as the query. A video is not compared
    with itself: its analysis has done that.

    Raises:
        UsageError: if another run is at work in the case.
        IntegrityError: if what is compared is not as it was written.
        OSError: if a match cannot be written.
    """
    with cases.at_work(videos.case):
        keeper = Keeper(videos.case)
        seen: list[str] = []
        for video, name in videos.by_video.items():
            seen.append(video)
            if not videos.has_fingerprints(name):
                continue
            with videos.opened(name) as query:
                for reference in references:
                    own = is_same(videos.case, reference.videos.case)
                    skips = frozenset(videos.by_video.keys() - set(seen[:-1])) if own else frozenset()
                    found = list(reference.find(query, skips, keeper.known))
                    keeper.keep(
                        [item for item in found if isinstance(item, Found)], reference.said, reference.videos.case
                    )
                    yield from found


def match_file(source: Source, references: Sequence[Reference]) -> Iterator[Found | SameFile | Hint]:
    """What a video that is in no case shares with those of cases; nothing is kept.

    Raises:
        IntegrityError: if what is compared is not as it was written.
    """
    for reference in references:
        yield from reference.find(source)


def is_same(one: Path, other: Path) -> bool:
    """Whether two folders are one."""
    return one.resolve() == other.resolve()
