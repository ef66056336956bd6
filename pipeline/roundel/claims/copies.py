"""Other videos that show a claim's footage: the program found them, people attest when they were public.

Pictures prove that two videos show the same footage, not which is older. Only an attested date bears on a claim:
footage that was public on a day was not filmed after it. Such a match weakens; to contradict takes a person who looked.
Without a date nothing follows, and no verdict changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from roundel.claims.files.grammar import days_words
from roundel.claims.model import Claim, Copy, Direction, Evidence, Exhibit
from roundel.claims.scene import Footage, View
from roundel.words import time_range

PLAY_SECONDS = 1.0
"""So much of a part may be left at its ends: keyframes are half a second apart."""
MOST_LISTED = 5
LOOK = (
    "A camera that stands still shows the same picture on two days. Compare the two videos; whoever finds the same "
    "footage in both says so as earlier_copy."
)

Pair = tuple[Footage, Copy]


def earlier(view: View, day: date) -> list[Pair]:
    """The copies of footage in scope that were public no later than a day, as somebody attests."""
    return [
        (item, copy)
        for item in view.footage
        for copy in item.copies
        if copy.public is not None and copy.public.when.last is not None and copy.public.when.last <= day
    ]


def all_of_it(view: View, pairs: Sequence[Pair]) -> bool:
    """Whether copies show the whole picture of all footage in scope, from its beginning to its end."""
    return bool(view.footage) and all(
        _covers(item, [copy for other, copy in pairs if other is item and copy.whole_picture]) for item in view.footage
    )


def _covers(item: Footage, copies: Sequence[Copy]) -> bool:
    reached = item.start_seconds
    for start, end in sorted(copy.seconds for copy in copies):
        if start > reached + PLAY_SECONDS:
            return False
        reached = max(reached, end)
    return bool(copies) and reached >= item.end_seconds - PLAY_SECONDS


def shown_before(direction: Direction, item: Footage, copy: Copy, when: str) -> Evidence:
    """Evidence that footage was public in another video; ``when`` says what that is held against."""
    public = copy.public
    assert public is not None
    part = "" if _covers(item, [copy]) else f" This holds for {time_range(*copy.seconds)} of {item.names[0]} only."
    inset = "" if copy.whole_picture else " It is a part of the picture only."
    found = f"The same footage is in {copy.name}, as the program found: {copy.pairs} pairs of pictures agree."
    attested = f"({days_words(public.when)}) {when}, as {public.who} attests ({public.source})"
    text = f"{found} That video was public {attested}.{part}{inset}"
    where = Exhibit(copy.exhibit, item.sha256, copy.seconds[0])
    return Evidence(direction, "earlier-copy", text, "finding", exhibits=(where, Exhibit(public.source)))


def left_open(claim: Claim, view: View) -> list[str]:
    """What is known of copies and changes no verdict: a sentence for each of the first, and how many more there are."""
    dated = claim.scope.when is not None or claim.relation.kind == "first_published_by"
    found = []
    for item in view.footage:
        for copy in item.copies:
            same = f"The same footage as {time_range(*copy.seconds)} of {item.names[0]} is in {copy.name}"
            if copy.public is None:
                found.append(f"{same}; which of the two is earlier is not known.")
            elif not dated:
                when = f"public {days_words(copy.public.when)} as {copy.public.who} attests"
                found.append(f"{same}, {when}; the claim does not say when it was filmed or published.")
    more = [f"{len(found) - MOST_LISTED} more parts of it are in other videos."] if len(found) > MOST_LISTED else []
    return found[:MOST_LISTED] + more
