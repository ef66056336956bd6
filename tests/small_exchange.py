"""Small files of fingerprints for tests."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from roundel.exchange.lines import AnyLine, End, HashLine, Header, KeyframeLine, VideoLine, text_of
from roundel.exchange.signing import Key
from roundel.exchange.source import Source, open_source

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def balanced(rng: np.random.Generator) -> str:
    """A hash as pictures have them: half of its bits are one."""
    return np.packbits(rng.permutation(256) < 128).tobytes().hex()


def lines(videos: int = 2, keyframes: int = 3, key: Key | None = None, seed: int = 1) -> list[AnyLine]:
    """The lines of a good file but for the last one."""
    rng = np.random.default_rng(seed)
    made: list[AnyLine] = [
        Header(contributor="A. Name", created="2026-01-02T03:04:05Z", tool="roundel 0", public_key=key and key.public)
    ]
    for number in range(videos):
        digest = hashlib.sha256(f"{seed} {number}".encode()).hexdigest()
        made.append(VideoLine(sha256=f"sha256:{digest}", duration_seconds=4.5, width=640, height=360))
        for place in range(keyframes):
            hashes = [HashLine(form=form, hash=f"pdq:{balanced(rng)}", quality=90) for form in ("whole", "inner")]
            made.append(KeyframeLine(seconds=place / 2, hashes=hashes))
    return made


def closed(made: list[AnyLine], key: Key | None = None) -> bytes:
    """The bytes of a file with these lines and the last one that belongs to them."""
    body = b"".join(map(text_of, made))
    sha256 = f"sha256:{hashlib.sha256(body).hexdigest()}"
    videos = sum(isinstance(line, VideoLine) for line in made)
    hashes = sum(len(line.hashes) for line in made if isinstance(line, KeyframeLine))
    signature = key.sign(sha256) if key else None
    return body + text_of(End(videos=videos, hashes=hashes, sha256=sha256, signature=signature))


def source(folder: Path, data: bytes, name: str = "given.jsonl") -> Source:
    """A file that somebody gave."""
    path = folder / name
    path.write_bytes(data)
    return open_source(path)


def archived(short: str = "", video: str = "a.mp4") -> dict[str, object]:
    """The metadata of a post as auto-archiver keeps it: a video with two thumbnails, and a picture."""
    rng = np.random.default_rng(5)
    thumbnails = [
        {
            "filename": f"/scratch/out{number}.jpg",
            "_key": None,
            "urls": [],
            "properties": {"id": f"thumbnail_{number}", "timestamp": f"{number + 1:.3f}s", "pdq_hash": value},
            "_mimetype": "image/jpeg",
        }
        for number, value in enumerate((short or balanced(rng), balanced(rng)))
    ]
    film = {
        "filename": f"/scratch/x/{video}",
        "_key": f"posts/{video}",
        "urls": ["https://example.org/a"],
        "properties": {"hash": f"SHA-256:{'ab' * 32}", "duration": 3.0, "thumbnails": thumbnails},
        "_mimetype": "video/mp4",
    }
    picture = {"filename": "/scratch/x/b.jpg", "urls": [], "properties": {"pdq_hash": balanced(rng)}}
    return {"status": "success", "metadata": {"url": "https://example.org"}, "media": [film, picture]}


def json_of(value: object) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()
