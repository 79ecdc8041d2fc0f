"""Render the demo recording: `python -m assets.make_demo` writes assets/demo/.

A 17 s song of four stems, synthesised from nothing but seeded random numbers, so the true stems are known and every
separator can be measured against them. Stems overlap in time and frequency as in a real mix: the chords lie in the
singer's range, the bass reaches into it, drums ring over all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from assets.demo_synth.bass import play_bass
from assets.demo_synth.drums import play_drums
from assets.demo_synth.keys import play_keys
from assets.demo_synth.song import DEMO, SAMPLE_RATE, Audio, Song
from assets.demo_synth.voice import play_voice

DEMO_DIR = Path(__file__).parent / "demo"
PLAYERS = {"drums": play_drums, "bass": play_bass, "voice": play_voice, "keys": play_keys}
# Each stem's part of the mixture's energy: a balance of a pop mix, voice and drums in front.
ENERGY_SHARES = {"drums": 0.28, "bass": 0.24, "voice": 0.28, "keys": 0.20}
PEAK = 10 ** (-1.0 / 20)  # full scale of the mixture, -1 dBFS
# Vorbis: 0 is best, 1 smallest; this is about 120 kbit/s a stem, all of them under 1.5 MB.
COMPRESSION = 0.35
FINGERPRINT = slice(200_000, 200_016)  # samples of each stem kept as numbers, to check a rendering against


def render(song: Song = DEMO) -> dict[str, Audio]:
    """The four stems of a song, each (2, samples), balanced; their sum peaks at -1 dBFS. Deterministic."""
    raw = {name: play(song) for name, play in PLAYERS.items()}
    balanced = {name: x * np.sqrt(ENERGY_SHARES[name] / np.sum(x**2)) for name, x in raw.items()}
    fade = np.minimum(1, np.arange(song.n_samples)[::-1] / (0.4 * SAMPLE_RATE))  # the last ring fades to silence
    faded = {name: x * fade for name, x in balanced.items()}
    peak = np.abs(sum(faded.values())).max()
    return {name: x * (PEAK / peak) for name, x in faded.items()}


def write(stems: Mapping[str, Audio], folder: Path = DEMO_DIR) -> None:
    """Write one OGG Vorbis file a stem and `demo.json`, which says what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    decoded = {name: encode(x, folder / f"{name}.ogg") for name, x in stems.items()}
    # What Vorbis adds can lift the peak of the sum; the references are the decoded files, so measure those.
    peak = float(np.abs(sum(decoded.values())).max())
    about = {
        "title": "Until the sun goes down",
        "licence": "MIT, as the rest of this repository",
        "sample_rate": SAMPLE_RATE,
        "n_samples": next(iter(stems.values())).shape[1],
        "stems": list(stems),
        "mixture": "the sum of the decoded stems",
        "mixture_peak": round(peak, 4),
        "tempo_bpm": DEMO.tempo_bpm,
        "fingerprint_start": FINGERPRINT.start,
        "fingerprint": {name: [round(float(v), 7) for v in x[0, FINGERPRINT]] for name, x in stems.items()},
    }
    (folder / "demo.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def encode(stem: Audio, path: Path) -> Audio:
    """Write a stem as OGG Vorbis and return what a listener will decode."""
    with soundfile.SoundFile(
        path, "w", samplerate=SAMPLE_RATE, channels=2, format="OGG", subtype="VORBIS", compression_level=COMPRESSION
    ) as file:
        # In blocks: libsndfile's Vorbis encoder overflows its stack on one large write.
        for block in np.array_split(stem.T.astype(np.float32), 64):
            file.write(block)
    samples, _ = soundfile.read(path, dtype="float64", always_2d=True)
    return np.asarray(samples.T)


if __name__ == "__main__":
    write(render())
