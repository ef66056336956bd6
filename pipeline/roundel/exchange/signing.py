"""Signatures of exchanged files: Ed25519 (RFC 8032), one key file a contributor.

Signed is a short text that names the format and the SHA-256 of all bytes before the signature, so that a signature of
this kind can never be taken for one of another program.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from roundel.disk import open_regular
from roundel.errors import UsageError

ALGORITHM: Final = "ed25519"
PUBLIC_KEY: Final = re.compile(rf"{ALGORITHM}:[0-9a-f]{{64}}")
SIGNATURE: Final = re.compile(rf"{ALGORITHM}:[0-9a-f]{{128}}")
_MOST_KEY_BYTES = 4096
_PRIVATE = 0o600


def message(sha256: str) -> bytes:
    """The text that is signed, for a hash written as ``sha256:<64 hex>``."""
    return f"roundel-fingerprints 1 {sha256}\n".encode()


class Key:
    """A private key. ``public`` is what others name to say that they trust it: ``ed25519:<64 hex>``."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.public = f"{ALGORITHM}:{raw.hex()}"

    def sign(self, sha256: str) -> str:
        """The signature of a hash, as ``ed25519:<128 hex>``."""
        return f"{ALGORITHM}:{self._key.sign(message(sha256)).hex()}"


def make_key(path: Path) -> Key:
    """Write a new private key (PEM, PKCS 8, without a passphrase) that only its owner can read.

    Raises:
        UsageError: if something is there already; a key is never replaced.
        OSError: if it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, _PRIVATE)
    except FileExistsError as error:
        raise UsageError(f"{path}: exists, and a key is never replaced; name another file for the new key") from error
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, _PRIVATE)  # whatever the umask says
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    return Key(key)


def read_key(path: Path) -> Key:
    """The private key of a file.

    Raises:
        UsageError: if it cannot be read, is no such key, or if others can read it too.
    """
    try:
        with open_regular(path) as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            data = stream.read(_MOST_KEY_BYTES)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); make a key with: roundel fingerprints key --out FILE"
        ) from error
    if mode & 0o077:
        raise UsageError(f"{path}: other accounts can read this private key; run: chmod 600 on it")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{path}: holds no private key without a passphrase; make one with: roundel fingerprints key --out FILE"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: is no Ed25519 key; make one with: roundel fingerprints key --out FILE")
    return Key(key)


def is_signed_by(public_key: str, sha256: str, signature: str) -> bool:
    """Whether a signature over a hash is that of a public key; all three as they are written in a file."""
    if not PUBLIC_KEY.fullmatch(public_key) or not SIGNATURE.fullmatch(signature):
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key.partition(":")[2]))
        key.verify(bytes.fromhex(signature.partition(":")[2]), message(sha256))
    except (InvalidSignature, ValueError):
        return False
    return True


def parse_public(text: str) -> str:
    """A public key as a user gives it.

    Raises:
        UsageError: if it is none.
    """
    if not PUBLIC_KEY.fullmatch(text.strip()):
        raise UsageError(
            f"{text[:80]!r} is no public key; it is written {ALGORITHM}: and 64 hexadecimal digits, as roundel "
            "fingerprints key prints it"
        )
    return text.strip()
