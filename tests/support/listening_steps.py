"""Blind tests of synthetic sounds, and a listener who takes them over HTTP as the page does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.comparing.blind_test import BlindTest, Kind
from separation.comparing.heard import HeardTrack
from storage import ArtifactStore
from storage.records import BlindTestTable
from webapp.state.blind_tests import BlindTests, ComparedSide, NewTest

RATE = 8_000
Answerer = Callable[[dict[str, Any], dict[str, httpx.Response]], str]


def sides(folder: Path, n: int = 2, duration_s: float = 1.0) -> tuple[ComparedSide, ...]:
    """Noise of another seed for each side."""
    found = []
    for index in range(n):
        samples = 0.1 * np.random.default_rng(index).standard_normal((2, round(duration_s * RATE)))
        path = folder / f"side {index}.wav"
        encode(Waveform(samples.astype(np.float32), RATE), path, "wav32f")
        found.append(ComparedSide(heard=(HeardTrack(audio=path),), name=f"side {index}", source=f"key {index}"))
    return tuple(found)


def made(home: Path, folder: Path, *, n_sides: int = 2, tests: BlindTests | None = None, **about: Any) -> BlindTest:
    """Make a test in a data folder; a server on it finds it there."""
    values = {
        "kind": Kind.ABX,
        "recording": "r",
        "recording_name": "song.wav",
        "stem": "drums",
        "sides": sides(folder, n_sides),
        "start_s": 0.0,
        "end_s": 0.5,
        "n_trials": 16,
    }
    owner = tests or BlindTests(ArtifactStore(home), BlindTestTable(home))
    return owner.create(NewTest(**{**values, **about}))


@dataclass
class Guest:
    """Somebody with a link."""

    url: str
    test: str
    key: str
    token: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, verify=False))  # 60 ms less

    def ask(self, path: str, body: Any = None, *, token: str | None = None) -> httpx.Response:
        """GET, or POST with a body, as the page does."""
        bearer = f"Bearer {self.token if token is None else token}".strip().encode()
        headers = {b"Authorization": bearer, b"Origin": self.url.encode()}
        address = f"{self.url}/listen/{self.test}/{path}"
        if body is None:
            return self.client.get(address, headers=headers)
        return self.client.post(address, headers=headers, json=body)

    def join(self, name: str = "Ana", **checks: bool) -> dict[str, Any]:
        """Give a name, and get a set of trials."""
        state: dict[str, Any] = (
            self.ask("join", {"name": name, "checks": checks}, token=self.key).raise_for_status().json()
        )
        self.token = state["token"]
        return state

    def trial(self) -> tuple[dict[str, Any], dict[str, httpx.Response]]:
        """Get the sounds of the next trial: what the server says of it, and its answer for each sound."""
        prepared = self.ask("trial", {}).raise_for_status().json()
        return prepared, {name: self.ask(f"sound/{address}") for name, address in prepared["sounds"].items()}

    def answer(self, index: int, said: str) -> dict[str, Any]:
        """Answer a trial."""
        state: dict[str, Any] = self.ask("answer", {"index": index, "said": said}).raise_for_status().json()
        return state

    def take(self, answerer: Answerer) -> dict[str, Any]:
        """Take all trials that are left; return the state at the end."""
        state: dict[str, Any] = self.ask("state").raise_for_status().json()
        while not state["complete"]:
            prepared, sounds = self.trial()
            state = self.answer(prepared["index"], answerer(prepared, sounds))
        return state
