"""The singer: glottal pulses through moving formants, with consonant noise.

The source-filter model of G. Fant; resonators in cascade as in D. Klatt, "Software for a cascade/parallel formant
synthesizer", JASA 1980; the pulse is A. Rosenberg's, JASA 1971. Vowel formants follow Peterson and Barney, 1952.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from assets.demo_synth.effects import band, pan, reverb, saturate, smooth, wander
from assets.demo_synth.song import SAMPLE_RATE, Audio, Song, Syllable

FRAME = 64  # samples per control frame, 1.45 ms
FRAME_RATE = SAMPLE_RATE / FRAME

# phoneme: first three formants in Hz, loudness of the voice
VOICED = {
    "AA": (760, 1_250, 2_650, 1.0), "AH": (650, 1_250, 2_600, 1.0), "EH": (570, 1_850, 2_600, 1.0),
    "IH": (410, 2_050, 2_700, 0.95), "IY": (310, 2_350, 3_050, 0.9), "OH": (520, 920, 2_550, 1.0),
    "UW": (340, 950, 2_350, 0.9), "M": (270, 1_050, 2_250, 0.35), "N": (270, 1_550, 2_500, 0.35),
    "NG": (280, 1_900, 2_500, 0.32), "L": (370, 1_150, 2_700, 0.55), "R": (400, 1_200, 1_650, 0.6),
    "W": (310, 720, 2_250, 0.5), "DH": (300, 1_500, 2_550, 0.35), "Z": (300, 1_700, 2_550, 0.3),
    "D": (300, 1_700, 2_650, 0.12), "G": (300, 1_900, 2_450, 0.12),
}  # fmt: skip
# phoneme: noise band in Hz, its loudness
NOISY = {
    "S": (4_800, 10_500, 0.5), "Z": (4_500, 10_000, 0.22), "TH": (1_800, 9_000, 0.12), "DH": (1_500, 7_000, 0.05),
    "T": (2_800, 9_000, 0.7), "K": (1_500, 4_500, 0.6), "D": (2_500, 8_000, 0.3), "G": (1_300, 4_000, 0.3),
}  # fmt: skip
VOWELS = {"AA", "AH", "EH", "IH", "IY", "OH", "UW"}
STOPS = {"T", "K", "D", "G"}
LENGTH_S = {"S": 0.11, "Z": 0.08, "TH": 0.09, "T": 0.075, "K": 0.08, "D": 0.05, "G": 0.055, "DH": 0.05}
OTHER_CONSONANT_S = 0.075


@dataclass(slots=True)
class Score:
    """Control tracks of the singer, one value a frame."""

    pitch: Audio
    formants: Audio  # (3, frames) in Hz
    voice: Audio
    noise: dict[str, Audio] = field(default_factory=dict)


def play_voice(song: Song) -> Audio:
    """The voice stem, shape (2, samples)."""
    rng = song.rng("voice")
    score = write_score(song, rng)
    f0_hz = 440 * 2 ** ((at_audio_rate(score.pitch, song.n_samples) - 69) / 12)
    loudness = at_audio_rate(score.voice, song.n_samples)
    pulses, opening = glottis(f0_hz)
    breath = band(rng.standard_normal(song.n_samples), 1_200, 9_000) * (0.3 + 0.7 * opening)
    source = loudness * (pulses + 0.035 * breath)
    dry = 0.5 * vocal_tract(source, score.formants)
    for phoneme, track in score.noise.items():
        low_hz, high_hz, _ = NOISY[phoneme]
        hiss = band(rng.standard_normal(song.n_samples), low_hz, high_hz)
        dry += 0.25 * at_audio_rate(track, song.n_samples) * hiss
    # Five resonators fall off faster than a real tract, whose formants go on above 5 kHz.
    dry = band(dry, 110, None) + 1.6 * band(dry, 2_500, None, order=1)
    dry = saturate(level_out(dry), 0.9)
    return reverb(pan(dry, 0.0), rng, decay_s=0.9, wet=0.16, pre_delay_s=0.03)


def write_score(song: Song, rng: np.random.Generator) -> Score:
    """Turn notes and phonemes into smooth control tracks."""
    n = song.n_samples // FRAME + 2
    score = Score(np.full(n, float(song.melody[0].pitch)), np.tile([[500.0], [1_500.0], [2_500.0]], n), np.zeros(n))
    score.noise = {phoneme: np.zeros(n) for phoneme in NOISY}
    vibrato = np.zeros(n)
    for index, note in enumerate(song.melody):
        follower = song.melody[index + 1].beat if index + 1 < len(song.melody) else np.inf
        articulate(song, note, follower, score)
        start, stop = (round(song.seconds(b) * FRAME_RATE) for b in (note.beat, note.beat + note.length))
        held_s = np.arange(max(0, min(n, stop) - start)) / FRAME_RATE
        vibrato[start : start + held_s.size] = np.clip((held_s - 0.18) / 0.3, 0, 1)
    t = np.arange(n) / FRAME_RATE
    rate_hz = 5.5 + 0.25 * wander(rng, n, 0.5, FRAME_RATE)
    vibrato = 0.38 * smooth(vibrato, 0.03, FRAME_RATE) * np.sin(2 * np.pi * np.cumsum(rate_hz) / FRAME_RATE)
    drift = 0.10 * wander(rng, n, 0.12, FRAME_RATE) + 0.02 * wander(rng, n, 0.004, FRAME_RATE)
    score.pitch = smooth(score.pitch, 0.028, FRAME_RATE) + vibrato + drift + song.transpose
    score.formants = np.stack([smooth(formant, 0.016, FRAME_RATE) for formant in score.formants])
    score.voice = smooth(score.voice, 0.010, FRAME_RATE) * (1 + 0.06 * np.sin(2 * np.pi * 5.5 * t))
    score.noise = {phoneme: smooth(track, 0.004, FRAME_RATE) for phoneme, track in score.noise.items()}
    return score


def articulate(song: Song, note: Syllable, follower: float, score: Score) -> None:
    """Write one syllable: consonants before the first vowel lead the beat, those after it end the note."""
    phonemes = note.phonemes.split()
    first = next(i for i, phoneme in enumerate(phonemes) if phoneme in VOWELS)
    on_s, off_s = song.seconds(note.beat), song.seconds(note.beat + note.length)
    vowels = [phoneme for phoneme in phonemes if phoneme in VOWELS]
    lead, coda = phonemes[:first], [phoneme for phoneme in phonemes[first:] if phoneme not in VOWELS]
    start_s = on_s - sum(LENGTH_S.get(phoneme, OTHER_CONSONANT_S) for phoneme in lead)
    coda_s = sum(LENGTH_S.get(phoneme, OTHER_CONSONANT_S) for phoneme in coda)
    # A legato neighbour's consonants take their time from this note's end.
    off_s = min(off_s, song.seconds(follower) - 0.06 if np.isfinite(follower) else off_s)
    vowel_s = max(0.08, off_s - on_s - coda_s)
    shares = [1.0] if len(vowels) == 1 else [0.65, 0.35]
    timeline = [(phoneme, LENGTH_S.get(phoneme, OTHER_CONSONANT_S)) for phoneme in lead]
    timeline += [(vowel, vowel_s * share) for vowel, share in zip(vowels, shares, strict=True)]
    timeline += [(phoneme, LENGTH_S.get(phoneme, OTHER_CONSONANT_S)) for phoneme in coda]
    score.pitch[max(0, round(start_s * FRAME_RATE)) :] = note.pitch
    for phoneme, length_s in timeline:
        a, b = (max(0, round(s * FRAME_RATE)) for s in (start_s, start_s + length_s))
        start_s += length_s
        if phoneme in VOICED:
            *formants, loudness = VOICED[phoneme]
            score.formants[:, a:] = np.array(formants)[:, None]
            score.voice[a:b] = loudness
        if phoneme in NOISY:
            # A stop is closed for most of its time and bursts at the end.
            burst = a + round(0.6 * (b - a)) if phoneme in STOPS else a
            score.noise[phoneme][burst:b] = NOISY[phoneme][2]


def glottis(f0_hz: Audio) -> tuple[Audio, Audio]:
    """The derivative of Rosenberg's pulse at pitch `f0_hz` and how far the glottis is open, both (samples,)."""
    rising, falling = 0.42, 0.17  # parts of a period
    # Twice the rate, then down: the jump where the glottis shuts would alias.
    fine_hz = np.repeat(f0_hz, 2)
    u = np.cumsum(fine_hz / (2 * SAMPLE_RATE)) % 1.0
    up = u < rising
    down = (u >= rising) & (u < rising + falling)
    v = (u - rising) / falling
    flow = np.where(up, 0.5 - 0.5 * np.cos(np.pi * u / rising), np.where(down, np.cos(0.5 * np.pi * v), 0.0))
    slope = np.where(up, 0.5 * np.pi / rising * np.sin(np.pi * u / rising), 0.0)
    slope = slope - np.where(down, 0.5 * np.pi / falling * np.sin(0.5 * np.pi * v), 0.0)
    pulses = np.asarray(signal.resample_poly(slope / 9, 1, 2))
    return pulses, flow[::2]


def vocal_tract(source: Audio, formants: Audio) -> Audio:
    """Five resonators in cascade, of unit gain at 0 Hz, moving every frame; (samples,) in and out."""
    n_frames = -(-source.size // FRAME)
    fixed = np.tile([[3_450.0], [4_350.0]], n_frames)
    freqs = np.concatenate([formants[:, :n_frames], fixed]).T  # (frames, 5)
    widths = np.array([70.0, 90.0, 130.0, 200.0, 300.0])
    radius = np.exp(-np.pi * widths / SAMPLE_RATE)
    a1 = -2 * radius * np.cos(2 * np.pi * freqs / SAMPLE_RATE)
    a2 = np.broadcast_to(radius**2, a1.shape)
    sections = np.zeros((n_frames, 5, 6))
    sections[..., 0], sections[..., 3], sections[..., 4], sections[..., 5] = 1 + a1 + a2, 1, a1, a2
    state = np.zeros((5, 2))
    out = np.zeros(n_frames * FRAME)
    padded = np.pad(source, (0, out.size - source.size))
    for frame, sos in enumerate(sections):
        here = slice(frame * FRAME, (frame + 1) * FRAME)
        out[here], state = signal.sosfilt(sos, padded[here], zi=state)
    return out[: source.size]


def level_out(x: Audio) -> Audio:
    """A gentle compressor: formants crossing harmonics would make some notes leap out."""
    power = smooth(x**2, 0.04)
    reference = np.quantile(power, 0.9)
    return np.asarray(x * ((power + 0.02 * reference) / reference) ** -0.2 / np.sqrt(reference) * 0.35)


def at_audio_rate(track: Audio, n_samples: int) -> Audio:
    """Control frames to samples, by straight lines."""
    return np.interp(np.arange(n_samples) / FRAME, np.arange(track.size), track)
