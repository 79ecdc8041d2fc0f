"""Whether a recording is music or talk: a cheap test on passages of it.

Music holds notes, or keeps a beat. Partials that stay where they are in frequency for half a second are counted: voices
that speak glide, and noise has none. Attacks that come back at equal distances are looked for: people do not speak in
time.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from separation.audio.content import Content
from separation.audio.decode import AudioFile
from separation.audio.waveform import AudioSource, Waveform, resample, to_channels

Samples = NDArray[np.float32]
Power = NDArray[np.float32]  # (frames, bins)

N_PASSAGES = 12
PASSAGE_S = 5.0
RATE = 16_000  # Hz, at which it listens
SHORTEST_S = 1.0  # of a passage of which anything can be said
QUIETEST = 1e-4  # RMS, -80 dBFS; what is quieter is silence
# Found on 28 pieces of music and 31 recordings of talk in six languages, clean and in noise: half of the talk has 0.1
# partials and a beat of 0.2; nine tenths have less than 0.5 and 0.25. All but one are told apart: children's letters.
PARTIALS = 1.0  # held at a time, in the mean
BEAT = 0.4  # correlation of the attacks with themselves one beat later
BEATS_S = (0.2, 1.2)


@lru_cache(maxsize=256)
def content_of(audio: Path) -> Content | None:
    """Return what an audio file that does not change holds; it is listened to once in a process.

    Raises:
        PlaygroundError: it cannot be read.
    """
    with AudioFile(audio) as recording:
        return listen(recording)


def listen(recording: AudioSource) -> Content | None:
    """Listen to up to `N_PASSAGES` passages, evenly spread over a recording; None if nothing can be said of any.

    Takes about 0.02 s a passage and the time to read it.
    """
    length = round(PASSAGE_S * recording.sample_rate)
    n_passages = max(1, min(N_PASSAGES, recording.n_samples // length))
    starts = np.linspace(0, max(0, recording.n_samples - length), n_passages).astype(int)
    passages = (recording.read(int(start), min(int(start) + length, recording.n_samples)) for start in starts)
    heard = [
        is_music for passage in passages if (is_music := sounds_musical(passage, recording.sample_rate)) is not None
    ]
    return Content(len(heard), sum(heard)) if heard else None


def sounds_musical(passage: Samples, sample_rate: int) -> bool | None:
    """Whether a passage holds notes or keeps a beat; None for silence and what is too short to tell.

    Args:
        passage: (channels, samples).
        sample_rate: Hz.
    """
    mono = resample(Waveform(to_channels(passage, 1), sample_rate), RATE).samples[0]
    if mono.size < SHORTEST_S * RATE or np.sqrt(np.mean(np.square(mono))) < QUIETEST:
        return None
    return held_partials(mono) >= PARTIALS or beat(mono) >= BEAT


def held_partials(mono: NDArray[np.float32]) -> float:
    """Return how many partials between 100 Hz and 5 kHz are held at a time, in the mean.

    Args:
        mono: (samples,) at `RATE`, at least 0.3 s.
    """
    from scipy import ndimage  # takes 0.3 s to import

    power = _power(mono, 4096, 512)[:, 26:1280]  # bins of 4 Hz
    surroundings = ndimage.uniform_filter1d(power, 21, axis=1) + 1e-20
    near = ndimage.maximum_filter1d(power, 3, axis=1)  # a partial may lie between two bins
    held = ndimage.minimum_filter1d(near / surroundings, 8, axis=0)  # a quarter of a second beyond the frame's own
    partials = (held == ndimage.maximum_filter1d(held, 5, axis=1)) & (held > 4)
    loudness = power.sum(axis=1)
    # One partial fills the three bins of `near`.
    return float(partials[loudness > 1e-4 * loudness.max()].sum(axis=1).mean() / 3)


def beat(mono: NDArray[np.float32]) -> float:
    """Return how alike the attacks are to those one beat later, for the beat that fits best; at most 1.

    Args:
        mono: (samples,) at `RATE`, at least 1 s.
    """
    from scipy import ndimage

    hop_s = 0.01
    bands = np.add.reduceat(_power(mono, 512, round(hop_s * RATE)), [1, 4, 8, 16, 32, 64, 128], axis=1)
    loudness = np.log(bands + 1e-3 * bands.mean(axis=0) + 1e-12)
    attacks = np.maximum(np.diff(loudness, axis=0), 0).sum(axis=1)
    attacks = ndimage.gaussian_filter1d(attacks - ndimage.uniform_filter1d(attacks, 100), 2)
    n = len(attacks)
    alike = np.fft.irfft(np.square(np.abs(np.fft.rfft(attacks, 2 * n))))[:n]
    alike /= (alike[0] + 1e-12) * (1 - np.arange(n) / n)  # later ones are summed over fewer
    first, last = (round(seconds / hop_s) for seconds in BEATS_S)
    return float(alike[first : min(last, n // 4)].max(initial=0.0))  # at least four of them


def _power(mono: NDArray[np.float32], n_fft: int, hop: int) -> Power:
    from separation.audio.stft import hann_spectra  # SciPy's, too

    frames = np.lib.stride_tricks.sliding_window_view(mono, n_fft)[::hop]
    return np.square(np.abs(hann_spectra(frames)))
