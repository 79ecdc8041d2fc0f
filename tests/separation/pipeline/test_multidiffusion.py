"""A recording solved at once: what multi-diffusion gives is what its equations say, in bounded memory."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from separation import solvers
from separation.audio.waveform import Waveform
from separation.backends import registry
from separation.backends.sam_torch import SamTorchBackend
from separation.chunking.crossfade import fade_in
from separation.chunking.plan import plan
from separation.errors import SettingsError
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
from separation.model import LatentFacts, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio.noise import noise
from separation.pipeline.multidiffusion import noise_blocks
from separation.pipeline.separate import extract, separate
from separation.prompts.targets import RESIDUAL
from separation.request import Anchor, ChunkSettings, Prompt, Request, Reroll, SamSettings, SolverSettings
from tests.support.fakes import CONTEXT, FRAME, FakeLatentModel, MadeOnTheFly, PromptableBackend, result_of, use_only
from tests.support.sam_models import CHECKPOINT, clip

RATE = 8_000
CHUNK, OVERLAP = 12 * FRAME, 4 * FRAME
LENGTHS = (1, CHUNK - 1, CHUNK, CHUNK + 1, 997)
CUT = Windowing(chunk=CHUNK, overlap=OVERLAP)
RNG = np.random.default_rng(4)


@pytest.fixture
def use(monkeypatch):
    def install(windowing=CUT, n_channels=2, **nature):
        facts = {"frame": FRAME, "latents": LatentFacts(state_channels=FRAME, context_frames=CONTEXT)}
        return use_only(
            monkeypatch,
            PromptableBackend,
            make=partial(FakeLatentModel, **nature),
            sample_rate=RATE,
            n_channels=n_channels,
            windowing=windowing,
            more_facts=facts,
        )

    return install


def asked(*prompts, stitch="multidiffusion", method="euler", n_steps=2, grid="uniform", **settings):
    solver = SolverSettings(method=method, n_steps=n_steps, grid=grid)
    return Request.of(*prompts or ["dog"], chunks=ChunkSettings(stitch=stitch), solver=solver, **settings)


def recording(n_samples, n_channels=2, sample_rate=RATE):
    return Waveform((0.2 * RNG.standard_normal((n_channels, n_samples))).astype(np.float32), sample_rate)


@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
@pytest.mark.parametrize("method", ["euler", "midpoint"])
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_a_flow_that_ends_at_its_features_returns_the_mixture(use, stitch, method, n_samples):
    use()
    mixture = recording(n_samples)
    tracks = extract(mixture, asked("dog", stitch=stitch, method=method))
    assert tracks["dog"].samples.shape == mixture.samples.shape
    np.testing.assert_allclose(tracks["dog"].samples, mixture.samples, atol=2e-6)
    np.testing.assert_allclose(tracks[RESIDUAL].samples, 0, atol=2e-6)


@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
@pytest.mark.parametrize("fade", ["cosine", "linear"])
@pytest.mark.parametrize("n_samples", LENGTHS)
def test_the_seams_of_a_constant_do_not_show(use, stitch, fade, n_samples):
    use(Windowing(chunk=CHUNK, overlap=OVERLAP, fade=fade))
    constant = Waveform(np.full((1, n_samples), 0.25, np.float32), RATE)
    dog = extract(constant, asked("dog", stitch=stitch))["dog"].samples
    np.testing.assert_allclose(dog, 0.25, atol=1e-5)
    assert np.abs(np.diff(dog)).max(initial=0) < 1e-5


@pytest.mark.parametrize("stitch", ["crossfade", "multidiffusion"])
@pytest.mark.parametrize("sample_rate", [RATE, 11_025])
def test_the_pieces_of_the_stream_laid_end_to_end_are_the_whole(use, stitch, sample_rate):
    use(curved=0.5, smear=0.01)
    mixture, request = recording(997, 2, sample_rate), asked("dog", "cat", stitch=stitch)
    pieces = [event for event in separate(mixture, request) if isinstance(event, ChunkFinished)]
    assert len(pieces) > 3
    for name, track in extract(mixture, request).items():
        joined = np.concatenate([piece.audio[name] for piece in pieces], axis=-1)
        np.testing.assert_array_equal(joined, track.samples)


@pytest.mark.parametrize("method", ["euler", "midpoint", "ab2"])
@pytest.mark.parametrize("windowing", [CUT, Windowing(chunk=None)])
@pytest.mark.parametrize("n_samples", [1, CHUNK - 3, CHUNK])
def test_of_a_single_chunk_both_stitches_make_the_same(use, method, windowing, n_samples):
    use(windowing, curved=0.5, smear=0.01)
    mixture = recording(n_samples)
    request = partial(asked, "dog", "cat", method=method, n_steps=3, grid="sway", seed=9)
    expected = extract(mixture, request(stitch="crossfade"))
    for name, track in extract(mixture, request()).items():
        np.testing.assert_allclose(track.samples, expected[name].samples, atol=1e-5)


def solved_in_memory(mixture, model, request):
    """What Bar-Tal et al. say, written down without streams, disks and tasks: (prompts, channels, samples)."""
    n_samples, n_prompts = mixture.n_samples, len(request.prompts)
    chunks = plan(n_samples, CUT)
    n_frames = -(-n_samples // FRAME)
    spans = [slice(chunk.start // FRAME, -(-chunk.stop // FRAME)) for chunk in chunks]
    windows = [Window(samples=mixture.read(c.start, c.stop), index=c.index, stems=frozenset()) for c in chunks]
    features = [result_of(model.encode(window, request)) for window in windows]
    gains = np.zeros((len(chunks), n_frames, 1), np.float32)
    rise = fade_in(CUT.fade)(OVERLAP // FRAME)[:, None]
    for index, span in enumerate(spans):
        gains[index, span] = 1
        if index:
            n_shared = min(len(rise), span.stop - span.start)
            gains[index, span.start : span.start + n_shared] = rise[:n_shared]
            gains[index - 1, span.start : span.start + n_shared] -= rise[:n_shared]
    np.testing.assert_allclose(gains.sum(axis=0), 1, atol=1e-6)

    def velocity(x, t):
        total = np.zeros_like(x)
        for window, heard, span, gain in zip(windows, features, spans, gains, strict=True):
            answer = result_of(model.velocity(window, heard, x[:, :, span], t, request))
            total[:, :, span] += gain[span] * answer
        return total

    start = np.tile(noise(request.seed, 0, n_frames, FRAME), (n_prompts, mixture.n_channels, 1, 1))
    times = solvers.times(request.solver.n_steps, request.solver.grid)
    *_, state = solvers.integrate(request.solver.method, velocity, start, times)
    everything = Window(samples=mixture.samples, index=0, stems=frozenset())
    return result_of(model.decode(everything, state, request))


@pytest.mark.parametrize("method", ["euler", "midpoint", "ab2"])
@pytest.mark.parametrize("n_samples", [CHUNK + 1, 2 * CHUNK, 997])
def test_the_velocity_is_the_weighted_mean_of_the_windows_and_decoding_in_pieces_is_exact(use, method, n_samples):
    fake = use(curved=0.5, smear=0.01)
    mixture, request = recording(n_samples), asked("dog", "cat", method=method, n_steps=3, grid="sway", seed=5)
    tracks = extract(mixture, request)
    for name, expected in solved_in_memory(mixture, fake.model, request).items():
        np.testing.assert_allclose(tracks[name].samples, expected, atol=1e-5)
    # The windows do disagree, so this was not the crossfade's answer.
    crossfaded = extract(mixture, asked("dog", "cat", stitch="crossfade", method=method, n_steps=3, seed=5))
    assert np.abs(crossfaded["dog"].samples - tracks["dog"].samples).max() > 1e-2


@pytest.fixture
def sam(monkeypatch):
    """SAM-Audio's own network, tiny, on 17 frames: a request for it, and what it makes of a stereo recording."""
    monkeypatch.setattr(registry, "BACKENDS", {"sam_torch": SamTorchBackend()})
    both = clip(17 * 1920 - 500, channels=2)
    mixture = Waveform(np.ascontiguousarray(both * np.array([[1.0], [0.3]], np.float32)), 48_000)

    def tracks_of(stitch, chunk_s, *prompts, **settings):
        chunks = ChunkSettings(chunk_s=chunk_s, overlap_s=0 if chunk_s is None else 0.16, stitch=stitch)
        return extract(
            mixture,
            Request(
                prompts=tuple(prompts), backend="sam_torch", model=str(CHECKPOINT), device="cpu", chunks=chunks,
                solver=SolverSettings(method="midpoint", n_steps=2), sam=SamSettings(**settings),
            ),
        )  # fmt: skip

    return tracks_of


@pytest.mark.parametrize("residual", ["mixture", "model"])
@pytest.mark.parametrize("stereo", ["mono", "sides", "projected"])
def test_sam_audio_gives_one_chunk_alike_in_both_stitches(sam, stereo, residual):
    prompts = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=0.2, stop_s=0.4),)), Prompt(text="dog")
    expected = sam("crossfade", None, *prompts, stereo=stereo, residual=residual)
    tracks = sam("multidiffusion", None, *prompts, stereo=stereo, residual=residual)
    assert list(tracks) == list(expected)
    for name, track in tracks.items():
        np.testing.assert_allclose(track.samples, expected[name].samples, atol=1e-5)


def test_sam_audio_solves_its_chunks_together(sam):
    # Chunks of 12 frames, the second from frame 8; the span lies in the first alone.
    prompt = Prompt(text="violin", anchors=(Anchor(sign="+", start_s=0, stop_s=0.2),))
    together, apart = (sam(stitch, 0.5, prompt)["violin"].samples for stitch in ("multidiffusion", "crossfade"))
    assert together.shape == apart.shape == (2, 17 * 1920 - 500)
    assert np.abs(together - apart).max() > 1e-4
    unmarked = sam("multidiffusion", 0.5, Prompt(text="violin"))["violin"].samples
    assert np.abs(together - unmarked).max() > 1e-4


def test_events_tell_the_story_in_order_and_each_window_is_encoded_once(use):
    fake = use()
    events = list(separate(recording(997), asked(method="midpoint", n_steps=3)))
    n_chunks = len(plan(997, CUT))
    steps = [SolverStep(done=done + 1, total=6 * n_chunks) for done in range(6 * n_chunks)]
    about_chunks = [kind for index in range(n_chunks) for kind in (ChunkStarted, ChunkFinished)]
    story = [BackendChosen, ModelLoading, Planned, ChunkStarted, *map(type, steps), *about_chunks[1:]]
    told = [type(event) for event in events if not isinstance(event, WorkMeasured)]
    assert told == [*story, StemFinished, StemFinished, Finished]
    assert [event for event in events if isinstance(event, SolverStep)] == steps
    assert fake.model.encoded == list(range(n_chunks))
    assert [index for index, _ in fake.model.evaluated] == list(range(n_chunks)) * 6


def test_the_first_chunks_are_solved_without_the_rest(use):
    fake = use()
    mixture = recording(997)
    first = Request.of("dog", chunks=ChunkSettings(stitch="multidiffusion", max_chunks=2))
    n_samples = 2 * CHUNK - OVERLAP
    dog = extract(mixture, first)["dog"].samples
    np.testing.assert_allclose(dog, mixture.samples[:, :n_samples], atol=1e-5)
    assert fake.model.encoded == [0, 1]


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 7))
def test_noise_drawn_in_blocks_is_the_noise_of_the_whole(seed, lengths, n_channels):
    blocks = list(noise_blocks(seed, lengths, n_channels))
    assert [len(block) for block in blocks] == lengths
    np.testing.assert_array_equal(np.concatenate(blocks), noise(seed, 0, sum(lengths), n_channels))


def test_a_backend_without_a_velocity_field_says_so_and_names_what_it_can(monkeypatch):
    use_only(monkeypatch)
    with pytest.raises(SettingsError, match=r"Fake cannot stitch by multi-diffusion.*velocity field.*“crossfade”"):
        extract(recording(100), asked("drums"))


def test_rerolls_mean_nothing_where_there_is_one_noise(use):
    use()
    with pytest.raises(SettingsError, match=r"re-rolled.*one noise.*“crossfade”"):
        extract(recording(100), asked(sam=SamSettings(rerolls=(Reroll(chunk=0, seed=1),))))


def test_closing_the_stream_while_it_is_solved_stops_the_model_and_leaves_no_file(use, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fake = use()
    events = separate(recording(997), asked(n_steps=10))
    for event in events:
        if isinstance(event, SolverStep):
            break
    events.close()
    assert len(fake.model.evaluated) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_prompts", [1, 3])
def test_memory_does_not_grow_with_the_recording(use, n_prompts):
    use(Windowing(chunk=20 * RATE, overlap=2 * RATE), n_channels=1)
    prompts = ["dog", "cat", "cow"][:n_prompts]

    def peak_bytes(seconds):
        mixture = MadeOnTheFly(n_samples=seconds * RATE)
        tracemalloc.start()
        try:
            n_samples = 0
            for event in separate(mixture, asked(*prompts, n_steps=1)):
                if isinstance(event, ChunkFinished):
                    n_samples += event.audio["dog"].shape[-1]
            assert n_samples == mixture.n_samples
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    one_state = (900 - 240) * RATE * 4 * n_prompts
    assert peak_bytes(900) - peak_bytes(240) < one_state / 4


def test_the_recording_is_resampled_to_encode_and_to_decode_and_not_for_every_window(use):
    use(Windowing(chunk=5 * RATE, overlap=RATE), n_channels=1)
    mixture = MadeOnTheFly(n_samples=120 * 11_025, sample_rate=11_025)
    for _ in separate(mixture, asked(n_steps=1)):
        pass
    assert mixture.n_read == 3 * mixture.n_samples  # and once for what is left over
