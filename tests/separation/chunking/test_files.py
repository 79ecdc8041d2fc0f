from __future__ import annotations

import errno
import hashlib
import json
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile

from separation import decode
from separation.audio.part import Part
from separation.chunking import files as split_module
from separation.chunking.files import CHUNK_FORMATS, concat, merge
from separation.chunking.metadata import read_split
from separation.errors import AudioError, FileError, SettingsError
from separation.request import ChunkSettings
from tests.support import odd_files

RATE = 8_000  # Hz
SETTINGS = ChunkSettings(chunk_s=0.5, overlap_s=0.1)
CHUNK, OVERLAP = 4_000, 800  # samples
HOP = CHUNK - OVERLAP


def split(path, folder, settings, **how):
    with TemporaryDirectory() as scratch:
        return split_module.split(path, folder, settings, scratch=Path(scratch), **how)


def noise(n_samples, n_channels=2, seed=0):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (n_channels, n_samples)).astype(np.float32)


def write(path, samples, rate=RATE, subtype="FLOAT"):
    soundfile.write(path, samples.T, rate, subtype)
    return path


def samples(path):
    return decode(path).waveform.samples


@pytest.fixture
def chunks(tmp_path):
    """Three chunks of a stereo recording."""
    folder = tmp_path / "chunks"
    folder.mkdir()
    return split(write(tmp_path / "song.wav", noise(10_000)), folder, SETTINGS).metadata


# There and back


@pytest.mark.parametrize("fade", ["cosine", "linear"])
@pytest.mark.parametrize(
    "n_samples", [1, OVERLAP, CHUNK - 1, CHUNK, CHUNK + 1, HOP + CHUNK, HOP + CHUNK + 1, 2 * HOP + OVERLAP + 1, 17_389]
)
def test_what_was_split_and_merged_is_the_recording(tmp_path, n_samples, fade):
    heard = noise(n_samples)
    metadata = split(write(tmp_path / "song.wav", heard), tmp_path, SETTINGS).metadata
    merge(metadata, tmp_path / "merged.wav", fade=fade)
    merged = samples(tmp_path / "merged.wav")
    assert merged.shape == heard.shape
    assert np.abs(merged - heard).max() < 1e-6


def test_forty_seconds_become_five_files_of_ten_that_share_two(tmp_path):
    heard = noise(40 * RATE, 1)
    written = split(write(tmp_path / "song.wav", heard), tmp_path, ChunkSettings(chunk_s=10, overlap_s=2))
    assert written.split.files == tuple(f"song.{index:03d}.wav" for index in range(5))
    for index, file in enumerate(written.split.files):
        start = 8 * RATE * index
        assert np.array_equal(samples(tmp_path / file), heard[:, start : start + 10 * RATE])
    merge(written.metadata, tmp_path / "merged.wav")
    assert np.abs(samples(tmp_path / "merged.wav") - heard).max() < 1e-6


def test_halved_chunks_merge_to_the_halved_recording(tmp_path, chunks):
    for file in read_split(chunks).files:
        write(chunks.parent / file, samples(chunks.parent / file) / 2)
    merge(chunks, tmp_path / "merged.wav")
    assert np.abs(samples(tmp_path / "merged.wav") - noise(10_000) / 2).max() < 1e-6


@pytest.mark.parametrize(
    ("fade", "falling"),
    [
        ("cosine", np.cos(0.5 * np.pi * (np.arange(OVERLAP) + 0.5) / OVERLAP) ** 2),
        ("linear", 1 - np.arange(1, OVERLAP + 1) / (OVERLAP + 1)),
    ],
)
def test_neighbours_are_blended_by_the_fade_that_was_asked_for(tmp_path, chunks, fade, falling):
    levels = (1, 0, 0)
    for file, level in zip(read_split(chunks).files, levels, strict=True):
        write(chunks.parent / file, np.full_like(samples(chunks.parent / file), level))
    merge(chunks, tmp_path / "merged.wav", fade=fade)
    merged = samples(tmp_path / "merged.wav")
    assert np.all(merged[:, :HOP] == 1)
    assert np.abs(merged[:, HOP:CHUNK] - falling).max() < 1e-6
    assert np.all(merged[:, CHUNK:] == 0)


@pytest.mark.parametrize("fade", ["cosine", "linear"])
def test_without_a_fade_the_one_of_the_cut_is_taken(tmp_path, fade):
    song = write(tmp_path / "song.wav", noise(10_000))
    metadata = split(song, tmp_path, ChunkSettings(chunk_s=0.5, overlap_s=0.1, fade=fade)).metadata
    write(tmp_path / "song.001.wav", noise(CHUNK, seed=1))
    merge(metadata, tmp_path / "own.wav")
    merge(metadata, tmp_path / "asked.wav", fade=fade)
    assert (tmp_path / "own.wav").read_bytes() == (tmp_path / "asked.wav").read_bytes()


@pytest.mark.parametrize("format_", CHUNK_FORMATS)
def test_every_format_of_chunks_keeps_the_length_and_its_own_precision(tmp_path, format_):
    heard = noise(10_000)
    metadata = split(write(tmp_path / "song.wav", heard), tmp_path, SETTINGS, format=format_).metadata
    merge(metadata, tmp_path / "merged.wav")
    merged = samples(tmp_path / "merged.wav")
    assert merged.shape == heard.shape
    assert np.abs(merged - heard).max() < (2**-14 if format_ == "wav16" else 1e-6)


def test_without_an_overlap_chunks_lie_end_to_end(tmp_path):
    heard = noise(10_000)
    written = split(write(tmp_path / "song.wav", heard), tmp_path, ChunkSettings(chunk_s=0.5, overlap_s=0))
    concat([tmp_path / file for file in written.split.files], tmp_path / "joined.wav")
    merge(written.metadata, tmp_path / "merged.wav")
    assert np.array_equal(samples(tmp_path / "joined.wav"), heard)
    assert np.array_equal(samples(tmp_path / "merged.wav"), heard)


def test_a_recording_that_is_not_cut_becomes_one_file(tmp_path):
    written = split(write(tmp_path / "song.wav", noise(10_000)), tmp_path, ChunkSettings(chunk_s=None))
    assert written.split.files == ("song.000.wav",)
    assert merge(written.metadata, tmp_path / "merged.wav").n_samples == 10_000


def test_the_names_of_a_thousand_chunks_sort_in_their_order(tmp_path):
    song = write(tmp_path / "song.wav", noise(500_500, 1), rate=1_000)
    files = split(song, tmp_path, ChunkSettings(chunk_s=0.5, overlap_s=0)).split.files
    assert len(files) == 1_001
    assert sorted(files) == list(files)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    def peaks_bytes(seconds):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        song = write(folder / "song.wav", np.zeros((2, 48_000 * seconds), np.float32) + 0.1, rate=48_000)
        peaks = []
        for work in (
            lambda: split(song, folder, ChunkSettings(chunk_s=2, overlap_s=0.5)),
            lambda: merge(folder / "song.chunks.json", folder / "merged.wav"),
            lambda: concat([song, song], folder / "joined.wav"),
        ):
            tracemalloc.start()
            try:
                work()
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
        return peaks

    peaks_bytes(1)  # imports
    # 50 s more are 19 MB of samples; a table of the interpreter may grow by 2 MB at any time
    for short, long in zip(peaks_bytes(10), peaks_bytes(60), strict=True):
        assert long < short + 4_000_000


# A part of the recording


@pytest.mark.parametrize(("start_s", "end_s"), [(0.25, None), (0, 1.0), (0.1, 0.100125), (0.7, 1.25), (0.7, 9)])
def test_a_part_is_cut_as_if_it_were_the_recording(tmp_path, start_s, end_s):
    heard = noise(10_000)  # 1.25 s
    written = split(write(tmp_path / "song.wav", heard), tmp_path, SETTINGS, part=Part(start_s=start_s, end_s=end_s))
    merge(written.metadata, tmp_path / "merged.wav")
    first, stop = round(start_s * RATE), round(min(end_s or 1.25, 1.25) * RATE)
    assert written.split.first_sample == first
    part = heard[:, first:stop]
    assert samples(tmp_path / "merged.wav").shape == part.shape
    assert np.abs(samples(tmp_path / "merged.wav") - part).max() < 1e-6


@pytest.mark.parametrize(("start_s", "end_s"), [(1.25, None), (7, 9), (0.5, 0.50001)])
def test_a_part_outside_the_recording_is_refused_with_its_length(tmp_path, start_s, end_s):
    song = write(tmp_path / "song.wav", noise(10_000))
    with pytest.raises(SettingsError, match=r"1\.25 s long"):
        split(song, tmp_path, SETTINGS, part=Part(start_s=start_s, end_s=end_s))
    assert list(tmp_path.iterdir()) == [song]


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(-1, None), (1, 1), (1, 0.5), (0, float("inf")), (float("nan"), None), (0, float("nan"))]
)
def test_what_is_no_part_of_any_recording_is_refused(tmp_path, start_s, end_s):
    song = write(tmp_path / "song.wav", noise(10_000))
    with pytest.raises(SettingsError, match="There is no part from"):
        split(song, tmp_path, SETTINGS, part=Part(start_s=start_s, end_s=end_s))
    assert list(tmp_path.iterdir()) == [song]


def test_formats_that_change_lengths_and_settings_without_meaning_are_refused(tmp_path):
    song = write(tmp_path / "song.wav", noise(10_000))
    with pytest.raises(SettingsError, match="exact length"):
        split(song, tmp_path, SETTINGS, format="mp3")
    for settings in (ChunkSettings(max_chunks=3), ChunkSettings(stitch="multidiffusion")):
        with pytest.raises(SettingsError, match="max_chunks"):
            split(song, tmp_path, settings)


# Files


def test_the_metadata_says_where_the_chunks_come_from_and_lie(tmp_path, chunks):
    song = tmp_path / "song.wav"
    assert json.loads(chunks.read_text()) == {
        "version": 1,
        "source": "song.wav",
        "source_sha256": hashlib.sha256(song.read_bytes()).hexdigest(),
        "sample_rate": RATE,
        "n_channels": 2,
        "first_sample": 0,
        "n_samples": 10_000,
        "chunk_samples": CHUNK,
        "overlap_samples": OVERLAP,
        "fade": "cosine",
        "chunks": [
            {"file": "song.000.wav", "start": 0, "stop": 4_000},
            {"file": "song.001.wav", "start": 3_200, "stop": 7_200},
            {"file": "song.002.wav", "start": 6_400, "stop": 10_000},
        ],
    }


def test_what_is_read_is_what_was_written(tmp_path):
    written = split(write(tmp_path / "Ærlig? (1).wav", noise(10_000)), tmp_path, SETTINGS, part=Part(start_s=0.1))
    assert read_split(written.metadata) == written.split


def test_any_recording_can_be_split(tmp_path):
    path = tmp_path / "song.m4a"
    path.write_bytes(odd_files.muxed("mp4", "aac"))
    metadata = split(path, tmp_path, SETTINGS).metadata
    merge(metadata, tmp_path / "merged.wav")
    assert samples(tmp_path / "merged.wav").shape == samples(path).shape
    assert np.abs(samples(tmp_path / "merged.wav") - samples(path)).max() < 1e-6


def test_what_happened_to_the_recording_is_said(tmp_path):
    written = split(write(tmp_path / "song.wav", noise(10_000, 6)), tmp_path, SETTINGS)
    assert written.split.n_channels == 2
    (note,) = written.notes
    assert "mixed down" in note


def test_notes_name_the_chunk_they_are_about(tmp_path):
    heard = noise(10_000)
    heard[:, 9_000:] *= 2
    written = split(write(tmp_path / "song.wav", heard), tmp_path, SETTINGS, format="wav16", peak_rule="clip")
    (note,) = written.notes
    assert note.startswith("song.002.wav: ")
    assert "clipped" in note
    write(tmp_path / "song.001.wav", np.zeros((2, CHUNK), np.float32))
    (note,) = merge(written.metadata, tmp_path / "merged.wav").notes
    assert note.startswith("song.001.wav: ")
    assert "silent" in note


def test_a_split_that_is_interrupted_leaves_the_folder_as_it_was(tmp_path, chunks, monkeypatch):
    before = {path: path.read_bytes() for path in chunks.parent.iterdir()}
    encode, n_written = split_module.encode, 0

    def interrupted(*arguments, **options):
        nonlocal n_written
        n_written += 1
        if n_written == 3:
            raise KeyboardInterrupt
        return encode(*arguments, **options)

    monkeypatch.setattr(split_module, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        split(write(tmp_path / "song.wav", noise(10_000, seed=1)), chunks.parent, SETTINGS)
    assert n_written == 3
    assert {path: path.read_bytes() for path in chunks.parent.iterdir()} == before


def test_a_chunk_without_a_place_changes_nothing(tmp_path, chunks):
    (chunks.parent / "song.001.wav").unlink()
    (chunks.parent / "song.001.wav").mkdir()
    before = {path: path.stat() for path in chunks.parent.iterdir()}
    with pytest.raises(FileError, match="cannot be written"):
        split(write(tmp_path / "song.wav", noise(10_000, seed=1)), chunks.parent, SETTINGS)
    assert {path: path.stat() for path in chunks.parent.iterdir()} == before


def test_metadata_of_an_older_cut_never_describes_newer_chunks(tmp_path, chunks, monkeypatch):
    song, usual = write(tmp_path / "song.wav", noise(10_000, seed=1)), Path.replace

    def replace(self, target):  # the second chunk cannot move in
        if self.name == "song.001.wav":
            raise OSError(errno.EIO, "Input/output error")
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(FileError, match="cannot be written"):
        split(song, chunks.parent, SETTINGS)
    assert not chunks.exists()
    assert not [path for path in chunks.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        split(write(tmp_path / "song.wav", noise(10_000)), tmp_path / "missing", SETTINGS)


# Chunks that do not fit


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: write(path, noise(CHUNK - 1)), "3999 of the 4000 samples"),
        (lambda path: write(path, noise(CHUNK + 1)), "more than the 4000 samples"),
        (lambda path: write(path, noise(CHUNK, 1)), "8000 Hz and 1 channel, and had 8000 Hz and 2 channels"),
        (lambda path: write(path, noise(CHUNK), rate=16_000), "16000 Hz and 2 channels"),
        (lambda path: path.write_text("no sound"), "text"),
    ],
)
def test_a_chunk_that_is_gone_or_changed_is_named(tmp_path, chunks, changed, words):
    changed(chunks.parent / "song.001.wav")
    with pytest.raises(AudioError, match=r"song\.001\.wav") as caught:
        merge(chunks, tmp_path / "merged.wav")
    assert words in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name not in ("song.wav", "chunks")]


def test_an_unknown_fade_is_refused(tmp_path, chunks):
    with pytest.raises(SettingsError, match="cosine, linear"):
        merge(chunks, tmp_path / "merged.wav", fade="steep")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "version 1"),
        ({"source": 3}, "source is missing"),
        ({"n_samples": 10_000.0}, "n_samples"),
        ({"n_samples": 2**52}, "do not lie"),
        ({"n_samples": True}, "n_samples"),
        ({"n_channels": 9}, "between 1 and 8"),
        ({"fade": ["cosine"]}, "fade is none of"),
        ({"fade": "steep"}, "fade is none of"),
        ({"overlap_samples": CHUNK // 2 + 1}, "more than half"),
        ({"overlap_samples": OVERLAP + 1}, "do not lie"),
        ({"chunks": []}, "do not lie"),
        ({"chunks": None}, "not a list"),
        ({"chunks": ["song.000.wav"]}, "not a list"),
        ({"chunks": [{"file": "../song.wav", "start": 0, "stop": 10_000}]}, "plain file name"),
        ({"chunks": [{"file": None, "start": 0, "stop": 10_000}]}, "plain file name"),
        ({"chunks": [{"file": "", "start": 0, "stop": 10_000}]}, "plain file name"),
    ],
)
def test_metadata_that_contradicts_itself_is_refused(chunks, change, words):
    chunks.write_text(json.dumps(json.loads(chunks.read_text()) | change))
    with pytest.raises(AudioError, match=r"song.chunks.json.* does not describe chunks") as caught:
        read_split(chunks)
    assert words in caught.value.why.lower() or words in caught.value.why


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1, 2]", b"{", b"[" * 200_000])
def test_a_file_that_is_no_metadata_is_refused(chunks, content):
    chunks.write_bytes(content)
    with pytest.raises(AudioError, match="does not describe chunks"):
        read_split(chunks)


def test_metadata_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(AudioError, match="No such file"):
        read_split(tmp_path / "missing.chunks.json")


# Files end to end


def test_files_of_several_kinds_are_joined_end_to_end(tmp_path):
    first, second, third = noise(1, seed=1), noise(7_919, seed=2), noise(4_096, seed=3)
    paths = [
        write(tmp_path / "a.wav", first),
        write(tmp_path / "b.flac", second, subtype="PCM_24"),
        write(tmp_path / "c.aiff", third),
    ]
    written = concat(paths, tmp_path / "joined.wav")
    assert written.notes == ()
    joined = np.concatenate([first, second, third], axis=1)
    assert samples(tmp_path / "joined.wav").shape == joined.shape
    assert np.abs(samples(tmp_path / "joined.wav") - joined).max() < 1e-6


def test_one_file_may_be_joined_and_all_of_its_channels_stay(tmp_path):
    heard = noise(5_000, 6)
    concat([write(tmp_path / "a.wav", heard)], tmp_path / "joined.wav")
    assert np.array_equal(samples(tmp_path / "joined.wav"), heard)


@pytest.mark.parametrize(("rate", "n_channels"), [(16_000, 2), (RATE, 1)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_file_that_does_not_fit_the_others_is_named(tmp_path, place, rate, n_channels):
    paths = [write(tmp_path / f"{index}.wav", noise(100)) for index in range(3)]
    write(paths[place], noise(100, n_channels), rate=rate)
    with pytest.raises(SettingsError, match=rf"'{place}\.wav' does not fit"):
        concat(paths, tmp_path / "joined.wav")
    assert not (tmp_path / "joined.wav").exists()


def test_notes_of_joining_name_their_file(tmp_path):
    paths = [write(tmp_path / "a.wav", noise(100)), write(tmp_path / "b.wav", np.zeros((2, 100), np.float32))]
    (note,) = concat(paths, tmp_path / "joined.wav").notes
    assert note.startswith("b.wav: ")


def test_no_file_is_overwritten_by_what_is_made_of_it(tmp_path, chunks):
    song = write(tmp_path / "song.wav", noise(100))
    for work in (
        lambda: concat([song], tmp_path / "chunks" / ".." / "song.wav"),
        lambda: merge(chunks, chunks.parent / "song.001.wav"),
    ):
        with pytest.raises(SettingsError, match="one of the files that are read"):
            work()


@pytest.mark.parametrize("n_samples", [0.5, 1.5, 2.5])
def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path, monkeypatch, n_samples):
    paths = [write(tmp_path / "a.wav", noise(100_000, 1)), write(tmp_path / "b.wav", noise(100_000, 1))]
    usual, read = split_module.decode_blocks, []

    @contextmanager
    def then_changed(path):
        with usual(path) as blocks:
            yield blocks
        read.append(path)
        if read == paths[:1]:
            write(path, noise(round(n_samples * 100_000), 1))

    monkeypatch.setattr(split_module, "decode_blocks", then_changed)
    with pytest.raises(AudioError, match=r"'a\.wav' changed while it was read"):
        concat(paths, tmp_path / "joined.wav")
    assert not (tmp_path / "joined.wav").exists()
