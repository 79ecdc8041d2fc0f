"""The demo recording that ships with the package, with its true stems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

DEMO_DIR = Path(__file__).parent / "demo"


class DamagedDemo(Exception):
    """A file of the demo recording is damaged or gone; the text says which folder and why."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A song whose stems are known.

    Attributes:
        mixture: (2, samples) in [-1, 1], exactly the sum of `stems`.
        stems: "drums", "bass", "voice" and "keys", each (2, samples).
        sample_rate: Hz.
        title: its name.
    """

    mixture: Samples
    stems: dict[str, Samples]
    sample_rate: int
    title: str


def load_demo() -> Demo:
    """Decode the stems and add them up.

    The mixture is not a file of its own: a lossy copy would not be the sum of the stems, and a
    separator would be charged for the codec's error.

    Raises:
        DamagedDemo: a file of it is damaged or gone.
    """
    try:
        about = json.loads((DEMO_DIR / "demo.json").read_text(encoding="utf-8"))
        stems = {name: decode_stem(DEMO_DIR / f"{name}.ogg") for name in about["stems"]}
        # Vorbis leaves out what is damaged, so a stem is shorter then.
        if damaged := [name for name, stem in stems.items() if stem.shape != (2, about["n_samples"])]:
            raise ValueError(f"{', '.join(damaged)} lacks a part")
        mixture = np.asarray(np.sum(list(stems.values()), axis=0, dtype=np.float32))  # (2, samples)
        return Demo(mixture, stems, about["sample_rate"], about["title"])
    except (OSError, ValueError, LookupError, TypeError, soundfile.SoundFileError) as failure:
        raise DamagedDemo(f"A file of it in {DEMO_DIR} is damaged or gone ({failure}).") from failure


def write_demo_mixture(path: Path) -> Demo:
    """Write the mixture as a 24-bit FLAC or WAV file (by the suffix of `path`), to open it like any recording.

    Raises:
        DamagedDemo: a file of the demo is damaged or gone.
    """
    demo = load_demo()
    soundfile.write(path, demo.mixture.T, demo.sample_rate, subtype="PCM_24")
    return demo


def decode_stem(path: Path) -> Samples:
    """One stem as (2, samples) float32."""
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples.T)
