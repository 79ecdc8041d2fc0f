"""From a mixture to tracks: what goes in comes out, however it is cut, at whatever rate and channel count."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.demo_recording import load_demo
from separation.audio.waveform import Waveform, resample
from separation.errors import AudioError, PromptError
from separation.events import (
    BackendChosen,
    ChunkFinished,
    ChunkStarted,
    Finished,
    ModelLoading,
    Planned,
    SolverStep,
    StemFinished,
    WorkMeasured,
)
from separation.metrics.reference import si_sdr
from separation.model.windowing import Windowing
from separation.pipeline.separate import extract, separate
from separation.prompts.targets import RESIDUAL
from separation.request import ChunkSettings, Request, Reroll, SamSettings, SolverSettings
from tests.support.fakes import MadeOnTheFly, in_quarters, use_only

RNG = np.random.default_rng(5)


@pytest.fixture
def use(monkeypatch):
    """Make a fake the only backend, its model freshly loaded."""

    return partial(use_only, monkeypatch)


def noise(n_samples, n_channels=2, sample_rate=44_100):
    samples = 0.2 * RNG.standard_normal((n_channels, n_samples))
    return Waveform(samples.astype(np.float32), sample_rate)


def tone(frequency_hz, seconds, sample_rate, n_channels):
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return Waveform(
        np.tile(0.5 * np.sin(2 * np.pi * frequency_hz * time_s), (n_channels, 1)).astype(np.float32), sample_rate
    )


def level_of_tone(samples, frequency_hz, sample_rate):
    """Amplitude of one frequency in the middle half of `samples`."""
    quarter = samples.shape[-1] // 4
    x = samples[..., quarter:-quarter]
    window = np.hanning(x.shape[-1])
    phasor = np.exp(-2j * np.pi * frequency_hz / sample_rate * np.arange(x.shape[-1]))
    return 2 * np.abs((x * window * phasor).sum(-1)) / window.sum()


CHUNK = 100
LENGTHS = (1, CHUNK - 1, CHUNK, CHUNK + 1, 997)
CUTS = [
    Windowing(chunk=CHUNK, overlap=overlap, context=context, fade=fade, fixed=fixed)
    for overlap in (0, 20, CHUNK // 2)
    for context in (0, 13)
    for fade in ("cosine", "linear")
    for fixed in (False, True)
]


@pytest.mark.parametrize("n_samples", LENGTHS)
@pytest.mark.parametrize("windowing", [*CUTS, Windowing(chunk=None), Windowing(chunk=1)], ids=str)
def test_an_identity_backend_returns_the_mixture(use, windowing, n_samples):
    use(windowing=windowing)
    mixture = noise(n_samples)
    tracks = extract(mixture, Request.of("drums", "bass"))
    assert list(tracks) == ["drums", "bass", "everything else"]
    assert all(track.samples.shape == mixture.samples.shape for track in tracks.values())
    np.testing.assert_allclose(tracks["drums"].samples, mixture.samples, atol=1e-6)
    np.testing.assert_allclose(tracks["bass"].samples, 0, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(
    chunk=st.integers(1, 60), share=st.floats(0, 0.5), context=st.integers(0, 40), fixed=st.booleans(),
    n_samples=st.integers(1, 400), sample_rate=st.sampled_from([44_100, 48_000, 16_000]),
    n_channels=st.integers(1, 2), levelled=st.booleans(),
)  # fmt: skip
def test_tracks_sum_to_the_mixture_for_every_cut_rate_and_channel_count(
    chunk, share, context, fixed, n_samples, sample_rate, n_channels, levelled
):
    with pytest.MonkeyPatch.context() as patch:
        windowing = Windowing(chunk=chunk, overlap=int(share * chunk), context=context, fixed=fixed)
        use_only(patch, split=in_quarters, windowing=windowing, levelled=levelled)
        mixture = noise(n_samples, n_channels, sample_rate)
        tracks = extract(mixture, Request.of("drums", "bass and other"))
    assert all(track.samples.shape == mixture.samples.shape for track in tracks.values())
    np.testing.assert_allclose(sum(track.samples for track in tracks.values()), mixture.samples, atol=1e-6)


@pytest.mark.parametrize(("sample_rate", "n_channels"), [(44_100, 2), (48_000, 1), (22_050, 2), (96_000, 2)])
def test_the_pieces_of_the_stream_laid_end_to_end_are_the_whole(use, sample_rate, n_channels):
    use(windowing=Windowing(chunk=4_000, overlap=700), split=in_quarters)
    mixture = noise(25_013, n_channels, sample_rate)
    request = Request.of("drums", "instrumental")
    whole = extract(mixture, request)
    pieces = [event for event in separate(mixture, request) if isinstance(event, ChunkFinished)]
    assert len(pieces) > 3
    assert pieces[0].start == 0
    assert all(a.start + a.audio["drums"].shape[-1] == b.start for a, b in pairwise(pieces))
    for name, track in whole.items():
        joined = np.concatenate([piece.audio[name] for piece in pieces], axis=-1)
        assert joined.dtype == np.float32
        np.testing.assert_array_equal(joined, track.samples)


@pytest.mark.parametrize(
    ("sample_rate", "n_channels"), [(48_000, 1), (22_050, 2), (48_000, 6), (44_100, 1), (8_000, 8)]
)
def test_other_rates_and_channel_counts_keep_their_length_and_lose_nothing(use, sample_rate, n_channels):
    use(windowing=Windowing(chunk=30_000, overlap=3_000), split=in_quarters)
    mixture = noise(40_009, n_channels, sample_rate)
    tracks = extract(mixture, Request.of("drums", "vocals and bass"))
    stereo = mixture.samples if n_channels <= 2 else None
    for track in tracks.values():
        assert track.sample_rate == sample_rate
        assert track.samples.shape == (min(n_channels, 2), 40_009)
    if stereo is not None:
        np.testing.assert_allclose(sum(track.samples for track in tracks.values()), stereo, atol=1e-6)


def test_six_channels_are_heard_as_their_stereo_downmix_with_the_centre_on_both_sides(use):
    use(windowing=Windowing(chunk=10_000, overlap=1_000))
    centre_only = np.zeros((6, 30_000), np.float32)
    centre_only[2] = noise(30_000, 1).samples[0]
    left, right = extract(Waveform(centre_only, 44_100), Request.of("drums"))["drums"].samples
    np.testing.assert_array_equal(left, right)
    assert np.corrcoef(left, centre_only[2])[0, 1] > 0.9999


@pytest.mark.parametrize(("sample_rate", "n_channels"), [(48_000, 1), (22_050, 2), (48_000, 6)])
def test_a_tone_survives_the_trip_to_the_model_and_back_with_its_level_and_phase(use, sample_rate, n_channels):
    use(windowing=Windowing(chunk=20_000, overlap=2_000))
    mixture = tone(1_000, 1.5, sample_rate, n_channels)
    drums = extract(mixture, Request.of("drums"))["drums"]
    assert level_of_tone(drums.samples, 1_000, sample_rate) == pytest.approx(0.5, rel=1e-3)
    inner = slice(2_000, -2_000)
    np.testing.assert_allclose(drums.samples[0, inner], mixture.samples[0, inner], atol=1e-3)


def test_what_lies_above_the_models_band_ends_up_in_the_residual(use):
    use(sample_rate=8_000, n_channels=1, windowing=Windowing(chunk=4_000, overlap=400))
    mixture = tone(10_000, 1.0, 44_100, 2)
    tracks = extract(mixture, Request.of("drums"))
    assert level_of_tone(tracks["drums"].samples, 10_000, 44_100).max() < 1e-3
    inner = np.s_[:, 2_000:-2_000]
    np.testing.assert_allclose(tracks["everything else"].samples[inner], mixture.samples[inner], atol=1e-3)


def test_the_model_sees_the_mixture_at_its_own_rate_and_channels_with_silence_outside(use):
    fake = use(sample_rate=22_050, n_channels=1, windowing=Windowing(chunk=5_000, overlap=500, context=300))
    mixture = noise(20_000, 2, 44_100)
    extract(mixture, Request.of("drums"))
    expected = resample(Waveform(mixture.samples.mean(axis=0, keepdims=True), 44_100), 22_050)
    seen = fake.model.seen
    assert [window.index for window in seen] == [0, 1, 2]
    for window, start in zip(seen, (0, 4_500, 9_000), strict=True):
        stop = min(start + 5_000, 10_000)
        np.testing.assert_allclose(window.samples, expected.read(start - 300, stop + 300), atol=1e-6)
    assert not seen[0].samples[:, :300].any()
    assert not seen[-1].samples[:, -300:].any()


def test_a_levelled_model_sees_zero_mean_and_unit_deviation_and_its_answers_come_back_at_the_old_level(use):
    fake = use(levelled=True, windowing=Windowing(chunk=None))
    quiet = Waveform(noise(30_000).samples * 0.01 + np.float32(0.2), 44_100)
    drums = extract(quiet, Request.of("drums"))["drums"]
    mono = fake.model.seen[0].samples.mean(axis=0, dtype=np.float64)
    assert mono.mean() == pytest.approx(0, abs=1e-4)
    assert mono.std(ddof=1) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(drums.samples, quiet.samples, atol=1e-6)


def test_events_tell_the_story_in_order(use):
    use(windowing=Windowing(chunk=1_000, overlap=100))
    mixture = noise(2_500)
    events = list(separate(mixture, Request.of("drums", "vocals")))
    chunk = [ChunkStarted, SolverStep, WorkMeasured, ChunkFinished]
    story = [BackendChosen, ModelLoading, WorkMeasured, Planned, *chunk * 3, *[StemFinished] * 3, Finished]
    assert [type(event) for event in events] == story
    planned = events[3]
    assert planned.stems == ("drums", "vocals", "everything else")
    assert planned.spans_s == tuple((a / 44_100, b / 44_100) for a, b in ((0, 1000), (900, 1900), (1800, 2500)))
    assert [(e.index, e.n_chunks) for e in events if isinstance(e, ChunkStarted)] == [(0, 3), (1, 3), (2, 3)]
    peaks = {event.stem: event.peak for event in events if isinstance(event, StemFinished)}
    assert peaks["drums"] == pytest.approx(np.abs(mixture.samples).max(), rel=1e-5)
    assert peaks["vocals"] == 0
    assert {event.n_samples for event in events if isinstance(event, StemFinished)} == {2_500}
    assert events[-1].rtf == pytest.approx(events[-1].seconds / (2_500 / 44_100))


def test_the_second_run_finds_its_model_warm_also_for_other_prompts(use):
    fake = use()
    mixture = noise(500)
    for request in (Request.of("drums"), Request.of("drums"), Request.of("bass", seed=3)):
        assert set(extract(mixture, request))
    assert fake.n_loads == 1
    extract(mixture, Request.of("bass", device="cpu"))
    assert fake.n_loads == 1, "that is where it is"
    extract(mixture, Request.of("bass", device="cuda"))
    assert fake.n_loads == 2


def test_closing_the_stream_stops_the_model_at_its_next_evaluation(use):
    fake = use(windowing=Windowing(chunk=100))
    events = separate(noise(1_000), Request.of("drums"))
    for event in events:
        if isinstance(event, SolverStep):
            break
    events.close()
    assert len(fake.model.seen) == 1


def test_the_first_chunk_is_there_to_hear_before_the_second_is_begun(use):
    fake = use(windowing=Windowing(chunk=1_000, overlap=100), more_facts={"batch": 3})
    for event in separate(noise(5_000), Request.of("drums")):
        if isinstance(event, ChunkFinished):
            break
    assert [window.index for window in fake.model.seen] == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"solver": SolverSettings(n_steps=3)},
        {"sam": SamSettings(rerolls=(Reroll(chunk=1, seed=2),), match_gain=True)},
        {"chunks": ChunkSettings(stitch="crossfade", max_chunks=1)},
    ],
)
def test_what_changes_nothing_in_the_model_does_not_load_it_again(use, change):
    fake = use()
    request = Request.of("drums", chunks=ChunkSettings())
    for asked in (request, replace(request, **change)):
        extract(noise(500), asked)
    assert fake.n_loads == 1


@pytest.mark.parametrize("change", [{"sam": SamSettings(precision="bfloat16")}, {"chunks": ChunkSettings(chunk_s=9)}])
def test_what_changes_the_models_facts_loads_it_again(use, change):
    fake = use()
    request = Request.of("drums", chunks=ChunkSettings())
    for asked in (request, replace(request, **change)):
        extract(noise(500), asked)
    assert fake.n_loads == 2


@pytest.mark.parametrize(("mixture_rate", "n_channels"), [(44_100, 2), (8_000, 1), (96_000, 2), (22_050, 2)])
@pytest.mark.parametrize("overlap", [0, 100, 500])
def test_a_run_of_the_first_chunks_is_a_run_on_the_beginning_of_the_recording(use, mixture_rate, n_channels, overlap):
    fake = use(windowing=Windowing(chunk=4_000, overlap=overlap))
    mixture = noise(30_000, n_channels, mixture_rate)
    end = (3 * 4_000 - 2 * overlap) * mixture_rate // 44_100  # the end of the third chunk
    events = list(separate(mixture, Request.of("drums", chunks=ChunkSettings(max_chunks=3))))
    pieces = [event for event in events if isinstance(event, ChunkFinished)]
    assert [piece.index for piece in pieces] == [window.index for window in fake.model.seen] == [0, 1, 2]
    drums = np.concatenate([piece.audio["drums"] for piece in pieces], axis=-1)
    rest = np.concatenate([piece.audio[RESIDUAL] for piece in pieces], axis=-1)
    np.testing.assert_allclose(drums + rest, mixture.read(0, end), atol=1e-6)
    assert {event.n_samples for event in events if isinstance(event, StemFinished)} == {end}
    planned = next(event for event in events if isinstance(event, Planned))
    assert len(planned.spans_s) == 3
    assert planned.spans_s[-1][1] == pytest.approx(end / mixture_rate, abs=1 / 8_000)
    beginning = extract(Waveform(np.ascontiguousarray(mixture.samples[:, :end]), mixture_rate), Request.of("drums"))
    np.testing.assert_allclose(drums, beginning["drums"].samples, atol=1e-6)


@pytest.mark.parametrize("max_chunks", [3, 4, 1_000])
def test_a_limit_on_chunks_that_the_recording_does_not_reach_changes_nothing(use, max_chunks):
    use(windowing=Windowing(chunk=1_000, overlap=100), split=in_quarters)
    mixture = noise(2_500)
    limited = extract(mixture, Request.of("drums", chunks=ChunkSettings(max_chunks=max_chunks)))
    for name, track in extract(mixture, Request.of("drums")).items():
        np.testing.assert_array_equal(limited[name].samples, track.samples)


@pytest.mark.parametrize("batch", [2, 3, 100])
@pytest.mark.parametrize("n_samples", [999, 1_000, 1_001, 9_000, 9_973])
def test_windows_worked_on_together_give_what_they_give_one_by_one(use, batch, n_samples):
    windowing = Windowing(chunk=1_000, overlap=200)
    mixture = noise(n_samples)

    def story_and_tracks():
        events = list(separate(mixture, Request.of("drums")))
        finished = [event.audio for event in events if isinstance(event, ChunkFinished)]
        about_chunks = [event for event in events if isinstance(event, (ChunkStarted, ChunkFinished))]
        story = [(type(event), event.index) for event in about_chunks]
        return story, np.concatenate([audio["drums"] for audio in finished], axis=-1)

    use(windowing=windowing, split=lambda x, window: {"drums": x * window.index})
    one_by_one = story_and_tracks()
    fake = use(windowing=windowing, split=lambda x, window: {"drums": x * window.index}, more_facts={"batch": batch})
    together = story_and_tracks()
    assert together[0] == one_by_one[0]
    np.testing.assert_array_equal(together[1], one_by_one[1])
    n_full = 1 if n_samples < 1_800 else (n_samples - 200) // 800  # chunks of full length
    in_batches = [index for group in fake.model.batches for index in group]
    assert all(2 <= len(group) <= batch for group in fake.model.batches)
    assert set(in_batches) <= set(range(1, n_full))
    assert len(in_batches) >= (n_full - 1) // batch * batch


def test_a_recording_without_samples_is_refused(use):
    use()
    with pytest.raises(AudioError, match="no samples"):
        extract(Waveform(np.zeros((2, 0), np.float32), 44_100), Request.of("drums"))


def test_a_prompt_nobody_understands_is_refused_before_any_work(use):
    fake = use()
    with pytest.raises(PromptError):
        extract(noise(10), Request.of("dog barking"))
    assert fake.n_loads == 0


@pytest.mark.parametrize(("model_rate", "seconds"), [(8_000, 1_200), (11_025, 1_200)])
def test_memory_does_not_grow_with_the_recording(use, model_rate, seconds):
    use(sample_rate=model_rate, windowing=Windowing(chunk=20 * model_rate, overlap=model_rate), levelled=True)
    mixture = MadeOnTheFly(n_samples=seconds * 8_000)
    n_samples = 0
    tracemalloc.start()
    try:
        for event in separate(mixture, Request.of("drums")):
            if isinstance(event, ChunkFinished):
                n_samples += event.audio["drums"].shape[-1]
                assert sum(audio.nbytes for audio in event.audio.values()) < 4e6
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_samples == mixture.n_samples
    assert mixture.longest_read < 60 * 8_000
    assert (
        peak_bytes < 30e6
    )  # 14 and 22 MB; a channel of the twenty minutes is 38 MB; the fake remembers its last four windows


@pytest.mark.parametrize("more_facts", [{}, {"generative": True, "batch": 3}])
def test_the_first_piece_takes_the_first_part_of_the_recording_and_no_disk(use, tmp_path, monkeypatch, more_facts):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    use(sample_rate=44_100, windowing=Windowing(chunk=20 * 44_100, overlap=44_100), more_facts=more_facts)
    mixture = MadeOnTheFly(n_samples=3_600 * 48_000, sample_rate=48_000, n_channels=2)
    with closing(separate(mixture, Request.of("drums"))) as events:
        next(event for event in events if isinstance(event, ChunkFinished))
    # As the model hears it, as it is measured, and as it is given back; the resampler takes a little ahead.
    assert mixture.n_read <= 3 * (20 * 48_000 + 100_000)


@pytest.mark.parametrize(
    ("facts", "n_passes"),
    [({}, 2), ({"levelled": True}, 3), ({"more_facts": {"generative": True, "batch": 4}}, 3)],
)
def test_a_run_resamples_the_recording_a_few_times_not_for_every_chunk(use, facts, n_passes):
    use(sample_rate=11_025, windowing=Windowing(chunk=50_000, overlap=5_000), **facts)
    mixture = MadeOnTheFly(n_samples=240 * 8_000)
    for _ in separate(mixture, Request.of("drums")):
        pass
    assert mixture.n_read == n_passes * mixture.n_samples


@pytest.fixture(scope="module")
def demo():
    return load_demo()


def test_the_classical_separator_takes_the_demo_apart_into_stems_that_sum_to_it(demo):
    mixture = Waveform(demo.mixture, demo.sample_rate)
    request = Request.of("drums", "bass", "vocals", "other", backend="builtin-dsp")
    events = list(separate(mixture, request))
    pieces = [event.audio for event in events if isinstance(event, ChunkFinished)]
    planned = next(event for event in events if isinstance(event, Planned))
    assert len(pieces) == len(planned.spans_s) == 2
    tracks = {name: np.concatenate([piece[name] for piece in pieces], axis=-1) for name in planned.stems}
    assert all(track.shape == mixture.samples.shape for track in tracks.values())
    stems = {name: track for name, track in tracks.items() if name != "everything else"}
    np.testing.assert_allclose(sum(stems.values()), mixture.samples, atol=1e-4)
    for name, reference in (("drums", "drums"), ("bass", "bass"), ("vocals", "voice")):
        assert si_sdr(stems[name], demo.stems[reference]) > si_sdr(mixture.samples, demo.stems[reference]) + 3


def test_two_seconds_of_the_demo_sound_the_same_in_other_formats(demo):
    short = Waveform(demo.mixture[:, 44_100 : 3 * 44_100], 44_100)
    request = Request.of("drums", backend="builtin-dsp", chunks=ChunkSettings(chunk_s=1, overlap_s=0.25))
    plain = extract(short, request)["drums"]
    from_48k = resample(extract(resample(short, 48_000), request)["drums"], 44_100)
    assert si_sdr(from_48k.samples, plain.samples) > 20


@pytest.mark.parametrize("chunk_s", [0.5, 0.50003, 1.00003])
def test_half_overlap_fits_chunks_of_an_odd_number_of_samples_too(chunk_s):
    request = Request.of("drums", backend="builtin-dsp", chunks=ChunkSettings(chunk_s=chunk_s, overlap_s=chunk_s / 2))
    assert extract(noise(44_100), request)["drums"].n_samples == 44_100
