"""The network as the pipeline's model: a window and prompts in, one stem a prompt out."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from separation import solvers
from separation.backends.protocol import ModelFacts, Samples, Window
from separation.chunking import Windowing
from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading, SolverStep
from separation.models.sam_audio import network
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.checkpoint import weight_files
from separation.models.sam_audio.network import SamAudio
from separation.models.sam_audio.noise import noise
from separation.request import ChunkSettings, Prompt, Request


class SamAudioModel:
    """A loaded SAM-Audio. Knows nothing of files, chunks, pages or caches."""

    def __init__(self, sam: SamAudio, facts: ModelFacts) -> None:
        self.facts = facts
        self._sam = sam
        self._texts: tuple[str, ...] = ()
        self._encoded: tuple[Tensor, Tensor] | None = None

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window under all its prompts at once: the mixture is encoded once for all of them.

        The stems carry the prompts' names. The same (seed, chunk) draws the same noise for every prompt.
        """
        sam, n_samples = self._sam, window.samples.shape[-1]
        prompts = [prompt for prompt in request.prompts if stem_name(prompt) in window.stems]
        features = sam.encode([window.samples[0]])
        n_frames = features.shape[1]
        rows = [anchor_rows(prompt.anchors, n_frames, start=self._first_frame(window)) for prompt in prompts]
        text, text_mask = self._text(tuple(stem_name(prompt) for prompt in prompts))
        velocity = sam.velocity(features, text, text_mask, np.stack(rows))
        start = sam.tensor(noise(request.seed, window.index, n_frames, 2 * sam.n_latents))
        state = start = start.expand(len(prompts), -1, -1)
        method, times = request.solver.method, solvers.times(request.solver.n_steps)
        for done, after in enumerate(solvers.integrate(method, velocity, start, times), start=1):
            state = after
            yield SolverStep(done=done, total=request.solver.n_steps)
        estimates, _ = sam.split(state)
        # One prompt at a time: decoding is where memory peaks, and batching it saves no time.
        decoded = (sam.decode(estimates[i : i + 1])[:, :n_samples].cpu().numpy() for i in range(len(prompts)))
        return {stem_name(prompt): samples for prompt, samples in zip(prompts, decoded, strict=True)}

    def _first_frame(self, window: Window) -> int:
        """The recording's frame at which this window starts; chunks are cut on whole frames."""
        windowing = self.facts.windowing
        hop = 0 if windowing.chunk is None else windowing.chunk - windowing.overlap
        return window.index * hop // self._sam.hop

    def _text(self, texts: tuple[str, ...]) -> tuple[Tensor, Tensor]:
        """Features of the prompts, encoded once a run; the encoder is dropped again."""
        if self._encoded is None or texts != self._texts:
            self._texts, self._encoded = texts, self._sam.text().encode(texts)
        return self._encoded


def load(folder: Path, request: Request, *, revision: str) -> Generator[Event, None, SamAudioModel]:
    """Read the weights, yielding `ModelLoading` before and after."""
    name, device = request.model or folder.name, device_of(request.device)
    total = sum(file.stat().st_size for file in weight_files(folder))
    yield ModelLoading(model=name, total_bytes=total)
    sam = network.load(folder, device=device)
    yield ModelLoading(model=name, done_bytes=total, total_bytes=total)
    facts = ModelFacts(
        model=f"SAM-Audio {name}",
        revision=revision,
        device=device,
        sample_rate=sam.sample_rate,
        n_channels=1,
        windowing=Windowing.of(request.chunks or ChunkSettings(), sam.sample_rate, sam.hop),
    )
    return SamAudioModel(sam, facts)


def stem_name(prompt: Prompt) -> str:
    """The stem a prompt makes."""
    return prompt.text.strip()


def device_of(wanted: str) -> str:
    """The device to use; "auto" takes a GPU where there is one.

    Raises:
        BackendUnavailable: the device that was asked for is not here.
    """
    there: Sequence[tuple[str, bool]] = (
        ("cuda", torch.cuda.is_available()),
        ("mps", torch.backends.mps.is_available()),
        ("cpu", True),
    )
    usable = [name for name, present in there if present]
    if wanted == "auto":
        return usable[0]
    if wanted not in usable:
        raise BackendUnavailable(
            f"There is no {wanted} device here.",
            f"PyTorch sees: {', '.join(usable)}.",
            "Choose the device “auto”, or install a PyTorch build for your GPU.",
        )
    return wanted
