"""Switches that keep third-party libraries offline and silent. Call :func:`hush` before importing any of them."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import warnings
from pathlib import Path

_SWITCHES = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    "ULTRALYTICS_SAFE_LOAD": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "disabled",
    "ORT_DISABLE_TELEMETRY": "1",
}


def hush() -> None:
    """Set the switches for this process and its children.

    Ultralytics writes a settings file at import: it gets a private directory under the temporary directory, owned by
    this user, instead of the home directory.
    """
    os.environ.update(_SWITCHES)
    # OpenVINO reports every import unless the package that sends the report cannot be found; it has a stub for that.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    # In a notebook tqdm, which libraries import, asks for a widget library although no bar of it is ever shown.
    warnings.filterwarnings("ignore", message="IProgress not found")
    # The tracker says so of frames that carry one time; the result says it, too (media/coverage.py).
    warnings.filterwarnings("ignore", message="ByteTrackTracker: duplicate timestamp")
    os.environ["YOLO_CONFIG_DIR"] = str(_private_folder())


def _private_folder() -> Path:
    """A folder that only this user can write to, the same each time unless somebody else has taken its name."""
    folder = Path(tempfile.gettempdir()) / f"roundel-ultralytics-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="roundel-ultralytics-"))
