"""Quality of the speech separator on held-out voices in noise: `python -m benchmarks.bench_speech [--clips N]`.

Each cell is the mean of twelve clips of six seconds (`speech_set`), which go through the whole product: a file is
imported, separated in chunks, and its track is read. Beside it stand the untouched mixture and each of the two networks
alone. SI-SDR in dB, STOI with `pystoi`, PESQ with `pesq`, where these are installed; the clean speech is the reference,
in the room, too. Differences of under about 1 dB in one cell mean nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks import speech_set
from separation.backends import builtin
from separation.engine.engine import Inline
from separation.events import EventStream
from separation.metrics import speech_scores
from separation.metrics.reference import si_sdr
from separation.models.builtin.weights import read_network
from separation.models.speech import carrier
from separation.models.speech.separator import by_deepfilternet, by_network
from separation.request import Request
from separation.results.runs import import_recording, separate_recording
from storage import ArtifactStore

Samples = NDArray[np.float32]
SECONDS = 6.0
WAYS = ("untouched", "builtin", "deepfilternet3", "speech")
ALONE = ("builtin", "deepfilternet3")
LARGEST = 60.0  # dB: what is the reference itself


def main() -> None:
    """Print a row for each cell, and how the product stands beside the better of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=12)
    n_clips = parser.parse_args().clips
    speech_set.fetch()
    measured = {"SI-SDR": _si_sdr}
    measured |= {"STOI": speech_scores.stoi} if speech_scores.has_stoi() else {}
    measured |= {"PESQ": speech_scores.pesq} if speech_scores.has_pesq() else {}
    names = " / ".join(measured)
    print(f"{n_clips} clips a cell, {names}\n\n| noise, SNR |" + "".join(f" {way} |" for way in WAYS))
    print("| --- |" + " --- |" * len(WAYS))
    means: dict[tuple[str, float | None], Mapping[str, float]] = {}
    for noise, snr_db in (*speech_set.CELLS, *speech_set.UNREPAIRED):
        found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
        for number in range(n_clips):
            clip = speech_set.clip(noise, snr_db, number, SECONDS)
            for way, estimate in estimates(clip.mixture[None]):
                scores = [score(estimate, clip.speech[None], speech_set.RATE) for score in measured.values()]
                found[way].append([np.nan if score is None else score for score in scores])
        mean = {way: np.nanmean(scores, axis=0) for way, scores in found.items()}
        means[noise, snr_db] = {way: float(scores[0]) for way, scores in mean.items()}
        cells = (f" {first:.1f}" + "".join(f" / {one:.2f}" for one in more) for first, *more in mean.values())
        name = noise if snr_db is None else f"{noise}, {snr_db} dB"
        print(f"| {name} |" + "".join(f"{cell} |" for cell in cells), flush=True)
    noisy = [means[cell] for cell in speech_set.CELLS]
    beside = [cell["speech"] - max(cell[way] for way in ALONE) for cell in noisy]
    gained = [cell["speech"] - cell["untouched"] for cell in noisy]
    print(f"\nbeside the better of the two: {np.mean(beside):+.2f} dB, {min(beside):+.2f} dB in the worst cell")
    print(f"beside the untouched mixture: {min(gained):+.2f} dB in the worst cell")


def estimates(mixture: Samples) -> Iterator[tuple[str, Samples]]:
    """Yield the speech in a mixture (1, samples) by each of `WAYS`."""
    yield "untouched", mixture
    yield "builtin", by_network(mixture, read_network(builtin.WEIGHTS))
    yield "deepfilternet3", by_deepfilternet(mixture, carrier.checked())
    yield "speech", by_product(mixture)


def by_product(mixture: Samples) -> Samples:
    """Return the track of a file that was imported and separated, (1, samples)."""
    with tempfile.TemporaryDirectory() as folder:
        file, store = Path(folder) / "clip.wav", ArtifactStore(Path(folder) / "store")
        soundfile.write(file, mixture.T, speech_set.RATE, subtype="FLOAT")
        recording = import_recording(file, store)
        run = EventStream(separate_recording(recording, Request.of("speech", backend="speech"), store, Inline()))
        for _ in run:
            pass
        track, _ = soundfile.read(run.result.tracks[0].audio, dtype="float32", always_2d=True)
        store.close()
    return np.asarray(track.T)


def _si_sdr(estimate: Samples, reference: Samples, sample_rate: int) -> float:
    return min(LARGEST, si_sdr(estimate, reference))


if __name__ == "__main__":
    main()
