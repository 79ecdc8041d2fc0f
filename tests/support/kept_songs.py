"""Recordings with true stems, and results, as files that were written without a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from separation.comparing.true_stems import TrueStems, true_stems_of
from separation.results.kept import KeptTrack, Recording, Result
from tests.support.studio_values import a_recording, a_result

Sounds = Mapping[str, NDArray[np.float64]]  # (channels, samples) by name
RATE = 8_000


def a_song(folder: Path, stems: Sounds, rate: int = RATE, **other: Any) -> tuple[Recording, TrueStems]:
    """Write a recording that is the sum of its stems."""
    tracks = _written(folder / "stems", stems, rate)
    mixture = sum(stems.values())
    (audio,) = _written(folder, {"audio": mixture}, rate)
    about = {**_about(mixture, rate), "tracks": (audio,), "known_stems": tracks, **other}
    recording = replace(a_recording(), **about)
    truth = true_stems_of(recording)
    assert truth is not None
    return recording, truth


def separated(folder: Path, recording: Recording, tracks: Sounds, rate: int = RATE, **other: Any) -> Result:
    """Write a result of that recording."""
    kept = _written(folder, tracks, rate)
    about = {**_about(next(iter(tracks.values())), rate), "tracks": kept, "recording": recording.key, **other}
    return replace(a_result(tracks=tuple(tracks)), **about)


def _written(folder: Path, sounds: Sounds, rate: int) -> tuple[KeptTrack, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for index, (name, samples) in enumerate(sounds.items()):
        path = folder / f"{index} {name}.wav"
        soundfile.write(path, samples.T.astype(np.float32), rate, subtype="FLOAT")
        kept.append(KeptTrack(id=str(index), name=name, audio=path, peaks=path.with_suffix(".peaks")))
    return tuple(kept)


def _about(samples: NDArray[np.float64], rate: int) -> dict[str, int]:
    return {"n_channels": samples.shape[0], "n_samples": samples.shape[1], "sample_rate": rate}
