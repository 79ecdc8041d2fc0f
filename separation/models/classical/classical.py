"""Four stems without any learned weights: drums, bass, vocals, other.

Each bin of the spectrogram is dealt out in turn:

1. drums take what is broad in frequency and short (`hpss`), and below 200 Hz what comes back as a struck skin
   (`low_end`);
2. bass takes its part of the rest of the low end, fading out above 500 Hz;
3. vocals take, of what is left, the harmonics of the leading pitch (`pitch`) that stand in the centre
   (`stereo_masks`);
4. other is the remainder, so the four always sum to the mixture.

Tried and left out. A share for what does not repeat (`repet`) gained 0.5 dB on the demo's voice, but took 5 dB from a
synthetic singer who comes back to her notes over a held chord, as singers do. Refining the masks by a spatial Wiener
filter, with a mid/side balance learned for each source, lost 0.3 dB on a first and 0.6 dB on a second pass: what is
dealt wrongly is learned wrongly.
"""

from __future__ import annotations

import numpy as np

from separation.audio.stft import HOPS_PER_FRAME, Power, Samples, frame_length, istft, stft
from separation.errors import AudioError
from separation.models.classical.hpss import percussive_mask
from separation.models.classical.low_end import LowEnd, explain_low_end
from separation.models.classical.masks import TINY, low_pass_curve, wiener_masks
from separation.models.classical.pitch import PitchRange, comb_mask, track_pitch
from separation.models.classical.stereo_masks import centre_mask, mid_and_side_power

STEMS = ("drums", "bass", "vocals", "other")
PERCUSSIVE_MARGIN = 1.25
SKIN_TOP_HZ = 200.0
BASS_TOP_HZ = 500.0
VOICE_BAND_HZ = (150.0, 4_000.0)
# Above this edge nothing has a pitch: most of it is cymbals, the rest is consonants and strings.
# Worth 0.5 dB of drums; a larger share would take the voice's last sibilants.
CYMBAL_EDGE_HZ = 8_000.0
CYMBAL_SHARE = 0.7


def separate_classical(samples: Samples, sample_rate: int) -> dict[str, Samples]:
    """Split a mixture into the four `STEMS`, which sum to it.

    Args:
        samples: (channels, samples) float32 of any level; one channel or more, one sample or more. Meant for chunks of
            up to about a minute: memory grows with its length.
        sample_rate: Hz.

    Returns:
        Stems of the shape of `samples`. Deterministic; a gain on the mixture is a gain on the stems.

    Raises:
        AudioError: `samples` is not a non-empty two-dimensional array.
    """
    if samples.ndim != 2 or samples.size == 0:
        raise AudioError(
            f"An array of shape {samples.shape} is not audio.",
            "Separation needs (channels, samples) with at least one sample.",
            "Decode a recording that is not empty, and give mono as shape (1, samples).",
        )
    samples = samples.astype(np.float32, copy=False)
    peak = np.abs(samples).max()
    if peak == 0:
        return {stem: np.zeros_like(samples) for stem in STEMS}
    n_fft = frame_length(sample_rate)
    spectrum = stft(samples / peak, n_fft)
    mid, side = mid_and_side_power(spectrum)
    masks = stem_masks(mid, side, sample_rate / n_fft, sample_rate * HOPS_PER_FRAME / n_fft)
    stems = {stem: istft(spectrum * mask, samples.shape[1]) * peak for stem, mask in masks.items() if stem != "other"}
    # By subtraction, because the masks sum to one: it saves a transform and leaves no rounding error.
    stems["other"] = samples - sum(stems.values(), start=np.zeros_like(samples))
    return stems


def stem_masks(mid: Power, side: Power, bin_hz: float, frame_rate: float) -> dict[str, Power]:
    """The share of every stem in every bin; they sum to one.

    Args:
        mid: (frames, bins) power of what the channels have in common.
        side: power of the rest.
        bin_hz: distance of two bins.
        frame_rate: frames a second.
    """
    frequency_hz = (np.arange(mid.shape[1]) * bin_hz).astype(np.float32)
    magnitude = np.sqrt(mid + side)
    low_end = explain_low_end(np.sqrt(mid), bin_hz, frame_rate)

    percussive = percussive_mask(magnitude, bin_hz, frame_rate, PERCUSSIVE_MARGIN)
    drums = with_skins(percussive, low_end, frequency_hz)
    bass = bass_share(low_end, frequency_hz, mid.shape[1]) * (1 - drums)
    rest = 1 - drums - bass
    vocals = rest * lead_share(mid, side, rest, bin_hz, frame_rate)
    other = rest - vocals

    cymbals = CYMBAL_SHARE * (1 - low_pass_curve(frequency_hz, CYMBAL_EDGE_HZ, order=6))
    drums = drums + cymbals * (vocals + other)
    return {"drums": drums, "bass": bass, "vocals": (1 - cymbals) * vocals, "other": (1 - cymbals) * other}


def with_skins(percussive: Power, low_end: LowEnd, frequency_hz: Power) -> Power:
    """The drums' share: below `SKIN_TOP_HZ` whichever is more, the percussive share or that of the learned skins.

    A kick rings on for longer than the median filter calls percussive; its attack is too short for the templates.
    """
    skins, _, _ = wiener_masks([low_end.drums, low_end.bass, low_end.other])
    low = np.s_[:, : skins.shape[1]]
    edge = low_pass_curve(frequency_hz[: skins.shape[1]], SKIN_TOP_HZ, order=6)
    drums = percussive.copy()
    drums[low] += edge * np.maximum(skins - percussive[low], 0)
    return drums


def bass_share(low_end: LowEnd, frequency_hz: Power, n_bins: int) -> Power:
    """The bass's share of what the drums leave, (frames, n_bins), nothing above the low end."""
    bass, _ = wiener_masks([low_end.bass, low_end.other])
    share = np.zeros((len(bass), n_bins), np.float32)
    share[:, : bass.shape[1]] = bass * low_pass_curve(frequency_hz[: bass.shape[1]], BASS_TOP_HZ, order=4)
    return share


def lead_share(mid: Power, side: Power, rest: Power, bin_hz: float, frame_rate: float) -> Power:
    """The lead voice's share of what drums and bass leave, (frames, bins).

    Where little of the voice band lies on the harmonics of the leading pitch, nobody sings: below three tenths the
    share is none, above six tenths it is full. In songs without a voice this lowers what leaks into vocals by 2 dB.
    """
    pitches = PitchRange()
    frequency_hz = (np.arange(mid.shape[1]) * bin_hz).astype(np.float32)
    centre = centre_mask(mid, side, frame_rate)
    f0_hz = track_pitch(np.sqrt(mid * centre * rest), bin_hz, pitches)
    comb = comb_mask(f0_hz, frequency_hz, bin_hz) * (frequency_hz > pitches.lowest_hz)

    in_band = (frequency_hz > VOICE_BAND_HZ[0]) & (frequency_hz < VOICE_BAND_HZ[1])
    tonal = (mid * rest)[:, in_band]
    on_comb = (tonal * comb[:, in_band]).sum(axis=1) / (tonal.sum(axis=1) + TINY)
    sings = np.clip((on_comb - 0.3) / 0.3, 0, 1)[:, None]

    return np.asarray(sings * comb * centre, dtype=np.float32)
