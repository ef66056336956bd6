"""What weights of strangers may not do: lie in other files, unpack into far more than they are, or never answer."""

from __future__ import annotations

import mmap
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roundel.disk import open_regular
from roundel.errors import WeightsError

MOST_BYTES = 8 * 1024**3
MOST_SECONDS = 600.0
"""For one call of a network; the shipped one takes milliseconds."""
_LOCATION = b"\x0a\x08location"
"""The key of an entry of ``external_data`` as Protocol Buffers write it: TensorProto in onnx.proto, field 13."""


def refuse_hostile(path: Path) -> None:
    """Look at a weights file before a library opens it.

    Raises:
        WeightsError: if it cannot be read, is too large, keeps its numbers in other files or is compressed.
    """
    try:
        with open_regular(path) as stream:
            size = stream.seek(0, 2)
            if size > MOST_BYTES:
                raise WeightsError(f"{path}: has {size:,} bytes, more than {MOST_BYTES:,}; no weights are that large")
            if path.suffix == ".onnx" and size:
                with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    if content.find(_LOCATION) >= 0:
                        raise WeightsError(
                            f"{path}: keeps its numbers in other files, which are in no hash; save it as one file"
                        )
            elif zipfile.is_zipfile(stream):
                with zipfile.ZipFile(stream) as archive:
                    unpacked = sum(item.file_size for item in archive.infolist())
                if unpacked > size:
                    raise WeightsError(
                        f"{path}: not loaded, because it is compressed, and torch writes none that is; compare it with "
                        "where it came from and fetch it again"
                    )
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return  # whoever loads it says so


def run(
    session: Any,  # noqa: ANN401
    output: str,
    inputs: Mapping[str, NDArray[np.float32]],
    most_seconds: float,
) -> NDArray[np.float32]:
    """Run a network of ONNX Runtime, but no longer than that.

    Raises:
        TimeoutError: if it gave no answer in time.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    timer = threading.Timer(most_seconds, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        return np.asarray(session.run([output], dict(inputs), options)[0], np.float32)
    except Exception as error:
        if options.terminate:
            raise TimeoutError(f"gave no answer within {most_seconds:g} s") from error
        raise
    finally:
        timer.cancel()
