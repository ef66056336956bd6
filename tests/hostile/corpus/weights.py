"""Weights that are pickles, bombs or pointers."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from corpus.entry import CASE, REPOSITORY, Entry, Place

GOOD = REPOSITORY / "models" / "roundel_models" / "weights" / "hardware-v1.onnx"
KIND = "weights"
NAMES = '["aircraft"]'


class Payload:
    """What a stranger puts into a checkpoint: a command that makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.mark}'",)


def checkpoints(place: Place) -> Iterator[Entry]:
    """Checkpoints (.pt)."""
    pwned = place.private / "pwned"
    files = {
        "pickle": pickle.dumps({"model": Payload(pwned)}),
        "archive": _archive(pickle.dumps({"model": Payload(pwned)}, protocol=2)),
        "bomb": _archive(bytes(1024**2), times=2048, method=zipfile.ZIP_DEFLATED),
        "deep": _archive(b"\x80\x02" + b"(" * 500_000 + b"t" * 500_000 + b"."),
        "long": _archive(b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x"),
        "bytearray": _archive(b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x"),
        "zeros": bytes(100_000),
        "empty": b"",
        "video": place.clip("weights.mp4", "-c:v", "mpeg4").read_bytes(),
        "html": b"<!doctype html><title>404</title>",
    }
    for name, content in files.items():
        path = place.write(f"{name}.pt", content)
        yield Entry(KIND, f"{name}.pt", ("models", "add", str(path)), exits=frozenset({2}), memory_mib=3000)
    for name in ("pickle", "archive"):
        clip = str(place.clip("weights.mp4", "-c:v", "mpeg4"))
        arguments = ("analyze", clip, "--case", CASE, "--model", str(place.folder / f"{name}.pt"))
        yield Entry(KIND, f"{name}.pt as --model", arguments, exits=frozenset({2}), memory_mib=3000)
    path = place.write("pickle.pth", files["pickle"])
    yield Entry(KIND, "pickle.pth", ("models", "add", str(path)), exits=frozenset({2}))
    path = place.write("pickle.onnx", files["pickle"])
    yield Entry(KIND, "pickle.onnx", ("models", "add", str(path)), exits=frozenset({2}))


def networks(place: Place) -> Iterator[Entry]:
    """Networks (.onnx)."""
    good = GOOD.read_bytes()
    files = {
        "truncated": good[: len(good) // 2],
        "truncated early": good[:100],
        "zeros": bytes(100_000),
        "empty": b"",
        "flipped": bytes(byte ^ 0x55 if 1000 < number < 1400 else byte for number, byte in enumerate(good)),
        "deep": _deep_message(5000),
        "2^40 numbers": many_numbers(2**40),
        "names of 300,000 brackets": network([_node("Identity", ["x"], ["y"])], "[" * 300_000),
        "names that are code": network([_node("Identity", ["x"], ["y"])], "__import__('os').system('touch pwned')"),
        "endless loop": endless_loop(),
        "unknown operator": network([_node("RunCommand", ["x"], ["y"])], NAMES),
    }
    for target in ("/etc/passwd", str(place.private / "secret.bin"), "../../private/secret.bin", "beside.bin"):
        files[f"data in {Path(target).name} ({target.count('/')})"] = network(
            [_node("Add", ["x", "w"], ["y"])], NAMES, [external_tensor("w", target)]
        )
    place.write("beside.bin", bytes(64))
    for number, (name, content) in enumerate(files.items()):
        path = place.write(f"n{number}.onnx", content)
        yield Entry(KIND, f"{name}, onnx", ("models", "add", str(path)), exits=frozenset({2}), memory_mib=3000)
    clip = str(place.clip("weights.mp4", "-c:v", "mpeg4"))
    last = place.folder / f"n{len(files) - 4}.onnx"
    for engine in ("onnx", "openvino"):
        arguments = ("analyze", clip, "--case", CASE, "--model", str(last), "--engine", engine)
        yield Entry(KIND, f"data in passwd as --model, {engine}", arguments, exits=frozenset({2}), memory_mib=3000)


def _archive(content: bytes, times: int = 1, method: int = zipfile.ZIP_STORED) -> bytes:
    """What torch writes: a ZIP archive with a pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        info = zipfile.ZipInfo("archive/data.pkl")
        info.compress_type = method
        with archive.open(info, "w", force_zip64=True) as inner:
            for _ in range(times):
                inner.write(content)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return stream.getvalue()


# Just enough of Protocol Buffers and of the ONNX form (onnx.proto3) to write a model without the library.


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _node(operator: str, inputs: list[str], outputs: list[str], attributes: bytes = b"") -> bytes:
    parts = [_field(1, name) for name in inputs] + [_field(2, name) for name in outputs]
    return b"".join(parts) + _field(3, f"node of {outputs[0]}") + _field(4, operator) + attributes


def _value(name: str, kind: int, shape: list[int | str]) -> bytes:
    sides = b"".join(_field(1, _field(1, side) if isinstance(side, int) else _field(2, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, sides)))


def network(nodes: list[bytes], names: str, tensors: list[bytes] | None = None) -> bytes:
    """A model from input ``x`` (n, 3, h, w) to output ``y``, with class names in its metadata."""
    shape: list[int | str] = ["n", 3, "h", "w"]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "g")
    graph += b"".join(_field(5, tensor) for tensor in tensors or [])
    graph += _field(11, _value("x", 1, shape)) + _field(12, _value("y", 1, shape))
    metadata = _field(14, _field(1, "names") + _field(2, names))
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 17)) + metadata


def external_tensor(name: str, target: str) -> bytes:
    """Sixteen numbers that lie in another file."""
    where = _field(13, _field(1, "location") + _field(2, target))
    return _field(1, 16) + _field(2, 1) + _field(8, name) + where + _field(14, 1)


def _number(name: str, kind: int, value: bytes, *shape: int) -> bytes:
    """A tensor of the file: kind 7 is int64, 9 is bool."""
    return b"".join(_field(1, side) for side in shape) + _field(2, kind) + _field(8, name) + _field(9, value)


def many_numbers(count: int) -> bytes:
    """A model of a few bytes that makes so many numbers."""
    shape = _number("s", 7, struct.pack("<q", count), 1)
    return network([_node("ConstantOfShape", ["s"], ["c"]), _node("Add", ["x", "c"], ["y"])], NAMES, [shape])


def endless_loop() -> bytes:
    """A model that goes round 2^62 times."""
    sides: list[int | str] = ["n", 3, "h", "w"]
    body = _field(1, _node("Identity", ["c"], ["d"])) + _field(1, _node("Identity", ["v"], ["u"])) + _field(2, "b")
    body += b"".join(_field(11, value) for value in (_value("i", 7, []), _value("c", 9, []), _value("v", 1, sides)))
    body += _field(12, _value("d", 9, [])) + _field(12, _value("u", 1, sides))
    loop = _node("Loop", ["m", "t", "x"], ["y"], _field(5, _field(1, "body") + _field(6, body) + _field(20, 5)))
    return network([loop], NAMES, [_number("m", 7, struct.pack("<q", 2**62)), _number("t", 9, b"\1")])


def _deep_message(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = _field(7, _field(1, _field(5, _field(6, data))))
    return _field(1, 8) + data
