"""No sound is lost that lies behind the end which a file's first header states; what is no sound stays out."""

from __future__ import annotations

import errno
import io
import os
import re
import struct
from contextlib import suppress

import numpy as np
import pytest

from separation.audio.convert import convert
from separation.audio.decode import decode
from separation.audio.decoding.joined import JoinedReader
from separation.audio.decoding.reader import AudioInfo, BoundedFile, NotReadableError
from separation.audio.decoding.rest import rest_of
from separation.errors import AudioError
from tests.support.odd_files import RATE, id3_with_cover, muxed, patched, stored, tone

SECOND = np.random.default_rng(7).uniform(-0.3, 0.3, (2 * RATE, 2)).astype(np.float32)  # unlike the rising tone
LIST = b"LIST" + struct.pack("<I", 4_000) + b"INFO" + bytes(range(1, 252)) * 20


def both(*what, **options):
    """Two files of one kind with different sounds."""
    make = muxed if what[0] in ("ipod", "mp4") else stored
    return [make(*what, samples=samples, **options) for samples in (tone(3 * RATE), SECOND)]


def decoded(folder, data):
    path = folder / "file"
    path.write_bytes(data)
    return decode(path)


JOINED = {
    "chained Ogg Vorbis": lambda: both("OGG"),
    "chained Opus": lambda: both("OGG", "OPUS", rate=48_000),
    "MP3": lambda: both("MP3"),
    "MP3, the first with a tag behind it": lambda: [both("MP3")[0] + b"TAG" + bytes(125), both("MP3")[1]],
    "FLAC": lambda: both("FLAC"),
    "WAV": lambda: both("WAV"),
    "WAV with tags behind the samples": lambda: [both("WAV")[0] + LIST[: 8 + 4_000], both("WAV")[1]],
    "AIFF": lambda: both("AIFF"),
    "RF64": lambda: both("RF64"),
    "M4A": lambda: both("ipod", "aac"),
    "M4A, the index first": lambda: both("ipod", "aac", movflags="faststart"),
}


@pytest.mark.parametrize("kind", JOINED)
def test_files_laid_end_to_end_are_the_sound_of_each(kind, tmp_path):
    first, second = JOINED[kind]()
    parts = [decoded(tmp_path, data).waveform.samples for data in (first, second, first)]
    whole = decoded(tmp_path, first + second + first)
    np.testing.assert_array_equal(whole.waveform.samples, np.concatenate(parts, axis=1))
    assert whole.warnings == ()


def test_a_whole_file_is_read_once_however_many_files_it_is_made_of():
    class Counting(io.BytesIO):
        n_read = 0

        def read(self, size=-1):
            data = super().read(size)
            self.n_read += len(data)
            return data

    for one in (stored("OGG"), stored("MP3"), stored("FLAC"), stored("WAV")):
        file = Counting(40 * one)
        assert sum(block.shape[1] for block in JoinedReader(file, 65_536).blocks()) == 40 * RATE
        assert file.n_read < 30 * len(file.getvalue())


@pytest.mark.parametrize("n_channels", [1, 2])
def test_what_follows_at_another_rate_is_brought_to_the_first_and_said(n_channels, tmp_path):
    t = np.arange(2 * 48_000) / 48_000
    second = np.repeat(0.3 * np.sin(2 * np.pi * 1_000 * t)[:, None], 3 - n_channels, axis=1)
    found = decoded(tmp_path, stored("OGG", samples=tone(RATE, n_channels)) + stored("OGG", "OPUS", second, 48_000))
    samples = found.waveform.samples
    assert samples.shape == (n_channels, 3 * RATE)
    spectrum = np.abs(np.fft.rfft(samples[0, RATE:]))
    assert spectrum.argmax() / 2 == 1_000  # Hz
    assert found.warnings == (
        f"From 0:01.00 on it has 48000 Hz and {3 - n_channels} channels; "
        f"this was brought to 44100 Hz and {n_channels}.",
    )


def test_what_follows_with_more_channels_than_can_be_placed_is_said_and_left_out(tmp_path):
    found = decoded(tmp_path, stored("WAV", samples=tone(RATE, 6)) + stored("WAV"))
    assert found.waveform.samples.shape == (6, RATE)
    assert "of the file are not used" in found.warnings[0]


def test_an_ogg_that_ffmpeg_reads_from_one_into_the_next_is_read_once(tmp_path):
    surround = stored("OGG", samples=tone(2 * RATE, 6))
    assert decoded(tmp_path, 2 * surround).waveform.n_samples == pytest.approx(4 * RATE, abs=2_000)


def stating(size):
    """A number as each container stores the size of its samples, and where."""
    return {
        "WAV": lambda data: patched(data, (b"data", 4, struct.pack("<I", size))),
        "RF64": lambda data: patched(data, (b"ds64", 16, struct.pack("<q", size))),
        "AIFF": lambda data: patched(data, (b"SSND", 4, struct.pack(">I", size + 8))),
        "CAF": lambda data: patched(data, (b"data", 4, struct.pack(">q", size + 4))),
        "AU": lambda data: patched(data, (b".snd", 8, struct.pack(">I", size))),
    }


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("container", stating(0))
@pytest.mark.parametrize("excess", [0, 1])
def test_samples_that_the_header_does_not_count_are_read_and_said(container, subtype, excess, tmp_path):
    data = stored(container, subtype, SECOND)
    width = {"PCM_16": 4, "PCM_24": 6, "FLOAT": 8, "ULAW": 2}[subtype]
    short = decoded(tmp_path, stating(width * RATE + excess)[container](data))
    np.testing.assert_array_equal(short.waveform.samples, decoded(tmp_path, data).waveform.samples)
    assert short.warnings == ("Its header states 1.00 s of sound; the 1.00 s behind them are used too.",)


def test_samples_stored_the_other_way_round_go_on_that_way(tmp_path):
    data = stored("WAV", samples=SECOND)
    at = data.index(b"data") + 8
    turned = np.frombuffer(data[at:], "<i2").astype(">i2").tobytes()
    form = (b"RIFX", len(data) - 8, b"WAVE", b"fmt ", 16, 1, 2, RATE, 4 * RATE, 4, 16, b"data", 4 * RATE)
    header = struct.pack(">4sI4s4sIHHIIHH4sI", *form)
    short = decoded(tmp_path, header + turned)
    np.testing.assert_array_equal(short.waveform.samples, decoded(tmp_path, data).waveform.samples)


def test_an_mp3_that_goes_on_behind_its_stated_end_is_heard_to_its_end(tmp_path):
    data = both("MP3")[0]
    short = patched(data, (b"Xing" if b"Xing" in data else b"Info", 8, struct.pack(">I", 40)))  # frames
    found = decoded(tmp_path, short)
    assert found.waveform.n_samples == pytest.approx(3 * RATE, abs=2_500)
    whole, heard = decoded(tmp_path, data).waveform.samples[0], found.waveform.samples[0, 60_000:90_000]
    # The encoder's padding, up to two frames, is left out where the header says that the sound ends.
    lag = 57_000 + int(np.correlate(whole[57_000:93_000], heard, "valid").argmax())
    assert np.corrcoef(whole[lag : lag + 30_000], heard)[0, 1] > 0.999
    assert abs(lag - 60_000) < 2_304
    assert "behind them are used too" in found.warnings[0]


ODD_LIST = b"LIST" + struct.pack("<I", 4_001) + LIST[8 : 8 + 4_001]
BEHIND = {
    "an ID3v1 tag": b"TAG" + b"a song" * 20 + bytes(5),
    "an APE tag": b"APETAGEX" + struct.pack("<IIII", 2_000, 5_032, 1, 0xA0000000) + bytes(8) + b"k" * 5_000
    + b"APETAGEX" + struct.pack("<IIII", 2_000, 5_032, 1, 0x80000000) + bytes(8),
    "an APE tag without a header": b"k" * 5_000 + b"APETAGEX" + struct.pack("<IIII", 1_000, 5_032, 1, 0) + bytes(8),
    "lyrics and an ID3v1 tag": b"LYRICSBEGIN" + b"la " * 900 + b"002711LYRICS200" + b"TAG" + b"x" * 125,
    "zeros": bytes(9_000),
    "a few bytes": b"\xc8\x03\x07" * 300,
}  # fmt: skip
CHUNKS = {
    "a list": LIST[: 8 + 4_000],
    "a list of odd length": ODD_LIST + b"\0",
    "a list of odd length without its padding": ODD_LIST + b"id3 " + struct.pack("<I", 4_000) + b"k" * 4_000,
}


@pytest.mark.parametrize("tag", BEHIND)
@pytest.mark.parametrize("container", ["MP3", "FLAC", "WAV"])
def test_tags_behind_the_sound_are_no_sound(container, tag, tmp_path):
    plain = decoded(tmp_path, stored(container))
    tagged = decoded(tmp_path, stored(container) + BEHIND[tag])
    np.testing.assert_array_equal(tagged.waveform.samples, plain.waveform.samples)
    assert tagged.warnings == ()


@pytest.mark.parametrize("chunk", CHUNKS)
def test_chunks_behind_the_samples_are_no_sound(chunk, tmp_path):
    plain = decoded(tmp_path, stored("WAV"))
    found = decoded(tmp_path, stored("WAV") + CHUNKS[chunk])
    np.testing.assert_array_equal(found.waveform.samples, plain.waveform.samples)
    assert found.warnings == ()


NOT_USED = {
    "junk behind an MP3": lambda: stored("MP3") + b"junk" * 12_500,
    "a chunk that is cut off": lambda: stored("WAV") + b"id3 " + struct.pack("<I", 400_000) + b"k" * 49_992,
    "junk behind samples that are not plain": lambda: stored("WAV", "IMA_ADPCM") + bytes([200, 3, 7, 9]) * 12_500,
    "junk behind a FLAC": lambda: stored("FLAC") + b"junk" * 12_500,
    "an MP3 that has no sound": lambda: stored("MP3") + b"ID3" + b"junk" * 12_499 + b"j",
    "junk behind a tag larger than the file": lambda: (
        stored("MP3") + b"APETAGEX" + struct.pack("<III", 2_000, 2**31, 1) + bytes(12) + b"junk" * 12_490
    ),
    "junk behind an M4A": lambda: muxed("ipod", "aac", movflags="faststart") + b"\xff" * 50_000,
}


@pytest.mark.parametrize("what", NOT_USED)
def test_what_is_not_used_is_said_with_how_much(what, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(NOT_USED[what]())
    conversion = convert(path, tmp_path / "out.wav")
    (said,) = conversion.warnings
    assert re.fullmatch("The last (49|50) kB of the file are not used: no decoder gets sound out of them.", said)
    assert conversion.duration_s == pytest.approx(1, abs=0.05)


def test_an_mp3_without_a_count_of_its_frames_is_not_called_cut_off(tmp_path):
    uncounted = muxed("mp3", "libmp3lame", write_xing="0")
    cover = b"ID3\4\0\0\0\4\0\0" + bytes([7]) * 4 * 128 * 128
    assert decoded(tmp_path, uncounted + cover + uncounted).warnings == ()


def test_no_decoder_prints_to_the_terminal(tmp_path, capfd):
    first, second = both("MP3")
    joined = [first + second, first + b"TAG" + bytes(125) + second, id3_with_cover() + first + second]
    for data in (*joined, first[: len(first) // 2]):
        decoded(tmp_path, data)
    assert capfd.readouterr() == ("", "")


DAMAGED_TAGS = {
    "an APE tag of no size": b"APETAGEX" + bytes(24),
    "an APE tag of no size before others": b"APETAGEX" + bytes(24) + b"TAG" + bytes(125),
    "an APE tag larger than the file": b"APETAGEX" + struct.pack("<IIII", 2_000, 2**32 - 1, 1, 2**32 - 1) + bytes(8),
    "lyrics longer than the file": b"999999LYRICS200",
}


@pytest.mark.parametrize("tag", DAMAGED_TAGS)
@pytest.mark.parametrize("container", ["FLAC", "WAV", "AU"])
def test_tags_whose_size_cannot_be_true_harm_nothing(container, tag, tmp_path):
    plain = decoded(tmp_path, stored(container))
    tagged = decoded(tmp_path, stored(container) + DAMAGED_TAGS[tag])
    np.testing.assert_array_equal(tagged.waveform.samples[:, :RATE], plain.waveform.samples)
    assert tagged.waveform.n_samples < RATE + 100 and tagged.warnings == ()


@pytest.mark.parametrize("n_bytes", [5, 20])
def test_an_ogg_that_ends_within_one_of_its_first_pages_has_no_more(n_bytes):
    page = b"OggS\0\2" + bytes(20) + b"\1\0"  # one of no content
    file = BoundedFile(io.BytesIO(page + page[:n_bytes]))
    info = AudioInfo(format="OGG", codec="VORBIS", sample_rate=RATE, n_channels=2, n_samples=9, decoder="soundfile")
    rest = rest_of(file, info, 9)
    assert rest is None or rest.start == len(page)


def test_a_disk_that_fails_behind_the_stated_end_is_no_end_of_the_sound(tmp_path):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if 600_000 < self.tell() + size < 700_000:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    data = stating(4 * RATE)["WAV"](stored("WAV", samples=np.tile(SECOND, (3, 1))))
    reader = JoinedReader(Failing(data), 65_536)
    with suppress(NotReadableError):
        list(reader.blocks())
    assert reader.trouble == "Reading it failed (Input/output error)"


@pytest.mark.parametrize("chunk", [b"kuki", b"pakt", b"desc"])
def test_a_header_that_points_beyond_all_files_ends_no_reading(chunk, tmp_path, capfd):
    path = tmp_path / "file"
    path.write_bytes(patched(stored("CAF", "ALAC_16"), (chunk, 4, struct.pack(">q", 2**62))))
    with suppress(AudioError):
        decode(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("subtype", "width"), [("PCM_16", 4), ("PCM_24", 6), ("FLOAT", 8)])
@pytest.mark.parametrize("silent", [False, True])
def test_a_wav_of_no_stated_size_goes_on_beyond_four_gigabytes_silent_or_not(subtype, width, silent, tmp_path):
    header = bytearray(stored("WAV", subtype))
    del header[header.index(b"data") + 8 :]
    header[4:8] = header[-4:] = b"\xff" * 4
    path = tmp_path / "file.wav"
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(len(header) + 2**32)  # sparse
        file.seek(0, os.SEEK_END)
        file.write(bytes([0 if silent else 7]) * 60_000)
    n_read = (2**32 - 1) // width  # as libsndfile counts them
    info = AudioInfo(format="WAV", codec=subtype, sample_rate=RATE, n_channels=2, n_samples=n_read, decoder="soundfile")
    with path.open("rb") as opened:
        rest = rest_of(BoundedFile(opened), info, n_read)
    assert rest is not None and rest.kind == "samples" and rest.start == len(header) + n_read * width
