"""The hostile corpus: whatever a stranger may send, made by these scripts from a seed.

    PYTHONPATH=tests:tests/hostile python -m corpus FOLDER --seed 1

``make`` gives the entries with the commands that a user would give them to; ``check.py`` runs them and judges.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from pathlib import Path

from corpus import archives, batches, boxes, cases, damaged, exchanged, names, photos, scripts, sizes, texts, weights
from corpus.entry import Entry, Maker, Place

MAKERS: dict[str, Maker] = {
    "truncated": damaged.truncated,
    "flipped": damaged.flipped,
    "scripts": scripts.scripts,
    "references": scripts.references,
    "pictures": sizes.huge_pictures,
    "frames": sizes.many_frames,
    "times": sizes.odd_times,
    "boxes": boxes.boxes,
    "ebml": boxes.ebml,
    "names": names.names,
    "links": names.links,
    "lists": names.lists,
    "archives": archives.archives,
    "claims": texts.claims,
    "findings": texts.findings,
    "settings": texts.settings,
    "mappings": texts.mappings,
    "exports": texts.exports,
    "catalogues": texts.catalogues,
    "checkpoints": weights.checkpoints,
    "networks": weights.networks,
    "photos": photos.photos,
    "galleries": photos.galleries,
    "packages": cases.packages,
    "logs": cases.logs,
    "facts": cases.facts,
    "fingerprints": exchanged.fingerprints,
    "matches": exchanged.matches,
    "batches": batches.batches,
}
"""Who makes what, in the order of the table."""

MARK = "rosebud-4711 must not be read"


def make(folder: Path, seed: int = 1, makers: Collection[str] = (), full: bool = True) -> list[Entry]:
    """Make the corpus, or a part of it, in an empty folder.

    Args:
        folder: where it goes; ``private`` in it holds the files that nothing may open.
        seed: what is drawn is drawn with it; the same seed and the same ffmpeg give the same files.
        makers: the parts to make; none: all.
        full: also what takes minutes to read.
    """
    private, clips = folder / "private", folder / "clips"
    for place in (private, clips):
        place.mkdir(parents=True)
    source = Place(folder, private, clips, full, random.Random(seed))
    clip = source.clip("secret.mov", "-c:v", "mjpeg").read_bytes()
    for name in ("secret.mov", "secret.mp4", "secret.ts", "secret.txt", "secret.bin", "secret.onnx", "secret.pt"):
        (private / name).write_bytes(clip if name.endswith((".mov", ".mp4", ".ts")) else MARK.encode())
    (private / "secret.yaml").write_text(
        f"- id: s\n  kind: place\n  who: w\n  found: 2024-01-02\n  basis: seen\n  place: {MARK}\n", encoding="utf-8"
    )
    (private / "secret.csv").write_text(f"id,kind,who,found,basis,place\ns,place,w,2024-01-02,seen,{MARK}\n")
    entries: list[Entry] = []
    for name in makers or MAKERS:
        place = Place(folder / name, private, clips, full, random.Random(f"{seed} {name}"))
        place.folder.mkdir()
        entries += MAKERS[name](place)
    return entries
