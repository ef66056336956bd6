"""Text that makes a media library open other files or addresses, under names of videos and under its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from corpus.entry import Entry, Place, analyze

SCRIPTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1.0,\n{url}\n#EXT-X-ENDLIST\n",
    "m3u8 key": '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF:1.0,\n{url}\n'
    "#EXT-X-ENDLIST\n",
    "m3u8 map": '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MAP:URI="{url}"\n#EXTINF:1.0,\n{url}\n#EXT-X-ENDLIST\n',
    "ffconcat": "ffconcat version 1.0\nfile '{url}'\n",
    "ffconcat unsafe": "ffconcat version 1.0\noption safe 0\nfile {url}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    "<Representation id='1'><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "pls": "[playlist]\nFile1={url}\nNumberOfEntries=1\nVersion=2\n",
    "rtsp text": "RTSPtext\nrtsptext{url}\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" width="64" height="64">'
    '<image x:href="{url}" width="64" height="64"/></svg>',
    "ass": "[Script Info]\nScriptType: v4.00+\n[Fonts]\nfontname: {url}\n[Events]\n"
    "Dialogue: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,x\n",
    "smil": '<smil><body><video src="{url}"/></body></smil>',
    "ffmetadata": ";FFMETADATA1\ntitle={url}\n",
    "xspf": '<playlist version="1"><trackList><track><location>{url}</location></track></trackList></playlist>',
}
OWN = {"m3u8": "m3u8", "ffconcat": "ffconcat", "sdp": "sdp", "dash": "mpd", "svg": "svg", "asx": "asx"}


def scripts(place: Place) -> Iterator[Entry]:
    """Each script, with a neighbour, an absolute path and an address, under the names of five containers."""
    urls = {
        "beside": "../../private/secret.ts",
        "absolute": f"file:{place.private / 'secret.ts'}",
        "passwd": "file:///etc/passwd",
        "http": "http://127.0.0.1:9/secret.ts",
    }
    suffixes = ("mp4", "mkv", "avi", "ts", "mov")
    for number, (name, text) in enumerate(SCRIPTS.items()):
        for step, (where, url) in enumerate(urls.items()):
            suffix = suffixes[(number + step) % len(suffixes)]
            path = place.write(f"{name.replace(' ', '-')}-{where}.{suffix}", text.format(url=url))
            yield analyze("disguised script", path.name, path, exits=frozenset({1}), together=True)
    for name, suffix in OWN.items():
        path = place.write(f"own-{name}.{suffix}", SCRIPTS[name].format(url=urls["absolute"]))
        yield analyze("disguised script", path.name, path, exits=frozenset({1}), together=True)


def references(place: Place) -> Iterator[Entry]:
    """Containers whose header says that the pictures lie in another file, and patterns of names."""
    secret = place.private / "secret.mov"
    plain = place.clip("plain.mov", "-c:v", "mjpeg", "-q:v", "5").read_bytes()
    for name, target in (("beside", "../../private/secret.mov"), ("absolute", str(secret)), ("passwd", "/etc/passwd")):
        for kind in (b"alis", b"url ", b"rsrc"):
            path = place.write(f"dref-{name}-{kind.decode().strip()}.mov", _elsewhere(plain, kind, target))
            yield analyze("reference to another file", path.name, path, exits=frozenset({0, 1}), together=True)
    movie = _reference_movie(str(secret))
    yield analyze("reference to another file", "reference-movie", place.write("reference.mov", movie), together=True)
    for number in range(1, 4):
        place.write(f"pattern/frame{number:03d}.png", b"\x89PNG\r\n\x1a\n")
    for name in ("frame%03d.mp4", "frame%03d.png", "*.mp4"):
        path = place.write(f"pattern/{name}", "x")
        yield analyze("reference to another file", name, path, exits=frozenset({1}))


def _elsewhere(data: bytes, kind: bytes, target: str) -> bytes:
    """A movie whose data reference names another file: what follows it moves, so all sizes above it grow."""
    at = data.index(b"dref")
    old = int.from_bytes(data[at - 4 : at], "big")
    text = target.encode()
    if kind == b"url ":
        inner = b"\0\0\0\0" + b"file://" + text + b"\0"
    else:
        alias = bytes(150) + struct.pack(">HH", 2, len(text)) + text + bytes(len(text) % 2)
        alias += struct.pack(">HH", 18, len(text)) + text + bytes(len(text) % 2) + struct.pack(">hH", -1, 0)
        inner = b"\0\0\0\0" + alias
    entry = struct.pack(">I", 8 + len(inner)) + kind + inner
    new = b"dref" + struct.pack(">II", 0, 1) + entry
    grown = len(new) + 4 - old
    changed = bytearray(data[: at - 4] + struct.pack(">I", len(new) + 4) + new + data[at - 4 + old :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = data.index(name) - 4
        changed[place : place + 4] = struct.pack(">I", int.from_bytes(data[place : place + 4], "big") + grown)
    return bytes(changed)


def _reference_movie(target: str) -> bytes:
    """An old QuickTime file that is nothing but a pointer."""
    text = f"file://{target}".encode() + b"\0"
    rdrf = _box(b"rdrf", b"\0\0\0\0url " + struct.pack(">I", len(text)) + text)
    return _box(b"moov", _box(b"rmra", _box(b"rmda", rdrf)))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content
