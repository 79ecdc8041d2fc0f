"""The quality estimate against physics that is known: true stems, copies, leaks, gains, inventions, silence."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from assets.demo_recording import load_demo
from separation.metrics.quality import QualityMeter, apart
from separation.prompts.targets import RESIDUAL, Target, residual

RATE = 44_100


def sums(*names):
    return [Target(name=name, stems=frozenset({name})) for name in names]


def quality(mixture, stems, rate=RATE, tracks=None, cuts=()):
    meter = QualityMeter(tracks or sums(*stems), rate)
    for start, stop in zip((0, *cuts), (*cuts, mixture.shape[-1]), strict=True):
        meter.add(mixture[:, start:stop], {name: samples[:, start:stop] for name, samples in stems.items()})
    return meter.result()


def approx(value, within=0.01):
    return pytest.approx(value, abs=within)


@pytest.fixture(scope="module")
def demo():
    return load_demo()


def noise(seed, seconds=6.0):
    return np.random.default_rng(seed).uniform(-0.3, 0.3, (2, round(seconds * RATE))).astype(np.float32)


def test_the_true_stems_of_a_song_are_told_apart_although_they_play_together(demo):
    found = quality(demo.mixture, demo.stems, demo.sample_rate)
    assert found.value > 0.8
    assert all(one.share < 0.01 for one in found.bleed)
    assert len(found.bleed) == 6
    assert found.warning is None


def test_copies_of_the_mixture_are_not_told_apart_at_all(demo):
    found = quality(demo.mixture, {"drums": demo.mixture, "bass": demo.mixture}, demo.sample_rate)
    assert found.value < 0.02
    assert found.bleed[0].share == pytest.approx(1, abs=0.01)


def test_a_turned_copy_shares_as_much_as_a_plain_one(demo):
    found = quality(demo.mixture, {"drums": demo.mixture, "bass": -0.5 * demo.mixture}, demo.sample_rate)
    assert found.bleed[0].share == pytest.approx(1, abs=0.01)


def test_the_more_of_one_stem_leaks_into_another_the_worse_it_is(demo):
    drums, bass = demo.stems["drums"], demo.stems["bass"]
    values = [
        quality(demo.mixture, {"drums": drums, "bass": bass + gain * drums}, demo.sample_rate).value
        for gain in (0, 0.1, 0.2, 0.4, 0.8, 1.6)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.8 and values[-1] < 0.3


def test_two_noises_one_of_which_holds_the_other_as_loud_as_itself_share_half():
    one, other = noise(1), noise(2)
    found = quality(one + other, {"a": one, "b": one + other})
    # In every bin half of b's power is a's: coherence 1/2, and both spectra are equally flat.
    assert found.bleed[0].share == pytest.approx(0.5, abs=0.03)


def test_the_quality_of_a_track_is_what_is_explained_of_it_less_the_root_of_its_largest_bleed():
    x, y = noise(1, 30.0), noise(2, 30.0)
    found = quality(x + y, {"a": x, "b": x + 0.5 * y, "c": y})
    # Flat spectra, so that bleed is coherence: 1 / 1.25 of b's power is a's, 0.25 / 1.25 is c's.
    shares = {one.tracks: one.share for one in found.bleed}
    assert shares == {("a", "b"): approx(0.8, 0.03), ("a", "c"): approx(0), ("b", "c"): approx(0.2, 0.03)}
    largest = {"a": shares["a", "b"], "b": shares["a", "b"], "c": shares["b", "c"]}
    assert found.tracks == {
        name: pytest.approx(found.explained_energy[name] * (1 - share**0.5)) for name, share in largest.items()
    }
    assert found.value == min(found.tracks.values()) < max(found.tracks.values()) - 0.2


def test_a_track_louder_than_the_mixture_is_explained_up_to_the_mixture():
    sound = noise(1)
    assert quality(sound, {"a": 2 * sound}).explained_energy == {"a": pytest.approx(1 / 4)}
    assert quality(sound, {"a": 0.5 * sound}).explained_energy == {"a": pytest.approx(1)}


def test_bleed_counts_only_as_far_as_both_tracks_are_made_of_it():
    low = np.fft.rfftfreq(noise(1).shape[-1], 1 / RATE) < RATE / 8  # a quarter of the spectrum

    def band(seed, part):
        return np.fft.irfft(np.fft.rfft(noise(seed)) * part).astype(np.float32)

    shared, own = band(1, low), band(2, ~low)  # own is 3 times as strong
    found = quality(shared + own, {"a": shared, "b": shared + own})
    assert found.bleed[0].share == approx(1 / 4)


def test_blocks_count_by_the_geometric_mean_of_both_tracks_energies():
    n_samples = 53 * 4096  # a block
    apart_, shared = noise(1)[:, :n_samples], noise(2)[:, :n_samples]
    a = np.concatenate([apart_, 0.25 * shared], axis=1)
    b = np.concatenate([noise(3)[:, :n_samples], shared], axis=1)
    found = quality(a + b, {"a": a, "b": b})
    assert found.bleed[0].share == approx(0.25 / (1 + 0.25))


@pytest.mark.parametrize(("n_frames", "counts"), [(7, False), (8, True)])
def test_a_last_block_counts_if_it_is_long_enough_to_tell_chance_from_bleed(n_frames, counts):
    one, other, tail = noise(1)[:, : 53 * 4096], noise(3)[:, : 53 * 4096], noise(2)[:, : n_frames * 4096]
    a, b = np.concatenate([one, tail], axis=1), np.concatenate([other, tail], axis=1)
    assert (quality(a + b, {"a": a, "b": b}).bleed[0].share > 0.05) is counts


def test_what_sounds_at_one_time_and_place_by_chance_is_no_bleed():
    envelope = np.repeat(np.random.default_rng(0).uniform(0, 1, 600), 441).astype(np.float32)[None]
    one, other = noise(1) * envelope, noise(2) * envelope
    assert quality(one + other, {"a": one, "b": other}).bleed[0].share < 0.01


@pytest.mark.parametrize("gain", [0.01, 0.5])
def test_the_level_of_a_recording_makes_no_difference(demo, gain):
    stems = {"drums": demo.stems["drums"] + 0.2 * demo.stems["bass"], "bass": demo.stems["bass"]}
    quieter = {name: gain * samples for name, samples in stems.items()}
    at_full = quality(demo.mixture, stems, demo.sample_rate).value
    assert quality(gain * demo.mixture, quieter, demo.sample_rate).value == pytest.approx(at_full, abs=1e-3)


def test_how_the_tracks_arrive_makes_no_difference(demo):
    stems = {"drums": demo.stems["drums"], "rest": demo.mixture - demo.stems["drums"]}
    whole = quality(demo.mixture, stems, demo.sample_rate)
    sliced = quality(demo.mixture, stems, demo.sample_rate, cuts=(1, 1000, 230_000, 500_001))
    assert sliced == whole


def test_memory_does_not_grow_with_the_recording():
    meter = QualityMeter(sums("a", "b"), RATE)
    second = noise(0, 1.0)
    held = []
    for _ in range(30):
        meter.add(second, {"a": second, "b": second})
        held.append(meter.n_held)
    assert max(held) < 5 * RATE


def test_memory_holds_no_more_than_the_samples_that_wait():
    meter = QualityMeter([Target(name=name, stems=frozenset({name})) for name in ("drums", "bass")], 8_000)
    piece = np.random.default_rng(0).normal(0, 0.1, (3, 2, 100_000)).astype(np.float32)
    tracemalloc.start()
    try:
        meter.add(piece[0], {"drums": piece[1], "bass": piece[2]})
        held = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])
    finally:
        tracemalloc.stop()
    assert 0 < meter.n_held < 50_000
    sums = 30_000  # of each second, of what the presence of a track is known by
    assert sum(trace.size for trace in held.traces) < piece[..., : meter.n_held].nbytes + sums


def test_invented_sound_lowers_the_quality_by_the_share_that_is_invented():
    mixture = noise(1)
    low = np.abs(np.fft.rfftfreq(mixture.shape[-1], 1 / RATE)) < 5_000
    below, above = (
        np.fft.irfft(np.fft.rfft(noise(seed)) * part, mixture.shape[-1]).astype(np.float32)
        for seed, part in ((1, low), (2, ~low))
    )
    scale = np.sqrt(np.sum(below**2) / np.sum(above**2))
    found = quality(below, {"a": below + scale * above})  # as much again, where the mixture has nothing
    assert found.explained_energy["a"] == pytest.approx(0.5, abs=0.02)
    assert found.value == pytest.approx(0.5, abs=0.02)


def test_a_doubtful_result_says_which_track_and_what_may_help(demo):
    found = quality(demo.mixture, {"drums": demo.mixture, "bass": demo.mixture}, demo.sample_rate)
    assert "“drums”" in found.warning and "“bass”" in found.warning
    invented = quality(0.1 * noise(1), {"speech": noise(2)})
    assert "not in the recording" in invented.warning


SILENT = np.zeros((2, 6 * RATE), np.float32)


def click():
    one = SILENT.copy()
    one[:, 1000:1010] = 0.5
    return one


@pytest.mark.parametrize("empty", [SILENT, 0.01 * noise(2), click()], ids=["silent", "faint", "a click"])
@pytest.mark.parametrize("others", [["everything else"], ["everything but drums"], ["bass"]])
def test_an_empty_or_nearly_empty_track_beside_all_the_rest_gives_no_quality(empty, others):
    tracks = [*sums("drums", "bass"), residual(sums("drums"))]
    tracks += [Target(name="everything but drums", stems=frozenset({"everything but drums"}))]
    sound = noise(1)
    stems = {"drums": empty, **dict.fromkeys(others, sound - empty)}
    assert quality(sound, stems, tracks=[track for track in tracks if track.name in stems]) is None


def test_where_only_residuals_sound_there_is_no_quality_of_them():
    one, other = noise(1), noise(2)
    names = [f"everything but {name}" for name in ("a", "b")]
    rest = residual(sums("a"))
    stems = {"a": SILENT, "b": SILENT, names[0]: one, rest.name: other}
    tracks = [*sums("a", "b", names[0]), rest]
    assert quality(one + other, stems, tracks=tracks) is None


def test_a_silent_track_among_others_has_no_quality_and_takes_none_from_them():
    one, other = noise(1), noise(2)
    stems = {"a": one, "b": other}
    alone, beside = (quality(one + other, found) for found in (stems, stems | {"c": SILENT}))
    assert beside.tracks == alone.tracks and set(beside.tracks) == {"a", "b"}
    assert beside.value == alone.value < 1


def test_silence_has_no_quality():
    assert quality(SILENT, {"a": SILENT}) is None


def test_what_rounding_leaves_of_a_sum_is_not_judged():
    drums, bass = noise(1), noise(2)
    left_over = 0.01 * drums  # coherent with the drums through and through, and 43 dB below the mixture
    found = quality(drums + bass, {"drums": drums, "bass": bass, "everything else": left_over})
    assert set(found.tracks) == {"drums", "bass"}
    assert found.value > 0.75


@pytest.mark.parametrize("n_samples", [0, 1, 4096])
def test_too_short_a_recording_has_no_quality(n_samples):
    sound = noise(1)[:, :n_samples]
    assert quality(sound, {"a": sound, "b": sound}) is None


def test_less_than_a_block_is_enough():
    sound = noise(1, 0.5)
    assert quality(sound, {"a": sound, "b": sound}).bleed[0].share == pytest.approx(1, abs=0.01)


def test_a_mono_recording_is_measured_alike(demo):
    left = {name: samples[:1] for name, samples in demo.stems.items()}
    assert quality(demo.mixture[:1], left, demo.sample_rate).value > 0.8


def test_tracks_that_share_stems_on_purpose_are_not_compared():
    (vocals,) = sums("vocals")
    both = Target(name="x", stems=frozenset({"vocals", "bass"}))
    no_vocals = Target(name="no vocals", stems=frozenset({"vocals"}), complement=True)
    no_bass = Target(name="no bass", stems=frozenset({"bass"}), complement=True)
    assert not apart(vocals, both)
    assert apart(vocals, no_vocals) and apart(no_vocals, vocals)
    assert not apart(vocals, no_bass)
    assert not apart(no_vocals, no_bass)
    left = residual([vocals])
    assert left.name == RESIDUAL and apart(vocals, left)


def test_a_models_own_residual_is_compared_with_its_own_target_only():
    dog, cat, no_dog, no_cat = sums("dog", "cat", "everything but dog", "everything but cat")
    assert apart(dog, cat) and apart(dog, no_dog)
    assert not apart(cat, no_dog) and not apart(no_dog, no_cat)


def test_what_is_kept_of_it_is_plain_and_short(demo):
    kept = quality(demo.mixture, {"drums": demo.stems["drums"], "bass": demo.stems["bass"]}, demo.sample_rate).to_dict()
    assert set(kept) == {"value", "tracks", "bleed", "explained_energy"}
    assert kept["bleed"][0]["tracks"] == ["drums", "bass"]
    assert kept["value"] == round(kept["value"], 3)
