"""Files that people write: claims, findings, settings, mappings, exports of the trade register, catalogues."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from corpus.entry import CASE, REPOSITORY, Entry, Place

CLAIM = "  - id: a\n    text: {text}\n    by: b\n    subject: aircraft\n"
CLAIMS = 'schema_version: "1"\nclaims:\n' + CLAIM
FINDING = "- id: f\n  kind: place\n  who: w\n  found: 2024-01-02\n  basis: seen\n  place: {text}\n"
FINDINGS = "id,kind,who,found,basis,place\n"
BOMB = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)
YAML = {
    "bomb": BOMB,
    "python tag": "!!python/object/apply:os.system ['touch pwned']\n",
    "python tag in a value": CLAIMS.format(text="!!python/object/new:os.system ['touch pwned']"),
    "merge of itself": "a: &a\n  <<: *a\n",
    "100,000 brackets": "[" * 100_000,
    "100,000 braces": "{" * 100_000 + "}" * 100_000,
    "100,000 hyphens": "- " * 100_000,
    "100,000 question marks": "? " * 100_000,
    "80,000 keys": "".join(f"k{n}: \n" for n in range(80_000)),
    "number of 10,000 digits": CLAIMS.format(text="t") + f"    quantifier: at least {'9' * 10_000}\n",
    "text of 900,000 letters": CLAIMS.format(text="x" * 900_000),
    "key of 900,000 letters": "x" * 900_000 + ": 1\n",
    "14,000 claims of one id": 'schema_version: "1"\nclaims:\n' + CLAIM.format(text="t") * 14_000,
    "html and escapes": CLAIMS.format(text=r'"<script>alert(1)</script>{{7*7}}\e[2J\u202e"'),
    "NUL": "a: \0\n",
    "UTF-16": "\ufeffa: b\n".encode("utf-16"),
    "binary": bytes(range(256)) * 100,
    "findings outside": 'schema_version: "1"\n'
    'findings: ["{private}/secret.yaml", "../../private/secret.csv", /etc/passwd]\n'
    "claims:\n" + CLAIM.format(text="t"),
    "findings that are itself": 'schema_version: "1"\nfindings: claims.yaml\nclaims:\n' + CLAIM.format(text="t"),
    "2,000 documents": "---\na: b\n" * 2000,
    "words for quantifiers": CLAIMS.format(text="t") + f"    quantifier: {'at least ' * 20_000}\n",
}
TABLES = {
    "100,000 columns": ",".join(["id"] * 100_000) + "\n",
    "100,000 unknown columns": ",".join(f"c{n}" for n in range(100_000)) + "\n",
    "cell of 900,000 letters": FINDINGS + f"f,place,w,2024-01-02,seen,{'x' * 900_000}\n",
    "open quotation": FINDINGS + 'f,place,w,2024-01-02,seen,"' + "x\n" * 100_000,
    "100,000 wrong rows": FINDINGS + "x\n" * 100_000,
    "formula": FINDINGS + "f,place,w,2024-01-02,seen,=cmd|'/c calc'!A0\n",
    "shares": "id,kind,who,found,basis,types\nf,type,w,2024-01-02,seen," + "mig-21=0.1;" * 50_000 + "\n",
    "NULs": FINDINGS + "\0" * 1000,
}
SETTINGS = {
    "nested 50,000 deep": "a = " + "[" * 50_000 + "]" * 50_000,
    "dotted 20,000 deep": "media" + ".a" * 20_000 + " = 1\n",
    "number of 5,000 digits": f"[media]\nmax_pixels = {'9' * 5000}\n",
    "memory of 2^70 bytes": f"[media]\nmemory_bytes = {2**62}\ncpu_seconds = {2**62}\n",
    "endless waiting": "[media]\nprobe_seconds = 1e300\nstall_seconds = 1e300\n",
    "input of 2^40 pixels": f"[detector]\ninput_px = {2**40}\n",
    "10^12 threads": "[detector]\nthreads = 1000000000000\n",
    "10^15 samples": "[counting]\nsamples = 1000000000000000\n",
    "text of 2,000,000 letters": f'[media]\nmax_pixels = "{"x" * 2_000_000}"\n',
    "inf and nan": "[media]\nmax_duration_seconds = inf\nprobe_seconds = nan\n",
    "100,000 sections": "".join(f"[s{n}]\n" for n in range(100_000)),
    "no memory at all": "[media]\nmemory_bytes = 1\n",
    "binary": bytes(range(256)) * 10,
    "escapes": '[media]\nffmpeg = "\\u001b[2J\\nError: forged"\n',
}


def claims(place: Place) -> Iterator[Entry]:
    """Claim files."""
    for name, text in YAML.items():
        content = text if isinstance(text, bytes) else text.replace("{private}", str(place.private)).encode()
        path = place.write(f"{plain(name)}/claims.yaml", content)
        exits = frozenset({0}) if name == "html and escapes" else frozenset({2})
        yield Entry("claims", name, ("claims", "check", str(path)), exits=exits, lines=101)
    yield from special(place, "claims", "claims.yaml", lambda path: ("claims", "check", str(path)))


def findings(place: Place) -> Iterator[Entry]:
    """Files of findings, YAML and CSV."""
    good = place.write("good.yaml", CLAIMS.format(text="t"))
    files: dict[str, str | bytes] = {f"{name}.csv": text for name, text in TABLES.items()}
    files |= {f"{name}.yaml": YAML[name] for name in ("bomb", "100,000 brackets", "80,000 keys", "binary")}
    files["10,000 findings of one id.yaml"] = FINDING.format(text="t") * 10_000
    files["text.yaml"] = FINDING.format(text="x" * 900_000)
    for name, text in files.items():
        path = place.write(plain(name), text)
        exits = frozenset({0}) if name == "formula.csv" else frozenset({2})
        arguments = ("claims", "check", str(good), "--findings", str(path))
        yield Entry("findings", name, arguments, exits=exits, lines=101)
    yield from special(
        place, "findings", "findings.csv", lambda path: ("claims", "check", str(good), "--findings", str(path))
    )


def settings(place: Place) -> Iterator[Entry]:
    """Settings."""
    clip = str(place.clip("settings.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p"))
    for name, text in SETTINGS.items():
        path = place.write(f"{plain(name)}.toml", text)
        exits = frozenset({1, 2})
        yield Entry("settings", name, ("analyze", clip, "--case", CASE, "--config", str(path)), exits=exits)
    yield from special(
        place, "settings", "settings.toml", lambda path: ("analyze", clip, "--case", CASE, "--config", str(path))
    )


def mappings(place: Place) -> Iterator[Entry]:
    """Mappings of classes."""
    weights = str(REPOSITORY / "models" / "roundel_models" / "weights" / "hardware-v1.onnx")
    named = place.folder / "named.onnx"
    named.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(weights, named)
    bombs = ("bomb", "100,000 brackets", "python tag", "100,000 hyphens", "80,000 keys")
    files: dict[str, str | bytes] = {f"{name}.yaml": YAML[name] for name in bombs}
    files |= {f"{name}.toml": SETTINGS[name] for name in ("nested 50,000 deep", "number of 5,000 digits", "binary")}
    for name, text in files.items():
        path = place.write(plain(name), text)
        arguments = ("models", "add", str(named), "--classes", str(path))
        yield Entry("mappings of classes", name, arguments, exits=frozenset({2}))
    yield from special(
        place, "mappings of classes", "mapping.yaml", lambda path: ("models", "add", str(named), "--classes", str(path))
    )


def exports(place: Place) -> Iterator[Entry]:
    """Exports of the trade register."""
    import catalogue_exports

    kind = "exports of the register"
    case = empty_case(place)
    old, new = catalogue_exports.OLD, catalogue_exports.NEW
    row = old.splitlines(keepends=True)[-1]
    files: dict[str, str | bytes] = {
        "300,000 wrong rows": old + "x\n" * 300_000,
        "200,000 rows": old + row * 200_000,
        "cell of 5,000,000 letters": old + row.replace("X-Wing", "x" * 5_000_000),
        "open quotation": old + '"' + "x,\n" * 100_000,
        "number of 5,000 digits": old + row.replace(",1,,2000", f",{'9' * 5000},,2000"),
        "years": new + new.splitlines(keepends=True)[-1].replace("1999", "9" * 5000),
        "escapes and formulas": old + row.replace("X-Wing", '=HYPERLINK("http://127.0.0.1:9")\x1b[2J\u202e'),
        "100,000 columns": "x," * 100_000 + old.splitlines(keepends=True)[5],
        "NULs": old + "\0" * 10_000,
        "binary": bytes(range(256)) * 1000,
        "20,000,000 line breaks": "\n" * 20_000_000,
    }
    for name, text in files.items():
        path = place.write(f"{plain(name)}.csv", text)
        arguments = ("catalogue", "import", str(path), "--case", str(case), "--quiet")
        yield Entry(kind, name, arguments, exits=frozenset({0, 1, 2}), lines=201)
    yield from special(
        place, kind, "export.csv", lambda path: ("catalogue", "import", str(path), "--case", str(case), "--quiet")
    )


def catalogues(place: Place) -> Iterator[Entry]:
    """Folders of a catalogue."""
    shipped = REPOSITORY / "models" / "roundel_models" / "catalogue"
    files: dict[str, tuple[str, str | bytes]] = {
        "deep type": ("types/t-72.json", "[" * 100_000),
        "type of numbers": ("types/t-72.json", '{"id": 1e999, "facts": ' + "9" * 5000 + "}"),
        "wrong type": ("types/t-72.json", "[]"),
        "deep states": ("states.toml", "a = " + "[" * 50_000),
        "states of numbers": ("states.toml", f"[RU]\nnames = {'9' * 5000}\n"),
        "long cell": ("sources.csv", "code,what,where,licence,tier\n" + "x" * 1_000_000 + ",a,b,c,A\n"),
        "rows": ("holdings.csv", "x\n" * 100_000),
    }
    for name, (inner, text) in files.items():
        folder = place.folder / plain(name)
        shutil.copytree(shipped, folder)
        (folder / inner).write_bytes(text if isinstance(text, bytes) else text.encode())
        yield Entry("catalogues", name, ("catalogue", "check", str(folder)), exits=frozenset({2}), lines=400)
    folder = place.folder / "pipe"
    shutil.copytree(shipped, folder)
    os.mkfifo(folder / "types" / "pipe.json")
    yield Entry("catalogues", "pipe", ("catalogue", "check", str(folder)), exits=frozenset({2}))


def special(place: Place, kind: str, name: str, arguments) -> Iterator[Entry]:
    """A pipe, a device, a folder and a file of 1 TiB in the place of a text."""
    folder = place.folder / "special"
    folder.mkdir(parents=True, exist_ok=True)
    for what in ("pipe", "device", "folder", "1 TiB"):
        path = folder / f"{what.replace(' ', '-')}-{name}"
        if what == "pipe":
            os.mkfifo(path)
        elif what == "device":
            path.symlink_to("/dev/zero")
        elif what == "folder":
            path.mkdir()
        else:
            with path.open("wb") as stream:
                stream.truncate(2**40)
        yield Entry(kind, what, arguments(path), exits=frozenset({2}))


def empty_case(place: Place) -> Path:
    from roundel import case as cases
    from roundel.config import Config

    folder = place.folder / "case"
    cases.create(folder, Config.from_values({name: {} for name in Config.model_fields}))
    return folder


def plain(name: str) -> str:
    return name.replace(" ", "-").replace(",", "").replace("^", "")
