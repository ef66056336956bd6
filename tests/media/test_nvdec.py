"""Decoding on a GPU: the same frames, and nobody else decodes in its place without a word.

Without a GPU a stand-in for ffmpeg gives its frames the pixel format that those of a GPU have; what is checked is what
is made of that. The tests marked ``gpu`` compare a real one with the processor.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reading import CFR25, Reading, encode_rgb, numbered, numbers, read
from test_decode import quadrants, turn

from roundel import cuda
from roundel.config import MediaConfig
from roundel.errors import MediaError, MissingProgramError
from roundel.media import nvdec
from roundel.media.decode import ffmpeg_arguments
from roundel.media.probe import probe
from roundel.sandbox import DEVICES, landlock, protections

MakeClip = Callable[..., Path]
FFMPEG = shutil.which("ffmpeg") or "ffmpeg"
H264 = [*CFR25[:4], "-pix_fmt", "yuv420p"]
TEST_PICTURE = "testsrc2=size=352x288:rate=25"

STAND_IN = """#!/bin/sh
case " $* " in *" -hwaccels "*) printf 'Hardware acceleration methods:\\n{kinds}\\n'; exit 0;; esac
on_gpu=
for word do
  shift
  case $word in
    -hwaccel) on_gpu=yes; continue;;
    cuda) continue;;
    *showinfo*) [ "$on_gpu" ] && word=$(printf %s "$word" | sed 's/]showinfo/]{first}showinfo/');;
  esac
  set -- "$@" "$word"
done
[ "$on_gpu" ] && {act}
exec {ffmpeg} "$@"
"""

# Two frames of 32 × 32 pixels, of which only the first comes from the GPU.
HALF_WAY = """{
  for n in 0 1; do
    head -c 1536 /dev/zero
    if [ $n = 0 ]; then format=nv12; else format=yuv420p; fi
    echo "[Parsed_showinfo_0 @ 0x1] [info] n:   $n pts:      $n pts_time:$n fmt:$format sar:1/1 s:32x32 i:P" >&2
  done
  exit 0
}"""


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A machine with a GPU, and the ffmpeg program that it decodes with: ``gpu(first="format=nv12,")``."""
    monkeypatch.setattr(cuda, "driver", lambda: cuda.Driver("13.0", (cuda.Device("NVIDIA One", "9.0", 2**36),)))
    monkeypatch.setattr(cuda, "decodes_video", lambda: True)
    nvdec.hwaccels.cache_clear()

    def make(first: str = "", act: str = ":", kinds: str = "vdpau\\ncuda") -> str:
        program = tmp_path / "ffmpeg-stand-in"
        program.write_text(STAND_IN.format(first=first, act=act, kinds=kinds, ffmpeg=FFMPEG))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return str(program)

    return make


def same_frames(one: Reading, other: Reading) -> bool:
    return len(one.frames) == len(other.frames) > 0 and all(
        a.ref == b.ref and np.array_equal(a.i420, b.i420) for a, b in zip(one.frames, other.frames, strict=True)
    )


def test_frames_from_the_gpu_are_what_the_processor_gives(make_clip: MakeClip, gpu: Callable[..., str]) -> None:
    clip = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264)
    reading = read(clip, hwaccel="cuda", ffmpeg=gpu("format=nv12,"))
    assert same_frames(reading, read(clip))
    assert reading.coverage == read(clip).coverage


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_frames_from_the_gpu_are_upright(tmp_path: Path, gpu: Callable[..., str], degrees: int) -> None:
    still = tmp_path / "turned.mp4"
    clip = encode_rgb(
        quadrants(64, 32), still, "-vf", "scale=out_color_matrix=bt601", "-pix_fmt", "yuv420p", "-qp", "0"
    )
    turn(clip, degrees)
    assert same_frames(read(clip, hwaccel="cuda", ffmpeg=gpu("format=nv12,")), read(clip))


def test_ten_bits_are_near(make_clip: MakeClip, gpu: Callable[..., str]) -> None:
    clip = make_clip("ten.mp4", TEST_PICTURE, "-t", "0.4", "-c:v", "libx264", "-pix_fmt", "yuv420p10le")
    reading, expected = read(clip, hwaccel="cuda", ffmpeg=gpu("format=p010le,")), read(clip)
    assert reading.coverage == expected.coverage
    for one, other in zip(reading.frames, expected.frames, strict=True):
        assert np.abs(one.i420.astype(int) - other.i420).max() <= 1


def test_odd_sizes_have_no_skew(tmp_path: Path, gpu: Callable[..., str]) -> None:
    clip = encode_rgb(quadrants(63, 31), tmp_path / "odd.webm", "-pix_fmt", "yuv420p", "-c:v", "libvpx-vp9")
    assert same_frames(read(clip, hwaccel="cuda", ffmpeg=gpu("format=nv12,")), read(clip))


def test_the_gpu_is_asked_for_before_the_input(make_clip: MakeClip) -> None:
    clip = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264)
    info, config = probe(clip, MediaConfig()), MediaConfig()
    plain, on_gpu = ffmpeg_arguments(clip, info, config), ffmpeg_arguments(clip, info, config, on_gpu=True)
    at = on_gpu.index("-hwaccel")
    assert on_gpu[at : at + 2] == ["-hwaccel", "cuda"]
    assert at < on_gpu.index("-i")
    assert on_gpu[:at] + on_gpu[at + 2 :] == plain


FALLBACKS = {
    "ffmpeg falls back by itself": {},
    "the GPU cannot be used": {"act": "{ echo '[error] Device creation failed: -1.' >&2; exit 1; }"},
    "there is no frame and no reason": {"act": "exit 0"},
}


@pytest.mark.parametrize("reason", FALLBACKS)
def test_where_the_processor_decodes_auto_says_so_and_cuda_refuses(
    make_clip: MakeClip, gpu: Callable[..., str], reason: str
) -> None:
    clip, program = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264), gpu(**FALLBACKS[reason])
    reading = read(clip, hwaccel="auto", ffmpeg=program)
    assert same_frames(reading, read(clip))
    assert reading.coverage.warnings == ("the GPU cannot decode this video (h264, yuv420p); the processor did",)
    assert reading.coverage.decoder_errors == 0, "what went wrong on the GPU is no damage of the file"
    with pytest.raises(MediaError, match=r"the GPU cannot decode this video .* set media.hwaccel to auto"):
        read(clip, hwaccel="cuda", ffmpeg=program)


def test_the_reason_that_ffmpeg_gives_is_passed_on(make_clip: MakeClip, gpu: Callable[..., str]) -> None:
    clip = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264)
    with pytest.raises(MediaError, match=r"Device creation failed: -1\."):
        read(clip, hwaccel="cuda", ffmpeg=gpu(**FALLBACKS["the GPU cannot be used"]))


def test_pictures_that_are_not_4_2_0_are_not_given_to_the_gpu(make_clip: MakeClip, gpu: Callable[..., str]) -> None:
    clip = make_clip("full.mp4", TEST_PICTURE, "-t", "0.4", "-c:v", "libx264", "-pix_fmt", "yuv444p")
    program = gpu(act="{ echo never >&2; exit 9; }")
    reading = read(clip, hwaccel="auto", ffmpeg=program)
    assert same_frames(reading, read(clip))
    assert reading.coverage.warnings == ("the GPU cannot decode this video (h264, yuv444p); the processor did",)
    with pytest.raises(MediaError, match="only 4:2:0 is given to it"):
        read(clip, hwaccel="cuda", ffmpeg=program)


def test_a_change_of_decoder_in_mid_stream_is_noticed(make_clip: MakeClip, gpu: Callable[..., str]) -> None:
    clip, program = make_clip("small.mp4", numbered("32x32"), "-frames:v", "2", *CFR25), gpu(act=HALF_WAY)
    reading = read(clip, hwaccel="auto", ffmpeg=program)
    assert len(reading.frames) == 2
    assert reading.coverage.warnings == ("the GPU cannot decode all of this video; the processor decoded the rest",)
    with pytest.raises(MediaError, match="cannot decode this video from frame 1 on"):
        read(clip, hwaccel="cuda", ffmpeg=program)


def test_a_real_ffmpeg_that_finds_no_gpu_is_noticed(
    make_clip: MakeClip, gpu: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "none")
    monkeypatch.setattr(nvdec, "hwaccels", lambda _: ("cuda",))
    clip = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264)
    reading = read(clip, hwaccel="auto")
    assert same_frames(reading, read(clip))
    assert len(reading.coverage.warnings) == 1
    with pytest.raises(MediaError, match="the GPU cannot decode this video"):
        read(clip, hwaccel="cuda")


def test_an_ffmpeg_without_cuda_is_refused_and_auto_does_without(gpu: Callable[..., str]) -> None:
    program = gpu(kinds="vdpau")
    with pytest.raises(MissingProgramError, match=r"ffmpeg-stand-in was built without CUDA .* install a build with it"):
        nvdec.decoder_name(MediaConfig(hwaccel="cuda", ffmpeg=program))
    assert nvdec.decoder_name(MediaConfig(hwaccel="auto", ffmpeg=program)) == "ffmpeg"


def test_a_machine_without_a_gpu_or_without_its_video_part_is_refused(
    gpu: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = gpu()
    monkeypatch.setattr(cuda, "decodes_video", lambda: False)
    with pytest.raises(MissingProgramError, match="NVIDIA_DRIVER_CAPABILITIES"):
        nvdec.decoder_name(MediaConfig(hwaccel="cuda", ffmpeg=program))
    monkeypatch.undo()
    monkeypatch.setattr(cuda, "LIBRARY", "libno-such-driver.so.1")
    with pytest.raises(MissingProgramError, match=r"no NVIDIA driver here .* set media.hwaccel to auto or off"):
        nvdec.decoder_name(MediaConfig(hwaccel="cuda"))
    assert nvdec.decoder_name(MediaConfig(hwaccel="auto")) == "ffmpeg"
    assert nvdec.decoder_name(MediaConfig()) == "ffmpeg"


def test_a_result_names_the_decoder(gpu: Callable[..., str]) -> None:
    program = gpu()
    assert nvdec.decoder_name(MediaConfig(hwaccel="cuda", ffmpeg=program)) == "ffmpeg, NVDEC (cuda)"
    named = nvdec.decoder_name(MediaConfig(hwaccel="auto", ffmpeg=program))
    assert named == "ffmpeg, NVDEC (cuda) unless a warning says otherwise"


def test_only_a_decoder_on_a_gpu_gets_its_devices(
    make_clip: MakeClip, gpu: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in counts as on a GPU only if it can write to the device, which no decoder may otherwise."""
    if landlock.abi() == 0:
        pytest.skip("this kernel has no landlock")
    clip = make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264)
    program = gpu(first="format=nv12,", act="{ echo x > /dev/null || exit 9; }")
    with pytest.raises(MediaError, match="the GPU cannot decode this video"):
        read(clip, hwaccel="cuda", ffmpeg=program)
    monkeypatch.setattr(cuda, "device_files", lambda: (Path("/dev/null"),))
    assert same_frames(read(clip, hwaccel="cuda", ffmpeg=program), read(clip))


def test_the_log_says_which_devices_decoders_may_use(gpu: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    program = gpu()
    monkeypatch.setattr(cuda, "device_files", lambda: (Path("/dev/null"),))
    assert nvdec.kept_from(MediaConfig(hwaccel="off", ffmpeg=program)) == protections()
    kept = nvdec.kept_from(MediaConfig(hwaccel="cuda", ffmpeg=program))
    assert kept == protections([Path("/dev/null")]) | {DEVICES: ["/dev/null"]}


@pytest.mark.gpu
def test_a_decoder_on_the_gpu_is_kept_from_what_others_are() -> None:
    kept = nvdec.kept_from(MediaConfig(hwaccel="cuda"))
    assert "/dev/nvidiactl" in kept.pop(DEVICES)
    assert kept == protections()


CODECS = {
    "h264.mp4": ["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"],
    "interlaced.mp4": ["-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1", "-pix_fmt", "yuv420p"],
    "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"],
    "hevc10.mp4": ["-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p"],
    "full_range.mp4": ["-c:v", "libx264", "-pix_fmt", "yuvj420p"],
}


@pytest.mark.gpu
@pytest.mark.parametrize("size", ["352x288", "1920x1080"])
@pytest.mark.parametrize("name", CODECS)
def test_nvdec_gives_the_frames_of_the_processor(make_clip: MakeClip, name: str, size: str) -> None:
    """Decoding 8 bits is exact by the standards; 10 bits are rounded to 8 in another way."""
    clip = make_clip(f"{size}-{name}", f"testsrc2=size={size}:rate=25", "-t", "1", *CODECS[name])
    on_gpu, expected = read(clip, hwaccel="cuda"), read(clip)
    assert [frame.ref for frame in on_gpu.frames] == [frame.ref for frame in expected.frames]
    assert on_gpu.coverage == expected.coverage
    most = 1 if "10" in name else 0
    for one, other in zip(on_gpu.frames, expected.frames, strict=True):
        assert np.abs(one.i420.astype(int) - other.i420).max() <= most


@pytest.mark.gpu
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_nvdec_frames_are_upright(make_clip: MakeClip, tmp_path: Path, degrees: int) -> None:
    clip = tmp_path / "turned.mp4"
    shutil.copy(make_clip("pattern.mp4", TEST_PICTURE, "-t", "1", *H264), clip)
    turn(clip, degrees)
    assert same_frames(read(clip, hwaccel="cuda"), read(clip))


@pytest.mark.gpu
def test_nvdec_crops_sizes_that_fill_no_block(make_clip: MakeClip) -> None:
    clip = make_clip("odd.webm", "testsrc2=size=321x241:rate=25", "-t", "1", *CODECS["vp9.webm"])
    assert same_frames(read(clip, hwaccel="cuda"), read(clip))


@pytest.mark.gpu
def test_what_nvdec_cannot_decode_goes_to_the_processor(make_clip: MakeClip) -> None:
    clip = make_clip("ten.mp4", TEST_PICTURE, "-t", "0.4", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-f", "matroska")
    reading = read(clip, hwaccel="auto")
    assert same_frames(reading, read(clip))
    assert reading.coverage.warnings == ("the GPU cannot decode this video (ffv1, yuv420p); the processor did",)


@pytest.mark.gpu
def test_nvdec_keeps_the_frames_of_a_damaged_file(make_clip: MakeClip, tmp_path: Path) -> None:
    clip = tmp_path / "cut.ts"
    whole = make_clip("numbered.ts", numbered("352x288"), "-frames:v", "50", *CFR25).read_bytes()
    clip.write_bytes(whole[: len(whole) * 2 // 3])
    on_gpu, expected = read(clip, hwaccel="cuda"), read(clip)
    assert abs(len(on_gpu.frames) - len(expected.frames)) <= 1
    assert numbers(on_gpu.frames)[:20] == numbers(expected.frames)[:20]
