"""Seek and loop at random on the Studio page and measure, from what sounds, how far apart the tracks are.

    python -m tests.support.player_endurance [MINUTES] [SEED]        ten minutes and seed 0 unless given

Three tracks carry one noise, each with another of its own on top. A recorder in the audio graph takes what the three
give in the same frames of the clock; where their cross-correlation peaks is how many samples they are apart.
"""

from __future__ import annotations

import base64
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from selenium.webdriver import Chrome

from separation.audio.encode import encode
from separation.audio.peaks import PeaksWriter
from separation.audio.waveform import Waveform
from separation.request import Request
from separation.results.store import NewItem
from storage import Artifact, ArtifactStore
from tests.support.browser import DESKTOP, chromium, console_errors, resize, wait_until
from tests.support.server import running_server
from tests.support.studio_steps import Studio

RATE, DURATION_S = 44_100, 90
TRACKS = ("drums", "everything else")
HEARD = 8192  # samples of each measurement, 0.19 s
SOUNDS_RMS = 0.02  # of a block of 512 samples; the noise has 0.11

# Takes the same frames of every track: one node with an input for each. Arguments: how many samples to keep.
_RECORDER = """
    const done = arguments[arguments.length - 1], kept = arguments[0];
    const code = `registerProcessor("recorder", class extends AudioWorkletProcessor {
        constructor({numberOfInputs, processorOptions}) {
            super();
            this.rings = Array.from({length: numberOfInputs}, () => new Float32Array(processorOptions.kept));
            this.at = 0;
            this.port.onmessage = () => this.port.postMessage(this.rings.map((ring) =>
                Float32Array.from(ring, (_, i) => ring[(this.at + i) % ring.length])));
        }
        process(inputs) {
            this.rings.forEach((ring, k) => {
                for (let i = 0; i < 128; i++) ring[(this.at + i) % ring.length] = inputs[k][0]?.[i] ?? 0;
            });
            this.at = (this.at + 128) % this.rings[0].length;
            return true;
        }
    })`;
    const {player} = window.audioPlayground, voices = [...player.voices.values()];
    const module = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
    player.context.audioWorklet.addModule(module).then(() => {
        const options = {numberOfInputs: voices.length, processorOptions: {kept}};
        const recorder = new AudioWorkletNode(player.context, "recorder", options);
        voices.forEach((voice, k) => voice.node.connect(recorder, 0, k));
        recorder.connect(player.context.destination);
        window.recorder = recorder;
        done(voices.length);
    });
"""
_TAKE = """new Promise((done) => {
    const text = (samples) => {
        const bytes = new Uint8Array(samples.buffer);
        let letters = "";
        for (let i = 0; i < bytes.length; i += 8192) letters += String.fromCharCode(...bytes.subarray(i, i + 8192));
        return btoa(letters);
    };
    window.recorder.port.onmessage = ({data}) => done(data.map(text));
    window.recorder.port.postMessage("");
})"""


@dataclass
class Findings:
    """What was measured: offsets of pairs of tracks in samples, each with how often it came, and the page's heap."""

    offsets: Counter[int] = field(default_factory=Counter)
    alikeness: list[float] = field(default_factory=list)  # correlation at the offset that was found
    actions: Counter[str] = field(default_factory=Counter)
    heap_bytes: list[int] = field(default_factory=list)  # after collecting garbage: at the start, and at the end


@cache
def _common() -> NDArray[np.float32]:
    """The noise in all of them."""
    return 0.1 * np.random.default_rng(1).standard_normal(RATE * DURATION_S, np.float32)


def keep_noise(store: ArtifactStore, n_results: int = 1) -> tuple[Artifact, list[Artifact]]:
    """A recording and results of it, all with the same noise under noises of their own; what is there is not made."""

    def keep(number: int, kind: str, name: str, n_files: int, names: list[str], **about: Any) -> Artifact:
        key = store.key(kind, name=name, **about.get("config", {}))
        if there := store.get(key):
            return there
        info = {"n_samples": RATE * DURATION_S, "sample_rate": RATE, "n_channels": 1, "warnings": []}
        rng = np.random.default_rng((1, number))
        with store.scratch() as folder:
            files: dict[str, Path] = {}
            for index, file in enumerate(["audio"] if kind == "recording" else map(str, range(n_files))):
                own = 0.05 * rng.standard_normal(RATE * DURATION_S, np.float32)
                samples = (_common() + own)[None]  # (1, samples)
                encode(Waveform(samples, RATE), folder / f"{index}.wav")
                with PeaksWriter(folder / f"{index}.peaks") as peaks:
                    peaks.write(samples)
                files |= {file: folder / f"{index}.wav", f"{file}.peaks": folder / f"{index}.peaks"}
            more = {"tracks": names, "seconds": 1.0, "rtf": 0.1, "model": None}
            new = NewItem(kind=kind, name=name, files=files, info=info | more, **about)
            return store.put(key, new)

    recording = keep(0, "recording", "noise.wav", 1, [])
    made = []
    for seed in range(n_results):
        config = Request.of("drums", backend="builtin", seed=seed).to_dict()
        made.append(
            keep(1 + seed, "result", "drums", 2, list(TRACKS), inputs={"recording": recording.key}, config=config)
        )
    return recording, made


@dataclass(frozen=True)
class Listener:
    """A Studio that plays the three tracks, and the recorder beside it."""

    studio: Studio

    def begin(self) -> None:
        """Play everything there is, the mixture as well."""
        wait_until(lambda: self.studio.tracks == ["Mixture", *TRACKS], "the tracks")
        self.studio.js("""
            const {player} = window.audioPlayground;
            for (const id of player.voices.keys()) player.setMix(id, {muted: false})""")
        self.studio.one(".play").click()
        wait_until(lambda: self.studio.player()["position_samples"] > 0, "sound")
        assert self.studio.browser.execute_async_script(_RECORDER, HEARD) == 3

    def take(self) -> NDArray[np.float32]:
        """What each track gave last, in the same frames: shape (tracks, HEARD)."""
        # Not `execute_async_script`: the driver keeps what scripts return in the page, whose heap is measured.
        asked = {"expression": _TAKE, "awaitPromise": True, "returnByValue": True}
        found = self.studio.browser.execute_cdp_cmd("Runtime.evaluate", asked)["result"]["value"]
        return np.stack([np.frombuffer(base64.b64decode(track), "<f4") for track in found])

    def take_sounding(self) -> NDArray[np.float32]:
        """The same, once at least one track sounds all along: after a jump there is silence until samples come."""

        def sounding() -> NDArray[np.float32] | None:
            taken = self.take()
            blocks = np.sqrt(np.square(taken.reshape(len(taken), -1, 512)).mean(axis=2))  # (tracks, blocks)
            return taken if (blocks.max(axis=0) > SOUNDS_RMS).all() else None

        # `wait_until` asks for the truth of what it gets, which an array has not.
        (taken,) = wait_until(lambda: [one] if (one := sounding()) is not None else None, "sound", 20)
        return np.asarray(taken)


def offset_of(a: NDArray[np.float32], b: NDArray[np.float32]) -> tuple[int, float]:
    """By how many samples `b` is later than `a`, and how alike they are there (1: the same but for the level)."""
    spectrum = np.conj(np.fft.rfft(a, 2 * len(a))) * np.fft.rfft(b, 2 * len(b))
    correlation = np.fft.irfft(spectrum)
    best = int(np.argmax(correlation))
    alike = float(correlation[best] / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))
    return (best - len(correlation) if best > len(a) else best), alike


def heap_bytes(browser: Chrome) -> int:
    """Of the page's scripts, after collecting garbage."""
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    browser.execute_cdp_cmd("Performance.enable", {})
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(int(metric["value"]) for metric in metrics if metric["name"] == "JSHeapUsedSize")


def actions(studio: Studio, dice: random.Random) -> dict[str, Callable[[], object]]:
    """What a person may do next, each a step of its own."""
    total = RATE * DURATION_S

    def player(call: str) -> None:
        studio.js(f"window.audioPlayground.player.{call}")

    def seek() -> None:
        player(f"seek({dice.randrange(total - 5 * RATE)})")

    def scrub() -> None:
        for _ in range(dice.randint(3, 8)):
            seek()

    def loop() -> None:
        start = dice.randrange(total - 6 * RATE)
        length = round(RATE * 10 ** dice.uniform(-1.5, 0.7))  # 32 ms to 5 s
        player(f"setLoop(true, {start}, {start + length})")
        if dice.random() < 0.7:
            player(f"seek({start})")

    return {
        "seek": seek,
        "scrub": scrub,
        "loop": loop,
        "loop off": lambda: player("setLoop(false)"),
        "pause": lambda: player("pause()"),
        "keys": lambda: studio.one("body").send_keys(*dice.choices("jl", k=3)),
    }


def endure(studio: Studio, seconds: float, seed: int) -> Findings:
    """Seek and loop for so long, measuring after every step."""
    dice, found, listener = random.Random(seed), Findings(), Listener(studio)
    listener.begin()
    found.heap_bytes.append(heap_bytes(studio.browser))
    todo = actions(studio, dice)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = dice.choices(list(todo), weights=(4, 2, 4, 1, 1, 2))[0]
        todo[name]()
        found.actions[name] += 1
        time.sleep(dice.uniform(0, 0.8))
        studio.js("window.audioPlayground.player.play()")  # after a pause, and where the recording has ended
        taken = listener.take_sounding()
        for a, b in combinations(taken, 2):
            offset, alike = offset_of(a, b)
            found.offsets[offset] += 1
            found.alikeness.append(alike)
    found.heap_bytes.append(heap_bytes(studio.browser))
    return found


def told(found: Findings) -> Iterator[str]:
    """The findings as lines."""
    yield f"{found.actions.total()} steps: " + ", ".join(f"{n} {name}" for name, n in found.actions.most_common())
    offsets = ", ".join(f"{offset:+d} in {n}" for offset, n in sorted(found.offsets.items()))
    yield f"offsets of {found.offsets.total()} pairs in samples: {offsets}"
    yield f"least correlation at the offset: {min(found.alikeness):.3f} (0.8 is expected of these noises)"
    yield "JS heap: " + " -> ".join(f"{n_bytes / 2**20:.1f} MiB" for n_bytes in found.heap_bytes)


def main() -> int:
    """Print what was found; fail unless every pair was within a sample."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with TemporaryDirectory() as folder:
        recording, _ = keep_noise(ArtifactStore(Path(folder)))
        with running_server(home=Path(folder)) as server, chromium() as browser:
            resize(browser, DESKTOP)
            studio = Studio(browser, server.url).open(f"/?recording={recording.key}")
            found = endure(studio, 60 * minutes, seed)
            print(*told(found), *console_errors(browser), sep="\n", flush=True)
    return 0 if max(map(abs, found.offsets)) <= 1 and min(found.alikeness) > 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
