"""What a program must be able to open so that it runs: itself, its loader and its libraries."""

from __future__ import annotations

import functools
import os
import re
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from roundel.errors import MissingProgramError
from roundel.sandbox.landlock import EXECUTE, LIST, READ

LIBRARY_FOLDERS = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
SOFTWARE_FOLDERS = ("/bin", "/lib", "/lib64", "/usr", "/nix/store")
"""What a script may need: programs of the system and their libraries. No user's files lie there."""
COMMON_FILES = ("/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
PROCESSES = Path("/proc")
"""Of it only the names: Python lists its own open files there before it starts a child."""
SECONDS_TO_LIST = 30
_INTERPRETER = 3  # PT_INTERP, in the kernel's elf.h
_LISTED = re.compile(r"(?:=> |^\s*)(/.+) \(0x[0-9a-f]+\)$", re.MULTILINE)


@functools.cache
def needs(program: Path) -> Mapping[Path, int]:
    """The rights that a program and the programs that it is run by need, by path.

    The loader is asked for the libraries; nothing of the program itself runs for that.

    Raises:
        MissingProgramError: if its loader is missing or does not answer.
    """
    real = program.resolve()
    rights = dict.fromkeys(map(Path, COMMON_FILES), READ)
    rights |= dict.fromkeys(map(Path, LIBRARY_FOLDERS), READ | LIST)
    rights |= {PROCESSES: LIST, real: READ | EXECUTE}
    loader = loader_of(real)
    if loader is not None:
        rights |= dict.fromkeys(_libraries(loader, real), READ)
        rights[loader.resolve()] = READ | EXECUTE
    elif interpreter := _interpreter_of(real):
        rights |= needs(interpreter)
        rights |= dict.fromkeys(map(Path, SOFTWARE_FOLDERS), READ | LIST | EXECUTE)
    return MappingProxyType(rights)


def _libraries(loader: Path, program: Path) -> list[Path]:
    try:
        asked = subprocess.run(
            [loader, "--list", program],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=SECONDS_TO_LIST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingProgramError(
            f"{program}: its libraries cannot be found out ({error}); install it again"
        ) from error
    libraries = (Path(name).resolve() for name in _LISTED.findall(asked.stdout))
    return [path for path in libraries if not path.is_relative_to("/usr/lib") and not path.is_relative_to("/lib")]


def _interpreter_of(script: Path) -> Path | None:
    """The program that the first line of a script names."""
    try:
        with script.open("rb") as stream:
            line = stream.readline(256)
    except OSError:
        return None
    words = line.removeprefix(b"#!").split()
    return Path(os.fsdecode(words[0])) if line.startswith(b"#!") and words else None


def loader_of(program: Path) -> Path | None:
    """The dynamic loader that an ELF file for a 64-bit little-endian machine names; ``None`` if it names none."""
    try:
        with program.open("rb") as stream:
            head = stream.read(64)
            if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
                return None
            start, size, count = (*struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54))
            for index in range(count):
                stream.seek(start + index * size)
                entry = stream.read(56)
                kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", entry)
                if kind == _INTERPRETER:
                    stream.seek(offset)
                    return Path(os.fsdecode(stream.read(min(length, 4096)).rstrip(b"\0")))
    except (OSError, ValueError, struct.error):
        pass
    return None
