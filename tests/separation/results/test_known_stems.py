"""True stems are kept with the recording that was mixed from them, and go when it goes."""

from __future__ import annotations

import numpy as np
import pytest

from separation import decode
from separation.errors import SettingsError
from separation.results.kept import recording_of
from separation.results.known_stems import has_known_stems, with_known_stems
from separation.results.remade import remade
from separation.results.runs import import_recording
from storage import ArtifactStore
from tests.support import run_fakes
from tests.support.damage import flip
from tests.support.run_fakes import RATE


def stems(recording, *names, n_channels=2, n_samples=None):
    shape = (n_channels, n_samples or recording.n_samples)
    return {
        name: np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)
        for seed, name in enumerate(names)
    }


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "home", remake=remade)


@pytest.fixture
def keep(recording, store):
    def kept(true, sample_rate=RATE):
        item = store.get(recording.key)
        assert item is not None
        return with_known_stems(item, true, store, sample_rate=sample_rate)

    return kept


def test_they_are_the_samples_that_were_given(recording, store, keep):
    true = stems(recording, "drums", "lead voice")
    kept = keep(true)
    assert [track.name for track in kept.known_stems] == ["drums", "lead voice"]
    for track in kept.known_stems:
        np.testing.assert_array_equal(decode(track.audio).waveform.samples, true[track.name][: kept.n_channels])
        assert kept.track(track.id) == track
        assert track.peaks.stat().st_size == 2 * -(-kept.n_samples // 256)
    assert recording_of(store.get(recording.key)) == kept


def test_the_recording_stays_what_it_was(recording, store, keep, tmp_path):
    before = decode(recording.audio).waveform.samples
    kept = keep(stems(recording, "drums"))
    assert (kept.key, kept.name, kept.track_names, kept.tags) == (
        recording.key,
        recording.name,
        recording.track_names,
        recording.tags,
    )
    np.testing.assert_array_equal(decode(kept.audio).waveform.samples, before)
    assert import_recording(tmp_path / "song.wav", store).known_stems == kept.known_stems
    assert len(store.list("recording")) == 1


def test_others_take_their_place(recording, store, keep):
    keep(stems(recording, "drums", "bass", "voice"))
    assert [track.name for track in keep(stems(recording, "rest")).known_stems] == ["rest"]
    assert len([name for name in store.get(recording.key).files if name.startswith("stem-")]) == 2, "samples and peaks"


def test_one_channel_is_heard_on_all(recording, keep):
    (track,) = keep(stems(recording, "drums", n_channels=1)).known_stems
    samples = decode(track.audio).waveform.samples
    assert samples.shape == (recording.n_channels, recording.n_samples)
    assert (samples == samples[:1]).all()


@pytest.mark.parametrize("size", [1, 4096, 5000, 1 << 20])
def test_blocks_of_any_size_give_the_same_stem(recording, keep, size):
    (samples,) = stems(recording, "drums").values()
    whole = keep({"drums": samples}).known_stems[0]
    before = [path.read_bytes() for path in (whole.audio, whole.peaks)]
    starts = range(0, recording.n_samples, size) if size > 1 else range(3)
    blocks = [samples[:, at : at + size] for at in starts] + ([samples[:, 3:]] if size == 1 else [])
    (track,) = keep({"drums": iter(blocks)}).known_stems
    assert [path.read_bytes() for path in (track.audio, track.peaks)] == before


def test_what_is_said_of_them_is_said_until_others_take_their_place(recording, store, keep):
    said = []

    def blocks():
        yield np.zeros((2, recording.n_samples), np.float32)
        said.append("The stem is silent.")

    kept = with_known_stems(
        store.get(recording.key), {"drums": blocks()}, store, sample_rate=RATE, warnings=said, made_from="a" * 64
    )
    assert kept.warnings == (*recording.warnings, "The stem is silent.")
    item = store.get(recording.key)
    assert has_known_stems(item, ["drums"], "a" * 64)
    assert not has_known_stems(item, ["bass"], "a" * 64)
    assert not has_known_stems(item, ["drums"], "b" * 64)
    assert keep(stems(recording, "drums")).warnings == recording.warnings
    assert not has_known_stems(store.get(recording.key), ["drums"], "a" * 64)


@pytest.mark.parametrize(("n_samples", "sample_rate"), [(RATE, RATE), (None, 2 * RATE)])
def test_stems_of_something_else_are_refused(recording, store, keep, n_samples, sample_rate):
    with pytest.raises(SettingsError, match=r"not the stems of “song\.wav”"):
        keep(stems(recording, "drums", n_samples=n_samples), sample_rate)
    assert recording_of(store.get(recording.key)).known_stems == ()


def test_they_are_removed_with_the_recording(recording, store, keep):
    paths = [path for track in keep(stems(recording, "drums")).known_stems for path in (track.audio, track.peaks)]
    store.remove(recording.key)
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("peaks_too", [False, True])
def test_the_recording_goes_on_without_a_damaged_stem(recording, store, keep, peaks_too):
    kept = keep(stems(recording, "drums", "bass"))
    flip(kept.known_stems[0].audio)
    if peaks_too:
        flip(kept.known_stems[0].peaks)
    after = recording_of(store.check(recording.key))
    assert [track.name for track in after.known_stems] == ["bass"]
    np.testing.assert_array_equal(decode(after.audio).waveform.samples, decode(recording.audio).waveform.samples)


def test_the_picture_of_a_stem_is_made_again(recording, store, keep):
    (track,) = keep(stems(recording, "drums")).known_stems
    before = track.peaks.read_bytes()
    flip(track.peaks)
    (after,) = recording_of(store.check(recording.key)).known_stems
    assert after.peaks.read_bytes() == before


def test_a_song_without_stems_has_none(tmp_path, store):
    assert import_recording(run_fakes.song(tmp_path / "other.wav"), store).known_stems == ()
