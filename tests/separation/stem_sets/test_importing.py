"""A song with known stems becomes a recording that keeps them, sample by sample."""

from __future__ import annotations

import shutil
import tracemalloc

import numpy as np
import pytest

from separation import decode
from separation.audio.part import Part
from separation.errors import AudioError, SettingsError
from separation.results.kept import recording_of
from separation.results.runs import import_recording
from separation.stem_sets import summing
from separation.stem_sets.finding import find_songs
from separation.stem_sets.importing import import_song
from tests.support.damage import flip
from tests.support.known_songs import (
    MUSDB,
    RATE,
    mixed,
    moises_song,
    plain_song,
    slakh_song,
    sound,
    sounds,
    stem_file,
    write,
)


def only(place):
    (song,) = find_songs(place)
    return song


def samples(track):
    return decode(track.audio).waveform.samples


def true_stems(recording):
    return {stem.name: samples(stem) for stem in recording.known_stems}


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, each in expected.items():
        np.testing.assert_array_equal(found[name], each, err_msg=name)


@pytest.fixture(params=["folder", "file"])
def musdb(request, tmp_path):
    """A song as MUSDB18-HQ and as MUSDB18 have it, and its stems."""
    stems = sounds(*MUSDB)
    if request.param == "folder":
        return only(plain_song(tmp_path / "Artist - Title", stems)), stems
    return only(stem_file(tmp_path / "Artist - Title.stem.mp4", [mixed(stems), *stems.values()])), stems


def test_mixture_and_stems_of_musdb18_are_kept_as_they_are(musdb, store):
    song, stems = musdb
    recording = import_song(song, store)
    assert (recording.name, recording.sample_rate, recording.n_channels) == ("Artist - Title", RATE, 2)
    np.testing.assert_array_equal(samples(recording), mixed(stems))
    assert_same(true_stems(recording), stems)
    assert recording_of(store.get(recording.key)) == recording


def test_sounds_of_one_class_of_slakh2100_are_added_up(tmp_path, store):
    given = slakh_song(tmp_path / "Track00001", ["Drums", "Guitar", "Bass", "Guitar"])
    recording = import_song(only(tmp_path / "Track00001"), store)
    assert recording.n_channels == 1
    expected = {"drums": given["S00"], "guitar": given["S01"] + given["S03"], "bass": given["S02"]}
    assert_same(true_stems(recording), expected)
    np.testing.assert_array_equal(samples(recording), mixed(given))


def test_the_mixture_of_moisesdb_is_the_sum_of_its_stems(tmp_path, store):
    given = moises_song(tmp_path / "0b92", {"vocals": ["a", "b"], "bass": ["c"]})
    recording = import_song(only(tmp_path / "0b92"), store)
    assert (recording.name, recording.origin) == ("Artist - Title", "Artist - Title")
    np.testing.assert_array_equal(samples(recording), mixed(given))
    assert_same(true_stems(recording), {"vocals": given["a"] + given["b"], "bass": given["c"]})


# Importing again


def test_a_second_import_is_a_lookup(musdb, store, monkeypatch):
    first = import_song(musdb[0], store)
    monkeypatch.setattr("separation.stem_sets.importing.with_known_stems", None)
    assert import_song(musdb[0], store) == first
    assert len(store.list("recording")) == 1


def test_the_sum_of_the_same_stems_is_the_same_recording(tmp_path, store):
    moises_song(tmp_path / "0b92", {"vocals": ["a", "b"], "bass": ["c"]})
    assert import_song(only(tmp_path), store) == import_song(only(tmp_path), store)
    assert len(store.list("recording")) == 1


def test_a_recording_that_was_kept_without_stems_gets_them_and_stays_the_same(musdb, store):
    song, stems = musdb
    before = import_recording(song.mixture.path, store, name="as I call it")
    recording = import_song(song, store)
    assert (recording.key, recording.name, recording.audio_tracks) == (before.key, "as I call it", before.audio_tracks)
    assert_same(true_stems(recording), stems)
    assert len(store.list("recording")) == 1


def test_another_file_of_a_stem_takes_the_place_of_the_old_one(tmp_path, store):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass"))
    first = import_song(only(folder), store)
    after = write(folder / "bass.wav", sound(7))
    recording = import_song(only(folder), store)
    assert recording.key == first.key
    np.testing.assert_array_equal(true_stems(recording)["bass"], decode(after).waveform.samples)


def test_a_damaged_stem_is_brought_again(tmp_path, store):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass"))
    recording = import_song(only(folder), store)
    flip(recording.known_stems[0].audio)
    store.check(recording.key)
    assert true_stems(import_song(only(folder), store)).keys() == {"drums", "bass"}


def test_its_command_makes_it_again_and_its_part(tmp_path, store):
    folder = plain_song(tmp_path / "Artist - Title", sounds("drums", "bass"))
    recording = import_song(only(folder), store, Part(start_s=0.1, end_s=0.2))
    command = "audio-playground stems import 'Artist - Title' --start-time 0.1 --end-time 0.2"
    assert store.get(recording.key).manifest.command == command


# Parts


@pytest.mark.parametrize("part", [Part(start_s=0.1, end_s=0.3), Part(start_s=0.25), Part(end_s=0.2)])
def test_a_part_is_that_part_of_the_mixture_and_of_each_stem(musdb, store, part):
    song, stems = musdb
    recording = import_song(song, store, part)
    inside = slice(round(part.start_s * RATE), None if part.end_s is None else round(part.end_s * RATE))
    np.testing.assert_array_equal(samples(recording), mixed(stems)[:, inside])
    assert_same(true_stems(recording), {name: each[:, inside] for name, each in stems.items()})
    assert (recording.part.start_s, recording.part.end_s) == (part.start_s, part.end_s)
    assert recording.key != import_song(song, store).key


def test_a_part_of_a_sum_is_the_sum_of_the_parts(tmp_path, store):
    given = moises_song(tmp_path / "0b92", {"vocals": ["a"], "bass": ["b"]})
    recording = import_song(only(tmp_path), store, Part(start_s=0.1, end_s=0.3))
    np.testing.assert_array_equal(samples(recording), mixed(given)[:, round(0.1 * RATE) : round(0.3 * RATE)])
    assert recording.name == "Artist - Title, 0:00.1 to 0:00.3"
    assert_same(
        true_stems(recording), {"vocals": samples(recording) - given["b"][:, 800:2400], "bass": given["b"][:, 800:2400]}
    )


def test_a_part_behind_the_end_is_refused(musdb, store):
    with pytest.raises(SettingsError, match=r"The recording is 0\.5 s long"):
        import_song(musdb[0], store, Part(start_s=3.0))


# Lengths, rates and channels


@pytest.mark.parametrize(("n_samples", "words"), [(3960, "is 5 ms shorter than the song"), (4040, "5 ms longer")])
def test_a_stem_of_a_slightly_other_length_is_padded_or_cut_and_that_is_said(tmp_path, store, n_samples, words):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass"))
    drums = write(folder / "drums.wav", sound(9, n_samples / RATE))
    recording = import_song(only(folder), store)
    expected = np.zeros((2, 4000), np.float32)
    given = decode(drums).waveform.samples[:, :4000]
    expected[:, : given.shape[1]] = given
    np.testing.assert_array_equal(true_stems(recording)["drums"], expected)
    (said,) = recording.warnings
    assert said.startswith("“drums.wav” is 5 ms") and words in said


@pytest.mark.parametrize(("duration_s", "why"), [(0.39, "It ends at 0:00.390"), (0.61, "more than 0.1 s longer")])
def test_a_stem_of_another_length_is_refused(tmp_path, store, duration_s, why):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass"))
    write(folder / "drums.wav", sound(9, duration_s))
    with pytest.raises(SettingsError, match=r"“drums\.wav” is no stem of “song”") as refused:
        import_song(only(folder), store)
    assert why in refused.value.why


def test_a_sum_is_as_long_as_its_longest_stem(tmp_path, store):
    stems = sounds("drums", "bass")
    stems["drums"] = stems["drums"][:, :1000]
    recording = import_song(only(plain_song(tmp_path / "song", stems, mixture=None)), store)
    padded = np.pad(stems["drums"], ((0, 0), (0, 3000)))
    np.testing.assert_array_equal(samples(recording), padded + stems["bass"])
    np.testing.assert_array_equal(true_stems(recording)["drums"], padded)
    assert recording.warnings == ("“drums.wav” is 375 ms shorter than the song and is silent from its end on.",)


def test_a_part_behind_the_end_of_one_stem_of_a_sum_has_silence_there(tmp_path, store):
    stems = sounds("drums", "bass")
    stems["drums"] = stems["drums"][:, :1000]
    song = only(plain_song(tmp_path / "song", stems, mixture=None))
    recording = import_song(song, store, Part(start_s=0.3))
    assert_same(true_stems(recording), {"bass": stems["bass"][:, 2400:], "drums": np.zeros((2, 1600), np.float32)})
    assert "The stem “drums” is silent from start to end." in recording.warnings


def test_a_stem_of_another_rate_is_resampled_and_that_is_said(tmp_path, store):
    time_s = np.arange(2 * RATE) / (2 * RATE)
    tone = np.tile(0.3 * np.sin(2 * np.pi * 500 * time_s), (2, 1)).astype(np.float32)
    folder = plain_song(tmp_path / "song", {"drums": tone[:, ::2], "bass": tone[:, ::2]})
    write(folder / "drums.wav", tone, 2 * RATE)
    recording = import_song(only(folder), store)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(true_stems(recording)["drums"][:, middle], tone[:, ::2][:, middle], atol=1e-3)
    assert recording.warnings == ("“drums.wav” was brought from 16000 Hz to 8000 Hz.",)


def test_a_sum_has_the_highest_rate_and_as_many_channels_as_any_stem(tmp_path, store):
    folder = tmp_path / "song"
    write(folder / "drums.wav", sound(0, rate=2 * RATE), 2 * RATE)
    write(folder / "bass.wav", sound(1, n_channels=1))
    recording = import_song(only(folder), store)
    assert (recording.sample_rate, recording.n_channels, recording.n_samples) == (2 * RATE, 2, RATE)
    bass = true_stems(recording)["bass"]
    np.testing.assert_array_equal(bass[0], bass[1])


def test_a_mono_stem_is_heard_on_both_sides_and_a_stereo_one_of_a_mono_song_is_mixed_down(tmp_path, store):
    mono, stereo = sound(1, n_channels=1), sound(2)
    folder = plain_song(tmp_path / "song", {"drums": stereo})
    write(folder / "bass.wav", mono)
    assert_same(true_stems(import_song(only(folder), store)), {"bass": np.repeat(mono, 2, axis=0), "drums": stereo})
    write(folder / "mixture.wav", mono)
    recording = import_song(only(folder), store)
    np.testing.assert_allclose(true_stems(recording)["drums"], stereo.mean(axis=0, keepdims=True), atol=1e-7)
    assert recording.warnings == ("“drums.wav” was mixed down from 2 channels to 1.",)


# What is said, and what fails


def test_what_was_found_out_of_the_song_is_said_of_the_recording(tmp_path, store):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass", "other"))
    write(folder / "other.wav", np.zeros((2, 4000), np.float32))
    assert import_song(only(folder), store).warnings == (
        "It has no vocals, which songs of MUSDB18-HQ have.",
        "The stem “other” is silent from start to end.",
    )


def test_what_was_said_of_stems_goes_with_them(tmp_path, store):
    folder = plain_song(tmp_path / "song", sounds("drums", "bass", "other"))
    assert import_song(only(folder), store).warnings
    write(folder / "vocals.wav")
    assert import_song(only(folder), store).warnings == ()


@pytest.mark.parametrize("name", ["drums.wav", "mixture.wav"])
def test_a_broken_file_is_said_by_its_name(tmp_path, store, name):
    folder = plain_song(tmp_path / "song", sounds(*MUSDB))
    (folder / name).write_bytes(b"no sound")
    with pytest.raises(AudioError, match=f"{name}.*text"):
        import_song(only(folder), store)


def test_a_stem_file_with_too_few_tracks_is_refused(tmp_path, store):
    stem_file(tmp_path / "a.stem.mp4", [sound(0), sound(1), sound(2)])
    with pytest.raises(SettingsError, match="There is no audio track 4"):
        import_song(only(tmp_path / "a.stem.mp4"), store)


def test_a_file_that_is_gone_since_it_was_found_is_said(tmp_path, store):
    song = only(plain_song(tmp_path / "song", sounds(*MUSDB)))
    shutil.rmtree(song.place)
    with pytest.raises(AudioError, match=r"“drums.wav” cannot be read"):
        import_song(song, store)


def test_nothing_is_left_of_an_import_that_failed(tmp_path, store):
    folder = plain_song(tmp_path / "song", sounds(*MUSDB))
    write(folder / "vocals.wav", sound(duration_s=2))
    with pytest.raises(SettingsError):
        import_song(only(folder), store)
    assert [recording_of(item).known_stems for item in store.list("recording")] == [()], "the song without its stems"
    with store.scratch() as scratch:
        assert [path for path in scratch.parent.iterdir() if path != scratch] == []


def test_no_stem_is_held_in_memory_as_a_whole(tmp_path, store, monkeypatch):
    monkeypatch.setattr(summing, "BLOCK_SAMPLES", 1 << 12)
    one = sound(duration_s=120)  # 7.7 MB
    folder = plain_song(tmp_path / "song", {"drums": one, "kick": one, "bass": one}, mixture=None)
    song = only(folder)
    import_song(only(plain_song(tmp_path / "first", sounds("drums", "bass"))), store)  # imports what it takes
    tracemalloc.start()
    try:
        import_song(song, store)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < one.nbytes
