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
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from roundel.batch.parent import END_SECONDS
from roundel.batch.plan import Plan
from roundel.batch.store import RemoteStore, TargetError
from roundel.errors import EXIT_INTERRUPTED, RoundelError, UsageError

LEASES = "leases"
BEAT_SECONDS = 5.0
WATCH_SECONDS = 20.0
"""A run of which nothing is heard for so long has ended."""
LOOK_SECONDS = 0.5


class LostLeaseError(RoundelError):
    """Another run has taken this one for ended."""

    exit_code = EXIT_INTERRUPTED


class Lease(BaseModel):
    """What a run says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    part: str
    """The shard, such as ``2/8``; empty for the whole plan."""
    lock: str
    """Machine and folder of the plan: there a lock of the file system says that no other run is at work."""
    who: str
    beats: int = 0
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

    Args:
        plan: the plan.
        store: where its results go.
        part: the shard, such as ``2/8``; empty for the whole plan.
        on_loss: is called, on another thread, if another run has taken this one for ended: this machine was frozen,
            or did not reach the address for a while.
        tell: is told whom it waits for.

    Raises:
        UsageError: if another run is at work on it.
        TargetError: if the address cannot be reached.
        LostLeaseError: at the end, if the lease was lost.
    """
    folder = plan.folder.stat()
    lease = Lease(
        id=uuid.uuid4().hex,
        part=part,
        lock=f"{platform.node()}:{folder.st_dev}:{folder.st_ino}",
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
        with suppress(TargetError):  # then the next run waits until it is clear that this one says nothing
            store.remove(lease.name)
    if keeper.is_lost:
        raise LostLeaseError(
            f"{plan.folder}: this machine was not heard of at {store.address} for a while, and another run has taken "
            "its place; what is finished stays. When that run has ended, the same command goes on"
        )


@dataclass(slots=True)
class _Keeper:
    plan: Plan
    store: RemoteStore
    lease: Lease
    on_loss: Callable[[], None]
    tell: Callable[[str], None]
    over: threading.Event = field(default_factory=threading.Event)
    speaking: threading.Lock = field(default_factory=threading.Lock)
    is_lost: bool = False

    def say(self, *, is_held: bool = False) -> None:
        """Say that this run is alive."""
        with self.speaking:
            news = {"beats": self.lease.beats + 1, "is_held": self.lease.is_held or is_held}
            self.lease = self.lease.model_copy(update=news)
            self.store.write(self.lease.name, self.lease.model_dump_json())

    def beat(self) -> None:
        """Say so again and again, until the run is over or another has taken its place."""
        while not self.over.wait(BEAT_SECONDS):
            with suppress(TargetError):  # the next time
                if self.store.read(self.lease.name) is None:
                    self.is_lost = True
                    self.on_loss()
                    return
                self.say()

    def take(self) -> None:
        """Wait until no other run is at work, as long as that may be. Of those that came together one goes on.

        Whoever looks has said before that it is there. So of two at least one sees the other, and the one with the
        smaller name waits for the other to give way, or to hold what it took before it could see this one.
        """
        heard: dict[str, tuple[int, float]] = {}
        while others := self._others():
            now = time.monotonic()
            for other in others:
                if other.id not in heard and other.lock != self.lease.lock:
                    self.tell(f"{self.plan.folder}: {other.who} may be at work on it; waiting until that is clear")
                beats, since = heard.setdefault(other.id, (other.beats, now))
                if other.lock == self.lease.lock or now - since >= WATCH_SECONDS:
                    self.store.remove(other.name)
                elif beats != other.beats:
                    if other.is_held or other.id < self.lease.id:
                        self._give_way(other)
                    heard[other.id] = other.beats, now
            time.sleep(LOOK_SECONDS)
        self.say(is_held=True)

    def _others(self) -> list[Lease]:
        found = []
        for content in self.store.contents(LEASES):
            with suppress(ValidationError):
                found.append(Lease.model_validate_json(content))
        return [other for other in found if self.lease.excludes(other)]

    def _give_way(self, other: Lease) -> NoReturn:
        part = f"shard {other.part}" if other.part else "this plan"
        raise UsageError(
            f"{self.plan.folder}: another run works on {part} ({other.who}), with results at the same address; "
            "wait for it or stop it"
        )
