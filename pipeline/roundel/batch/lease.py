"""One run at a time for each part of a plan whose results go to an address, whatever machines copies of it lie on.

No lock of a file system reaches that far, and clocks differ: a run says at the address every few seconds that it is
alive, and who comes later watches for that. One that says nothing any more has ended, however it ended.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roundel.batch.parent import END_SECONDS
from roundel.batch.plan import Plan
from roundel.batch.store import RemoteStore, TargetError
from roundel.errors import UsageError

BOOT = Path("/proc/sys/kernel/random/boot_id")
LEASES = "leases"
LOST = "lost-leases"
"""An empty file for each run that another has taken for ended."""
BEAT_SECONDS = 5.0
LOOK_SECONDS = 0.5
MOST_SILENT_LOOKS = 40
"""A run of which nothing is heard in so many looks has ended. Looks that take longer, or fail, make the wait longer."""


class Lease(BaseModel):
    """What a run says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    part: str
    """The shard, such as ``2/8``; empty for the whole plan."""
    lock: str
    """Machine and folder of the plan: there a lock of the file system says that no other run is at work."""
    who: str
    beats: int = 0
    is_over: bool = False
    is_held: bool = False
    """Not before it is known that no other run is at work."""

    @property
    def name(self) -> str:
        """Where it is kept."""
        return f"{LEASES}/{self.id}.json"

    def excludes(self, other: Lease) -> bool:
        """Whether the other may not be held beside this one."""
        return self.id != other.id and (self.part == other.part or not (self.part and other.part))


@contextmanager
def leased(
    plan: Plan, store: RemoteStore, part: str, on_loss: Callable[[], None], tell: Callable[[str], None]
) -> Iterator[None]:
    """Hold a part of a plan at the address of its results. The lock of the plan's folder is held already.

    The address need not allow that something is deleted.

    Args:
        plan: the plan.
        store: where its results go.
        part: the shard, such as ``2/8``; empty for the whole plan.
        on_loss: is called, on another thread, if another run has taken this one for ended: this machine was frozen,
            or did not reach the address for a while.
        tell: is told whom it waits for, and of a loss.

    Raises:
        UsageError: if another run is at work on it.
        TargetError: if the address cannot be reached.
    """
    folder, boot = plan.folder.stat(), ""
    with suppress(OSError):
        boot = BOOT.read_text(encoding="ascii").strip()
    lease = Lease(
        id=uuid.uuid4().hex,
        part=part,
        lock=f"{platform.node()}:{boot}:{folder.st_dev}:{folder.st_ino}",
        who=f"process {os.getpid()} on {platform.node()}",
    )
    keeper = _Keeper(plan, store, lease, on_loss, tell)
    beating = threading.Thread(target=keeper.beat, daemon=True)
    try:
        keeper.say()
        beating.start()
        keeper.take()
        yield
    finally:
        keeper.over.set()
        if beating.ident is not None:
            beating.join(END_SECONDS)
        if not beating.is_alive():  # else the address does not answer
            with suppress(TargetError):  # then the next run waits until it is clear that this one says nothing
                keeper.say(is_over=True)
                store.remove(lease.name)


@dataclass(slots=True)
class _Keeper:
    plan: Plan
    store: RemoteStore
    lease: Lease
    on_loss: Callable[[], None]
    tell: Callable[[str], None]
    over: threading.Event = field(default_factory=threading.Event)
    speaking: threading.Lock = field(default_factory=threading.Lock)

    def say(self, **news: bool) -> None:
        """Say that this run is alive, and what else is new about it."""
        with self.speaking:
            self.lease = self.lease.model_copy(update={"beats": self.lease.beats + 1, **news})
            self.store.write(self.lease.name, self.lease.model_dump_json())

    def beat(self) -> None:
        """Say so again and again, until the run is over or another has taken its place."""
        while not self.over.wait(BEAT_SECONDS):
            with suppress(TargetError):  # the next time
                self.say()
                if self.store.read(f"{LOST}/{self.lease.id}") is not None:
                    self.on_loss()
                    self.tell(
                        f"{self.plan.folder}: this machine was not heard of at {self.store.address} for a while, and "
                        "another run has taken its place; what is under way is finished"
                    )
                    return

    def take(self) -> None:
        """Wait until no other run is at work, as long as that may be. Of those that came together one goes on.

        Whoever looks has said before that it is there. So of two at least one sees the other, and the one with the
        smaller name waits for the other to give way, or to hold what it took before it could see this one.
        """
        heard: dict[str, tuple[int, int]] = {}  # by run: its beats, and looks since they were new
        while others := self._others():
            for other in others:
                beats, silent_looks = heard.get(other.id, (None, 0))
                if other.lock == self.lease.lock or (beats == other.beats and silent_looks >= MOST_SILENT_LOOKS):
                    self._take_over(other)
                elif beats is None:
                    self.tell(f"{self.plan.folder}: {other.who} may be at work on it; waiting until that is clear")
                elif beats != other.beats and (other.is_held or other.id < self.lease.id):
                    self._give_way(other)
                heard[other.id] = other.beats, silent_looks + 1 if beats == other.beats else 0
            time.sleep(LOOK_SECONDS)
        self.say(is_held=True)

    def _take_over(self, other: Lease) -> None:
        """What says that it has lost comes first: the other never takes that away, whenever it wakes up."""
        self.store.write(f"{LOST}/{other.id}", "")
        with suppress(TargetError):  # it may not be allowed
            self.store.remove(other.name)

    def _others(self) -> list[Lease]:
        found = []
        for content in self.store.contents(LEASES):
            with suppress(ValidationError):
                found.append(Lease.model_validate_json(content))
        return [
            other
            for other in found
            if self.lease.excludes(other) and not other.is_over and self.store.read(f"{LOST}/{other.id}") is None
        ]

    def _give_way(self, other: Lease) -> NoReturn:
        part = f"shard {other.part}" if other.part else "this plan"
        raise UsageError(
            f"{self.plan.folder}: another run works on {part} ({other.who}), with results at the same address; "
            "wait for it or stop it"
        )
