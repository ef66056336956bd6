"""Processes that end when the process that began them is gone, however it went."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.connection import wait

END_SECONDS = 10.0
"""Time that a process gets to end by itself."""


def end_with_parent() -> None:
    """Wait until the parent process is gone, then end this one. Runs on a thread of its own."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
