"""What runs put on record beside the packages: outcomes, requests to stop, the versions that results are made with."""

from __future__ import annotations

import json

from pydantic import ValidationError

from roundel.batch.outcome import Outcome
from roundel.batch.store import OUTCOMES, Store, reaching
from roundel.errors import IntegrityError, UsageError

STOPS = "stops"
"""One empty file for each run with Ray that was asked to stop."""
MADE_WITH = "made-with.json"
"""What the packages of a plan are made with: fixed by the worker that comes first."""


def outcome_name(item_id: str) -> str:
    """Where the outcome of an item is kept."""
    return f"{OUTCOMES}/{item_id[:2]}/{item_id}.json"


def record(store: Store, outcome: Outcome) -> None:
    """Put an outcome on record; one of an earlier try is replaced."""
    store.write(outcome_name(outcome.id), outcome.model_dump_json(indent=1) + "\n")


def take_back(store: Store, item_id: str, run: str) -> None:
    """An item was dropped by request: if it was begun in that run, that does not count as a try."""
    begun = recorded(store, item_id)
    if begun is not None and begun.run == run and begun.tries > 0:
        record(store, begun.model_copy(update={"tries": begun.tries - 1}))


def recorded(store: Store, item_id: str) -> Outcome | None:
    """What is on record about an item; one that cannot be read counts as nothing."""
    try:
        return Outcome.model_validate_json(store.read(outcome_name(item_id)) or "")
    except (OSError, ValidationError):
        return None


def outcomes(store: Store) -> dict[str, Outcome]:
    """What is on record, by item; one that was begun and has no end is left.

    What cannot be read counts as nothing: the item is done again.
    """
    found = {}
    for content in store.contents(OUTCOMES):
        try:
            outcome = Outcome.model_validate_json(content)
        except ValidationError:
            continue
        found[outcome.id] = outcome
    return found


def stop_run(store: Store, run: str) -> None:
    """Let all machines know that nothing new is to be begun in a run."""
    store.write(f"{STOPS}/{run}", "")


def is_stopped(store: Store, run: str) -> bool:
    """Whether a run was asked to stop.

    Raises:
        TargetError: if that cannot be known.
    """
    with reaching(store.address):
        return store.read(f"{STOPS}/{run}") is not None


def agree_on(store: Store, made_with: dict[str, object]) -> None:
    """Make sure that all packages of a plan are made with the same thing.

    Raises:
        UsageError: if this machine has other versions than the one that came first.
        IntegrityError: if what the first one wrote down cannot be read.
        TargetError: if results cannot be kept.
    """
    mine = json.loads(json.dumps(made_with))
    with reaching(store.address):
        present = store.read(MADE_WITH)
        if present is None:
            store.write_first(MADE_WITH, json.dumps(mine, indent=1, sort_keys=True) + "\n")
            present = store.read(MADE_WITH) or ""
    try:
        theirs = dict(json.loads(present))
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{store.address}: {MADE_WITH} of this plan is damaged; make a new plan") from error
    differing = sorted(key for key in {*mine, *theirs} if mine.get(key) != theirs.get(key))
    if differing:
        said = "; ".join(
            f"{key}: {_short(theirs.get(key))} there, {_short(mine.get(key))} here" for key in differing[:4]
        )
        raise UsageError(
            f"{store.address}: this plan was begun with other versions ({said}). Results of one plan must be "
            "comparable: use the same versions and the same kind of machine, or make a new plan"
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
