"""A plan: the inputs, the target and the settings, written once. Everything else follows from it.

PLAN/plan.json      target, settings, number of shards; the plan's identifier
PLAN/items.jsonl    one line an input
PLAN/batch.sbatch   for SLURM, if shards were asked for
PLAN/made-with.json versions that all workers share (roundel.batch.store), if the target is a local case
PLAN/outcomes/      what became of each input, if the target is a local case
PLAN/stops/         runs with Ray that were asked to stop, if the target is a local case
PLAN/metrics.prom   figures for Prometheus's textfile collector, while a run goes on
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from roundel import case as cases
from roundel.batch.sources import Found, file_system, is_address, sha256_of_source
from roundel.config import Config
from roundel.disk import read_bounded, replace_text
from roundel.errors import IntegrityError, MediaError, UsageError

SCHEMA_VERSION = 1
PLAN = "plan.json"
ITEMS = "items.jsonl"
MOST_PLAN_BYTES = 1 << 20
MOST_ITEMS_BYTES = 4 << 30
"""Some ten million inputs."""
_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Item:
    """An input of a plan.

    ``id`` is made from ``source`` alone, so it is the same in every plan. ``sha256`` is known where another input has
    the same size; ``same_as`` is the first input with the same bytes: those are analysed once, under its name.
    """

    id: str
    source: str
    name: str
    size_bytes: int | None
    sha256: str | None = None
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it lies in ``folder``. ``target`` is the folder of a case, or an address."""

    folder: Path
    id: str
    target: str
    config: Config
    shards: int
    items: tuple[Item, ...]

    @property
    def work(self) -> tuple[Item, ...]:
        """The items that are analysed: each content once."""
        return tuple(item for item in self.items if item.same_as is None)


def item_id(source: str) -> str:
    """16 hex digits from a path or an address.

    >>> item_id("s3://archive/2014/tabqa.mp4")
    '50e9ff7d3faa0aff'
    """
    return hashlib.sha256(os.fsencode(source)).hexdigest()[:16]


def items_of(
    found: Iterable[Found], most_bytes: int, hashing: Callable[[str], None] = lambda _: None
) -> Iterator[Item]:
    """The items for inputs, in order. Inputs of equal size are hashed; ``hashing`` is told which.

    What is larger than ``most_bytes`` is not: it will not be analysed.
    """
    items = [Item(item_id(item.source), item.source, item.name, item.size_bytes) for item in found]
    sizes = defaultdict(list)
    for item in items:
        if item.size_bytes:
            sizes[item.size_bytes].append(item.id)
    first: dict[str, str] = {}
    for item in items:
        if item.size_bytes is None or item.size_bytes > most_bytes or len(sizes[item.size_bytes]) < 2:
            yield item
            continue
        hashing(item.source)
        try:
            sha256 = sha256_of_source(item.source)
        except MediaError:  # the run will say what is wrong with it
            yield item
            continue
        owner = first.setdefault(sha256, item.id)
        yield replace(item, sha256=sha256, same_as=owner if owner != item.id else None)


def write(folder: Path, target: str, config: Config, items: Iterable[Item], shards: int = 1) -> Plan:
    """Write a plan. The same plan may be written again; another one may not take its place.

    Raises:
        UsageError: if there is nothing to do, or another plan lies there.
    """
    items = tuple(items)
    if not items:
        raise UsageError("no video found; give videos, folders, .txt or .csv lists, or addresses such as s3://…")
    _refuse_equal_ids(items)
    if is_address(target):
        file_system(target)  # it must be one that can be used
        if target.partition("://")[0].lower() in {"file", "local"}:
            raise UsageError(f"{target}: is a folder of this machine; give it as a path, without ://")
    else:
        target = str(Path(target).absolute())
        cases.require_free(Path(target))
        if folder.absolute().is_relative_to(target):
            raise UsageError(f"{folder}: lies in the case of its results; give a folder outside of it")
    lines = "".join(json.dumps(asdict(item), sort_keys=True) + "\n" for item in items)
    settings = {"target": target, "config": config.model_dump(mode="json"), "shards": shards}
    identifier = _identifier(settings, lines)
    if (folder / PLAN).exists():
        if read(folder).id != identifier:
            raise UsageError(f"{folder}: holds another plan (other inputs, target or settings); give a new folder")
    elif folder.exists() and not _is_free(folder):
        raise UsageError(f"{folder}: exists and is no plan; give a new or empty folder")
    replace_text(folder / ITEMS, lines)
    facts = {"schema_version": SCHEMA_VERSION, "id": identifier, **settings}
    replace_text(folder / PLAN, json.dumps(facts, indent=1, sort_keys=True) + "\n")
    return Plan(folder, identifier, target, config, shards, items)


def _identifier(settings: dict[str, Any], lines: str) -> str:
    return hashlib.sha256(json.dumps([settings, lines], sort_keys=True).encode()).hexdigest()[:16]


def _refuse_equal_ids(items: Iterable[Item]) -> None:
    """Names can be made whose ids are equal: one of the two would never be analysed."""
    sources: dict[str, str] = {}
    for item in items:
        if (other := sources.setdefault(item.id, item.source)) != item.source:
            raise UsageError(f"{other} and {item.source}: their names lead to the same identifier; rename one of them")


def _is_free(folder: Path) -> bool:
    """Whether a folder is empty, or holds only what an interrupted ``batch plan`` has left."""
    return folder.is_dir() and all(path.name == ITEMS or ".partial-" in path.name for path in folder.iterdir())


def read(folder: Path) -> Plan:
    """Read a plan.

    Raises:
        UsageError: if there is none, or it was made by another version.
        IntegrityError: if it is not as it was written.
    """
    if not (folder / PLAN).is_file():
        raise UsageError(f"{folder}: is no plan (it has no {PLAN}); make one with: roundel batch plan {folder} VIDEOS…")
    try:
        facts: dict[str, Any] = json.loads(read_bounded(folder / PLAN, MOST_PLAN_BYTES, follow=False))
        if facts["schema_version"] != SCHEMA_VERSION:
            raise UsageError(f"{folder / PLAN}: was made by another version of Roundel; make a new plan")
        lines = read_bounded(folder / ITEMS, MOST_ITEMS_BYTES, follow=False).decode("utf-8")
        if _identifier({key: facts[key] for key in ("target", "config", "shards")}, lines) != facts["id"]:
            raise IntegrityError(f"{folder}: {PLAN} or {ITEMS} was changed since the plan was made; make a new plan")
        items = tuple(Item(**json.loads(line)) for line in lines.splitlines())
        config = Config.from_values(facts["config"])
        return Plan(folder, facts["id"], facts["target"], config, facts["shards"], items)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise IntegrityError(f"{folder}: the plan cannot be read ({reason}); make a new plan") from error


def parse_shard(text: str) -> tuple[int, int]:
    """The number of a shard and how many there are.

    >>> parse_shard("2/8")
    (2, 8)

    Raises:
        UsageError: if it is no shard.
    """
    match = _SHARD.fullmatch(text)
    number, count = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= count:
        raise UsageError(f"--shard {text}: give a number and how many there are, such as 1/8 … 8/8")
    return number, count


def in_shard(items: Iterable[Item], shard: str | None) -> tuple[Item, ...]:
    """The items of a shard such as ``2/8``; all without one. Which shard an item is in follows from its id.

    Raises:
        UsageError: if it is no shard.
    """
    if shard is None:
        return tuple(items)
    number, count = parse_shard(shard)
    return tuple(item for item in items if int(item.id, 16) % count == number - 1)
