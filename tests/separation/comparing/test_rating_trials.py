"""Ratings beside a hidden reference: what is drawn, which answers are taken, what is kept, and what they say."""

from __future__ import annotations

import io
import json
import random
from collections import Counter

import numpy as np
import pyloudnorm
import pytest
import soundfile

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.comparing.blind_test import BlindSide, BlindTest, Kind, Listener
from separation.comparing.finding import best_first, finding_of, own_finding
from separation.comparing.heard import HeardTrack
from separation.comparing.kept_sides import keep_sides, trial_wavs
from separation.comparing.passages import loudest_passages
from separation.comparing.plans import draw_plan
from separation.comparing.trials import LOW_ANCHOR, MID_ANCHOR, RatingTrial, Said, is_right
from separation.errors import SettingsError

RATE = 44_100
EIGHT = tuple((10.0 * n, 10.0 * n + 8) for n in range(8))


def a_test(n_sides=3, passages_s=EIGHT, **about):
    values = {
        "id": "0f",
        "key": "secret",
        "kind": Kind.RATING,
        "recording": "r",
        "recording_name": "song.wav",
        "stem": "drums",
        "sides": tuple(BlindSide(name=f"separator {n}") for n in range(n_sides)),
        "start_s": 0.0,
        "end_s": 90.0,
        "n_trials": len(passages_s),
        "sounds": "s",
        "passages_s": passages_s,
        "reference": 1,
    }
    return BlindTest(**{**values, **about})


def scored(test, name, scores, *, n=None):
    """A complete set in which each side or anchor gets the score of it, whatever letter it had."""
    plan = draw_plan(test, random.Random(name).randrange)[:n]
    answers = tuple(tuple(scores[side] for side in trial.rated) for trial in plan)
    return Listener(id=name, name=name, plan=plan, answers=answers)


GOOD_EARS = {0: 80, 1: 100, 2: 60, MID_ANCHOR: 40, LOW_ANCHOR: 20}
NO_EARS = {0: 50, 1: 50, 2: 50, MID_ANCHOR: 50, LOW_ANCHOR: 50}


# what is heard


def test_each_passage_comes_once_with_all_sides_and_both_anchors_in_an_order_of_its_own():
    test = a_test(guided=False)
    plans = [draw_plan(test, random.Random(seed).randrange) for seed in range(200)]
    for plan in plans:
        assert sorted(trial.passage for trial in plan) == list(range(8))
        assert all(sorted(trial.rated) == [LOW_ANCHOR, MID_ANCHOR, 0, 1, 2] for trial in plan)
        assert {trial.reference for trial in plan} == {1}
    firsts = Counter(trial.rated[0] for plan in plans for trial in plan)
    assert all(250 < n < 390 for n in firsts.values()), firsts
    assert len({tuple(trial.passage for trial in plan) for plan in plans}) > 190


def test_a_guided_set_begins_with_one_that_does_not_count():
    training, *trials = draw_plan(a_test(), random.Random(1).randrange)
    assert training.is_training and not any(trial.is_training for trial in trials)
    listener = scored(a_test(), "Ana", GOOD_EARS)
    assert (listener.n_answered, len(listener.plan)) == (8, 9)
    assert not listener.failed_training


def test_the_reference_is_heard_openly_and_under_a_letter():
    trial = RatingTrial(rated=(2, LOW_ANCHOR, 1), reference=1)
    assert trial.sounds == "RABC"
    assert [trial.side_of(letter) for letter in "RABCD"] == [1, 2, LOW_ANCHOR, 1, None]


# answers


@pytest.mark.parametrize("said", [(), (1, 2), (1, 2, 3, 4), (0, 50, 101), (-1, 0, 0), Said.A])
def test_what_is_no_rating_is_refused(said):
    trial = RatingTrial(rated=(0, 1, 2), reference=0)
    with pytest.raises(SettingsError):
        Listener(id="l", name="Ana", plan=(trial,)).answering(0, said, "now")


def test_a_rating_is_taken_once_and_survives_being_written_down():
    trial = RatingTrial(rated=(0, 1, 2), reference=0, passage=3)
    listener = Listener(id="l", name="Ana", plan=(trial, trial)).answering(0, (0, 50, 100), "now")
    assert listener.answers == ((0, 50, 100),)
    assert listener.answering(0, (0, 50, 100), "later") == listener
    with pytest.raises(SettingsError):
        listener.answering(0, (1, 50, 100), "later")
    assert Listener.from_dict(json.loads(json.dumps(listener.to_dict()))) == listener
    assert is_right(trial, (0, 50, 100)) is None
    test = a_test()
    assert BlindTest.from_dict(json.loads(json.dumps(test.to_dict()))) == test


@pytest.mark.parametrize(
    ("about", "place"),
    [
        ({"reference": 3}, "reference"),
        ({"passages_s": ((0.0, 31.0),)}, "end_s"),
        ({"passages_s": ((0.0, 8.0), (10.0, 10.2))}, "end_s"),
        ({"n_sides": 1, "reference": 0}, "sides"),
    ],
)
def test_what_cannot_be_rated_is_refused_at_the_value_that_is_wrong(about, place):
    with pytest.raises(SettingsError) as refusal:
        a_test(**about)
    assert refusal.value.place == (place,)


def test_a_test_that_an_earlier_version_wrote_down_is_read():
    values = a_test(2, passages_s=(), kind=Kind.ABX, start_s=1.0, end_s=2.0, n_trials=4, reference=0).to_dict()
    del values["reference"], values["passages_s"]
    assert BlindTest.from_dict(values).passages == ((1.0, 2.0),)


# sounds


def noise(seed, level=0.1, duration_s=6.0):
    samples = np.random.default_rng(seed).standard_normal((2, round(duration_s * RATE)))
    return (level * samples).astype(np.float32)


@pytest.fixture
def keep(tmp_path):
    def kept(samples):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        encode(Waveform(samples, RATE), path, "wav32f")
        return [HeardTrack(audio=path)]

    return kept


def played(item, trial):
    return {letter: soundfile.read(io.BytesIO(wav))[0].T for letter, wav in trial_wavs(item, trial).items()}


def test_sides_are_matched_by_one_gain_for_all_passages_and_the_anchors_come_from_the_reference(keep, store):
    loud = noise(2, 0.3)
    loud[:, : 2 * RATE] *= 0.5  # its first passage is quieter, and stays so
    passages_s = [(0.0, 2.0), (3.0, 5.0)]
    kept = keep_sides("t", "r", [keep(noise(1, 0.05)), keep(loud)], passages_s, store, reference=0)
    item = store.get(kept.key)
    sounds = [
        played(item, RatingTrial(rated=(0, 1, MID_ANCHOR, LOW_ANCHOR), reference=0, passage=one)) for one in (0, 1)
    ]
    meter = pyloudnorm.Meter(RATE)
    a, b = (np.concatenate([one[letter] for one in sounds], axis=1) for letter in "AB")
    assert meter.integrated_loudness(a.T) == pytest.approx(meter.integrated_loudness(b.T), abs=0.1)
    levels = [np.sqrt(np.mean(one["B"] ** 2)) for one in sounds]
    assert levels[0] / levels[1] == pytest.approx(0.5, abs=0.02), "one gain for both passages"
    for one in sounds:
        np.testing.assert_allclose(one["R"], one["A"], atol=1e-6)
        spectrum = {letter: np.abs(np.fft.rfft(one[letter][0])) for letter in "RCD"}
        above = {cut: np.fft.rfftfreq(one["R"].shape[1], 1 / RATE) > cut for cut in (4_200, 8_400)}
        assert spectrum["C"][above[8_400]].max() < 0.01 * spectrum["R"][above[8_400]].max()
        assert spectrum["D"][above[4_200]].max() < 0.01 * spectrum["R"][above[4_200]].max()
        assert spectrum["C"][above[4_200]].max() > 0.5 * spectrum["R"][above[4_200]].max()


def test_the_anchors_are_of_the_reference_whichever_side_it_is(keep, store):
    sides = [keep(noise(1)), keep(noise(2))]
    item = store.get(keep_sides("t", "r", sides, [(0, 2)], store, reference=1).key)
    sounds = played(item, RatingTrial(rated=(0, 1, LOW_ANCHOR), reference=1))
    below = np.fft.rfftfreq(2 * RATE, 1 / RATE) < 3_000
    other, own, anchor = (np.fft.rfft(sounds[letter][0])[below] for letter in "ABC")
    assert np.abs(anchor - own).max() < 0.05 * np.abs(own).max() < 0.5 * np.abs(anchor - other).max()


def test_no_two_sounds_of_a_trial_are_alike_byte_by_byte(keep, store):
    item = store.get(keep_sides("t", "r", [keep(noise(1)), keep(noise(2))], [(0, 2)], store, reference=0).key)
    wavs = trial_wavs(item, RatingTrial(rated=(0, 1, MID_ANCHOR, LOW_ANCHOR), reference=0))
    assert len(set(wavs.values())) == 5
    assert len({len(wav) for wav in wavs.values()}) == 1
    assert wavs["R"] != wavs["A"]


def test_passages_are_the_loudest_of_the_reference_in_the_order_of_time(keep):
    song = np.zeros((2, 60 * RATE), np.float32)
    song[:, 9 * RATE : 15 * RATE] = noise(1, 0.1)
    song[:, 33 * RATE : 39 * RATE] = noise(2, 0.2)
    song[:, 50 * RATE : 51 * RATE] = noise(3, 0.1, duration_s=1.0)
    heard = keep(song)
    found = loudest_passages(heard, 0, 60, 2, length_s=8)
    assert [start_s for start_s, _ in found] == pytest.approx([8 + 2 / 3, 34 + 2 / 3])
    assert [end_s - start_s for start_s, end_s in found] == pytest.approx([8, 8])
    assert len(loudest_passages(heard, 0, 60, 5, length_s=8)) == 4
    assert len(loudest_passages(heard, 0, 10, 5, length_s=1)) == 1, "the others are silent"
    assert loudest_passages(heard, 10, 13, 7, length_s=8) == ((10, 13),)


@pytest.mark.parametrize(("start_s", "end_s"), [(0, 5), (10, 10.2)])
def test_where_there_is_nothing_to_rate_it_is_said(keep, start_s, end_s):
    song = np.zeros((2, 12 * RATE), np.float32)
    song[:, 9 * RATE :] = noise(1, duration_s=3.0)
    with pytest.raises(SettingsError):
        loudest_passages(keep(song), start_s, end_s, 3)


# findings


def test_the_finding_names_means_and_intervals_and_what_held_the_scale():
    test = a_test(reopened=True)
    listeners = [scored(test, "Ana", GOOD_EARS), scored(test, "Ben", GOOD_EARS | {0: 90, 2: 50})]
    finding = finding_of(test, listeners)
    (words,) = finding.words
    # Student's t with one degree of freedom reaches 12.706 standard errors, 63.5; the scale ends at 0 and 100.
    assert words == (
        "Rated by 2 listeners in 8 passages, of 100: “separator 0” 85 (95 % interval 21 to 100); “separator 2” 55 "
        "(95 % interval 0 to 100). For comparison: hidden reference 100, 7 kHz anchor 40, 3.5 kHz anchor 20. "
        "The test was reopened after its results were seen."
    )
    assert [(label, summary.mean) for label, summary in finding.ratings] == [
        ("separator 0", 85),
        ("hidden reference", 100),
        ("separator 2", 55),
        ("7 kHz anchor", 40),
        ("3.5 kHz anchor", 20),
    ]
    assert [row.note for row in finding.rows] == ["", ""]


def test_the_side_that_is_rated_best_comes_first():
    test = a_test()
    finding = finding_of(test, [scored(test, "Ana", GOOD_EARS)])
    assert [side.name for side in best_first(test, finding)] == ["separator 1", "separator 0", "separator 2"]


def test_a_listener_who_does_not_find_the_reference_is_left_out_and_it_is_said():
    test = a_test()
    listeners = [scored(test, "Ana", GOOD_EARS), scored(test, "Bad", NO_EARS)]
    finding = finding_of(test, listeners)
    assert dict(finding.ratings)["separator 0"].mean == 80
    assert "1 listener left out by the rule of ITU-R BS.1534-3" in finding.words[0]
    assert [row.note for row in finding.rows] == ["", "left out: rated the hidden reference below 90 in 8 of 8"]
    assert finding.n_complete == 2


def test_where_nobody_counts_there_is_a_sentence_and_no_number():
    test = a_test()
    finding = finding_of(test, [scored(test, "Bad", NO_EARS)])
    assert finding.words == ("Nobody's ratings count: the hidden reference was not found.",)
    assert finding.ratings == ()


def test_of_few_passages_a_listener_is_marked_and_counts():
    test = a_test(passages_s=EIGHT[:2], n_trials=2)
    finding = finding_of(test, [scored(test, "Bad", NO_EARS)])
    assert "1 listener counted who may not have heard well" in finding.words[0]
    assert finding.rows[0].note == "rated the hidden reference below 90 in 2 of 2"


def test_the_training_is_not_rated():
    test = a_test(guided=True)
    plan = draw_plan(test, random.Random(1).randrange)
    good = tuple(tuple(GOOD_EARS[side] for side in trial.rated) for trial in plan)
    listener = Listener(id="l", name="Ana", plan=plan, answers=((0,) * 5, *good[1:]))
    assert dict(finding_of(test, [listener]).ratings)["hidden reference"].mean == 100


def test_one_listener_gets_a_finding_of_their_own():
    test = a_test()
    words = own_finding(test, scored(test, "Ana", GOOD_EARS))
    assert words.startswith("Rated by one listener in 8 passages")
    assert "The intervals are of this listener alone." in words


def test_sides_of_one_name_are_told_apart_by_their_numbers():
    test = a_test(sides=tuple(BlindSide(name=name) for name in ("network", "true stem", "network")))
    words = own_finding(test, scored(test, "Ana", GOOD_EARS))
    assert "“network (1)” 80" in words and "“network (3)” 60" in words


def test_a_side_may_be_called_like_an_anchor():
    test = a_test(sides=tuple(BlindSide(name=name) for name in ("7 kHz anchor", "true stem", "hidden reference")))
    words = own_finding(test, scored(test, "Ana", GOOD_EARS))
    assert "“7 kHz anchor” 80" in words and "“hidden reference” 60" in words


def test_two_listeners_of_one_name_are_two():
    test = a_test()
    ana, other = scored(test, "Ana", GOOD_EARS), scored(test, "x", GOOD_EARS | {0: 90})
    both = [ana, Listener(id="x", name="Ana", plan=other.plan, answers=other.answers)]
    assert dict(finding_of(test, both).ratings)["separator 0"].n_listeners == 2


def test_sets_that_are_not_complete_do_not_count():
    test = a_test()
    whole = scored(test, "Ana", GOOD_EARS)
    half = Listener(id="h", name="Half", plan=whole.plan, answers=whole.answers[:4])
    finding = finding_of(test, [half])
    assert finding.words == () and finding.ratings == ()
    assert finding.rows[0].n_answered == 3
