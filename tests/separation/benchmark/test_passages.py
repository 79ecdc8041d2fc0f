"""What a benchmark separates: a piece of each recording, sample for sample, with the same piece of its true stems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from separation import decode
from separation.benchmark import passages
from separation.benchmark.grid import Passage
from separation.benchmark.passages import passage_of
from separation.errors import AudioError, SettingsError
from separation.results.known_stems import with_known_stems
from separation.results.runs import import_recording
from tests.support import run_fakes
from tests.support.run_fakes import RATE


def samples(path):
    return decode(path).waveform.samples


@pytest.fixture
def long(store, tmp_path):
    """Five seconds with two true stems."""
    recording = import_recording(run_fakes.song(tmp_path / "long.wav", 5.0, seed=3), store)
    return known(recording, store, "drums", "voice")


def known(recording, store, *names, gain=1.0, made_from=""):
    whole = samples(recording.audio)
    stems = {name: np.float32(gain * (index + 1) / 10) * whole for index, name in enumerate(names)}
    return with_known_stems(store.get(recording.key), stems, store, sample_rate=RATE, made_from=made_from)


@pytest.mark.parametrize(
    "start_s, length_s", [(0.0, 2.0), (1.25, 2.0), (0.33337, 1.00003), (3.9, 10.0), (4.0, 1.0), (2.0, None)]
)
def test_it_is_the_piece_sample_for_sample_and_so_are_its_stems(long, store, start_s, length_s):
    cut = passage_of(long, Passage(start_s=start_s, length_s=length_s), store)
    first = round(start_s * RATE)
    stop = long.n_samples if length_s is None else min(long.n_samples, round((start_s + length_s) * RATE))
    np.testing.assert_array_equal(samples(cut.audio), samples(long.audio)[:, first:stop])
    assert [stem.name for stem in cut.known_stems] == ["drums", "voice"]
    for stem, whole in zip(cut.known_stems, long.known_stems, strict=True):
        np.testing.assert_array_equal(samples(stem.audio), samples(whole.audio)[:, first:stop])
    assert cut.key != long.key and cut.name.startswith("long.wav")


@pytest.mark.parametrize("length_s", [None, 5.0, 5.001, 600.0])
def test_a_recording_that_ends_before_the_passage_is_taken_itself(long, store, length_s):
    assert passage_of(long, Passage(length_s=length_s), store) == long
    assert len(list(store.list("recording"))) == 1


def test_a_passage_a_little_shorter_than_the_recording_is_a_piece(long, store):
    assert passage_of(long, Passage(length_s=4.99), store).n_samples == round(4.99 * RATE)


def test_the_same_passage_has_the_same_key_and_is_kept_once(long, store):
    one, other = (passage_of(long, Passage(start_s=1, length_s=2), store) for _ in range(2))
    assert one == other
    to_the_end = [passage_of(long, Passage(start_s=3, length_s=length_s), store).key for length_s in (2, 10, None)]
    assert len(set(to_the_end)) == 1
    elsewhere = passage_of(long, Passage(start_s=1.5, length_s=2), store)
    assert elsewhere.key != one.key
    assert len(list(store.list("recording"))) == 4


def test_a_recording_without_true_stems_has_a_passage_without(recording, store):
    assert passage_of(recording, Passage(length_s=1), store).known_stems == ()


def test_stems_that_became_known_later_come_to_the_passage(recording, store):
    before = passage_of(recording, Passage(length_s=1), store)
    after = passage_of(known(recording, store, "bass"), Passage(length_s=1), store)
    assert after.key == before.key
    assert [stem.name for stem in after.known_stems] == ["bass"]


def test_stems_that_were_named_anew_are_named_anew_in_the_passage(long, store):
    passage_of(long, Passage(length_s=1), store)
    cut = passage_of(known(long, store, "drums", "singer", "bass"), Passage(length_s=1), store)
    assert [stem.name for stem in cut.known_stems] == ["drums", "singer", "bass"]
    np.testing.assert_array_equal(samples(cut.known_stems[2].audio), np.float32(0.3) * samples(cut.audio))


def test_stems_that_were_replaced_are_replaced_in_the_passage_and_others_written_once(long, store, monkeypatch):
    n_written = []

    def written(*known, **more):
        n_written.append(1)
        return with_known_stems(*known, **more)

    monkeypatch.setattr(passages, "with_known_stems", written)
    first = known(long, store, "drums", made_from="1" * 64)
    for _ in range(3):
        passage_of(first, Passage(length_s=1), store)
    assert len(n_written) == 1
    after = passage_of(known(long, store, "drums", gain=2.0, made_from="2" * 64), Passage(length_s=1), store)
    np.testing.assert_array_equal(samples(after.known_stems[0].audio), np.float32(0.2) * samples(after.audio))
    assert len(n_written) == 2


def test_long_stems_are_read_block_by_block(long, store, monkeypatch):
    monkeypatch.setattr(passages, "BLOCK", 997)
    cut = passage_of(long, Passage(start_s=0.5, length_s=2), store)
    for stem, whole in zip(cut.known_stems, long.known_stems, strict=True):
        np.testing.assert_array_equal(samples(stem.audio), samples(whole.audio)[:, RATE // 2 : RATE * 5 // 2])


def test_a_recording_that_was_removed_meanwhile_is_a_sentence(long, store, monkeypatch):
    gone = import_recording

    def imported(*known, **more):
        cut = gone(*known, **more)
        store.remove(long.key)
        return cut

    monkeypatch.setattr(passages, "import_recording", imported)
    with pytest.raises(AudioError, match="not in the library any more"):
        passage_of(long, Passage(length_s=1), store)


@pytest.mark.parametrize("start_s", [5.0, 5.5, 1e6])
def test_a_passage_that_begins_after_the_end_is_a_sentence(long, store, start_s):
    with pytest.raises(SettingsError, match=r"“long.wav” has no passage at .*It is 0:05 long.*earlier"):
        passage_of(long, Passage(start_s=start_s), store)


def test_a_passage_in_which_no_sample_lies_is_a_sentence(long, store):
    with pytest.raises(SettingsError):
        passage_of(long, Passage(start_s=4.99999), store)
    with pytest.raises(SettingsError):
        passage_of(replace(long, tracks=long.tracks), Passage(start_s=np.nextafter(5.0, 0)), store)


def test_a_passage_of_a_passage_is_a_piece_of_it(long, store):
    once = passage_of(long, Passage(start_s=1, length_s=3), store)
    twice = passage_of(once, Passage(start_s=1, length_s=1), store)
    np.testing.assert_array_equal(samples(twice.audio), samples(long.audio)[:, 2 * RATE : 3 * RATE])
    assert [stem.name for stem in twice.known_stems] == ["drums", "voice"]
