"""What became of one input: a small file, written by whoever analysed it and read by everybody else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from roundel.batch.plan import Item
from roundel.job import readable

KILLED = "Killed"
"""Kind of failure of an input whose processes ended from outside, again and again."""
MOST_TRIES = 3
"""Tries for an input that is begun and does not come to an end."""


class Outcome(BaseModel):
    """The result of one input. Times are those of the machine that did the work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{16}$", description="the item of the plan")
    source: str = Field(description="path or address of the input")
    name: str = Field(description="its file name")
    status: Literal["done", "failed", "left"] = Field(
        description="failed: a package says why, or there is none; left: not begun, or begun and without an end so far"
    )
    run: str = Field("", description="the run that wrote this")
    tries: int = Field(0, description="times that it was begun since it last came to an end, if it is left")
    again: bool = Field(False, description="another try may succeed: the machine, not the file, was in the way")
    package: str | None = Field(
        None, pattern=r"^videos/[0-9a-f]{64}/[0-9a-f]{16}$", description="the package's place in the case"
    )
    manifest_sha256: str | None = None
    video_sha256: str | None = None
    size_bytes: int | None = None
    kind: str | None = Field(None, description="kind of failure")
    message: str = ""
    package_bytes: int = 0
    video_seconds: float = 0.0
    work_seconds: float = Field(0.0, description="time that the analysis took, by a clock that never jumps")
    ended_at: str = Field("", description="UTC; for people and rates, nothing depends on it")
    worker: str = Field("", description="host and process")
    notes: dict[str, Any] = Field(default_factory=dict, description="facts of the run for the custody log")

    @property
    def ended_its_process(self) -> bool:
        """Whether a process ended while it worked on this input, as far as is known: it may take others along."""
        return self.tries > 0 or self.kind == KILLED

    def ended_in(self, run: str) -> bool:
        """Whether the input came to its end in a run: then it is not done again in it."""
        return bool(run) and self.run == run and self.status != "left"


def outcome_of(item: Item, **facts: Any) -> Outcome:  # noqa: ANN401
    """The outcome of an item; names and messages are made readable text, a message one line of it."""
    if "message" in facts:
        facts["message"] = " ".join(readable(facts["message"]).splitlines())
    return Outcome(id=item.id, source=readable(item.source), name=readable(item.name), **facts)
