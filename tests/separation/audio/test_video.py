"""The picture of a video stays as it is, and another sound joins it where the old one was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from separation.audio.decode import AudioFile
from separation.audio.video import Picture, PictureNotKept, keep_picture, timed
from separation.audio.waveform import Waveform
from separation.errors import FileError
from separation.results.runs import import_recording
from tests.support import odd_files

RATE, FPS, SECONDS = 48_000, 25, 3
CLICK_S = 1.5
CODECS = {
    "film.mp4": ("mpeg4", "aac"),
    "film.webm": ("libvpx-vp9", "libopus"),
    "film.mkv": ("mjpeg", "aac"),
    "film.avi": ("mpeg4", "mp3"),
    "film.wmv": ("wmv2", "wmav2"),
    "film.flv": ("flv1", "aac"),
    "h264.mkv": ("libx264", "aac"),  # with frames that are stored in another order than they are shown in
    "av1.webm": ("libsvtav1", "libopus"),
}


def click(rate: int = RATE, seconds: float = SECONDS, at_s: float = CLICK_S, channels: int = 2) -> np.ndarray:
    """A short burst in silence, shape (channels, samples)."""
    samples = np.zeros((channels, round(seconds * rate)), np.float32)
    start = round(at_s * rate)
    n = rate // 100
    burst = 0.7 * np.sin(2000 * np.pi * np.arange(n) / rate) * np.hanning(n)  # 10 ms of 1 kHz
    samples[:, start - n // 2 : start - n // 2 + n] = burst
    return samples


def where(samples: np.ndarray, rate: int) -> float:
    """When the burst is loudest, in seconds."""
    return float(np.abs(samples).max(axis=0).argmax() / rate)


@contextmanager
def scheduled_as_before() -> Iterator[None]:
    """Undo what SVT-AV1 does where it runs as root: it makes the thread that calls it a real-time one, for ever.

    All that the test process computed or started afterwards took the cores from everything else on the computer.
    """
    before = (os.sched_getscheduler(0), os.sched_getparam(0)) if hasattr(os, "sched_getscheduler") else None
    try:
        yield
    finally:
        if before is not None:
            os.sched_setscheduler(0, *before)


def film(path: Path, *, sound_starts_s: float = 0.0, picture_starts_s: float = 0.0) -> Path:
    """A moving picture of 64 x 48 with a click in its sound, in the codecs that its name suggests."""
    picture, sound = CODECS.get(path.name) or CODECS[f"film{path.suffix}"]
    with scheduled_as_before(), av.open(str(path), "w") as out:
        shown = out.add_stream(picture, rate=FPS, width=64, height=48)
        shown.pix_fmt = "yuvj420p" if picture == "mjpeg" else "yuv420p"
        heard = out.add_stream(sound, rate=RATE, layout="stereo")
        heard.bit_rate = 128_000
        for k in range(SECONDS * FPS):
            image = np.full((48, 64, 3), (5 * k) % 255, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, FPS), k + round(picture_starts_s * FPS)
            out.mux(shown.encode(frame))
        frame = av.AudioFrame.from_ndarray(click(), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(sound_starts_s * RATE)
        for stream, last in ((heard, frame), (heard, None), (shown, None)):
            out.mux(stream.encode(last))
    return path


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="a notion of Linux")
def test_no_film_makes_this_process_a_real_time_one(tmp_path: Path) -> None:
    before = os.sched_getscheduler(0)
    film(tmp_path / "av1.webm")
    assert os.sched_getscheduler(0) == before


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def frames(path: Path) -> list[bytes]:
    """The frames of the picture as a player shows them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").tobytes() for frame in container.decode(video=0)]


def times_s(path: Path) -> list[float]:
    """When the frames of the picture are shown."""
    with av.open(str(path)) as container:
        return sorted(float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.size)


def heard(path: Path) -> tuple[np.ndarray, int, float]:
    """The sound as a player gives it: samples, rate, and when the first of them is heard."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1), frames[0].sample_rate, frames[0].time


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        *(("film.mp4", ".mp4"), ("film.webm", ".webm"), ("film.mkv", ".mkv"), ("film.avi", ".mp4")),
        *(("film.wmv", ".wmv"), ("h264.mkv", ".mp4"), ("av1.webm", ".webm")),
    ],
)
def test_the_picture_is_kept_to_the_byte_and_joined_with_another_sound_in_time(
    tmp_path: Path, name: str, extension: str
) -> None:
    source = film(tmp_path / name)
    picture = keep_picture(source, tmp_path / "kept")
    assert picture is not None and picture.extension == extension
    assert packets(picture.path) == packets(source)
    with av.open(str(picture.path)) as kept:
        assert [stream.type for stream in kept.streams] == ["video"]

    target = tmp_path / "out"
    picture.write_with(Waveform(click(at_s=0.5), RATE), target)
    assert packets(target) == packets(source)
    earlier_s = times_s(source)[0] - times_s(target)[0]  # ASF begins later than at 0
    assert times_s(target) == pytest.approx([time_s - earlier_s for time_s in times_s(source)], abs=0.002)
    samples, rate, start_s = heard(target)
    assert where(samples, rate) + start_s == pytest.approx(0.5 + heard(source)[2] - earlier_s, abs=1 / FPS)
    assert np.abs(samples).max() > 0.3
    assert samples.shape[1] / rate == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize(("sound_s", "picture_s"), [(0.4, 0.0), (0.0, 0.4)])
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_what_began_later_begins_later(tmp_path: Path, kind: str, sound_s: float, picture_s: float) -> None:
    source = film(tmp_path / f"film.{kind}", sound_starts_s=sound_s, picture_starts_s=picture_s)
    picture = keep_picture(source, tmp_path / "kept")
    assert picture is not None
    picture.write_with(Waveform(click(), RATE), tmp_path / "out")
    samples, rate, start_s = heard(tmp_path / "out")
    between_s = where(samples, rate) + start_s - times_s(tmp_path / "out")[0]
    assert between_s == pytest.approx(CLICK_S + sound_s - picture_s, abs=1 / FPS)


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (192_000, 2), (8_000, 1)])
def test_any_rate_and_channels_are_taken(tmp_path: Path, rate: int, channels: int) -> None:
    picture = keep_picture(film(tmp_path / "film.mp4"), tmp_path / "kept")
    assert picture is not None
    picture.write_with(Waveform(click(rate, channels=channels), rate), tmp_path / "out")
    samples, found_rate, start_s = heard(tmp_path / "out")
    assert len(samples) == channels and found_rate <= 96_000
    assert where(samples, found_rate) + start_s == pytest.approx(CLICK_S, abs=1 / FPS)


def test_the_cover_of_an_album_is_no_picture_and_sound_has_none(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "cover.mp3"), "w") as out:
        heard = out.add_stream("mp3", rate=RATE, layout="stereo")
        cover = out.add_stream("mjpeg", rate=1, width=64, height=48)
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        for packet in [*cover.encode(image), *cover.encode(None)]:
            out.mux(packet)
        frame = av.AudioFrame.from_ndarray(click(), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        for last in (frame, None):
            out.mux(heard.encode(last))
    with av.open(str(tmp_path / "cover.mp3")) as container:
        assert len(container.streams.video) == 1
    assert keep_picture(tmp_path / "cover.mp3", tmp_path / "kept") is None
    assert not (tmp_path / "kept").exists()


def test_a_picture_that_cannot_be_copied_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(film(tmp_path / "film.mp4").read_bytes()[:900])
    with pytest.raises(PictureNotKept):
        keep_picture(tmp_path / "broken.mp4", tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_picture_of_a_codec_that_nobody_knows_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(odd_files.muxed("matroska", "video", "ac3").replace(b"V_MPEG4", b"V_XYZG4", 1))
    with pytest.raises(PictureNotKept, match="nobody knows its codec"):
        keep_picture(film, tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mkv"]


def test_the_recording_of_a_film_whose_picture_is_lost_says_so(store, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording = import_recording(film(tmp_path / "film.flv"), store)
    assert recording.picture is None
    (said,) = recording.warnings
    assert said.startswith("The picture is not kept, so only the sound can be downloaded: ")
    assert recording.duration_s == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("name", ["film.mp4", "h264.mkv"])
def test_every_frame_is_shown_once_and_in_its_order(tmp_path: Path, name: str) -> None:
    source = film(tmp_path / name)
    picture = keep_picture(source, tmp_path / "kept")
    assert picture is not None
    picture.write_with(Waveform(click(), RATE), tmp_path / "out")
    assert frames(tmp_path / "out") == frames(source)
    with av.open(str(tmp_path / "out")) as container:
        decoded = [packet.dts for packet in container.demux(video=0) if packet.size]
    assert decoded == sorted(set(decoded))


def test_a_packet_that_does_not_say_when_it_is_decoded_comes_after_the_one_before() -> None:
    times = [(0, None), (3, None), (1, 0), (2, None), (4, 2)]
    packets = [SimpleNamespace(size=1, pts=pts, dts=dts, time_base=Fraction(1, 25)) for pts, dts in times]
    assert [(packet.pts, packet.dts) for packet in timed(iter(packets))] == [(0, -2), (3, -1), (1, 0), (2, 1), (4, 2)]


def test_packets_that_never_say_when_they_are_decoded_are_not_kept_for_ever(tmp_path: Path) -> None:
    packets = [SimpleNamespace(size=1, pts=n, dts=None, time_base=Fraction(1, 25)) for n in range(10_000)]
    read = []
    with pytest.raises(ValueError, match="do not say when"):
        list(timed(packet for packet in packets if not read.append(packet)))
    assert len(read) < 100


def test_a_kept_picture_that_is_damaged_is_an_error_and_no_half_file_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"nothing of the kind")
    with pytest.raises(FileError, match="The video could not be written"):
        Picture(tmp_path / "kept", "h264", 0.0).write_with(Waveform(click(), RATE), tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_recording_of_a_film_has_its_picture_and_a_part_of_it_or_a_song_has_none(store, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording = import_recording(film(tmp_path / "film.mp4", sound_starts_s=0.2), store)
    picture = recording.picture
    with AudioFile(recording.audio) as sound:
        picture.write_with(sound, tmp_path / "out.mp4")
    assert picture.start_s == pytest.approx(-0.2, abs=0.03)
    assert packets(tmp_path / "out.mp4") == packets(tmp_path / "film.mp4")
