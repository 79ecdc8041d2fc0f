"""The built-in backend: a small network that ships with the program, without download or account.

This module loads no framework; the network is in `separation.models.builtin`, its weights and model card in
`assets/builtin`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from separation.backends.defaults import UNUSED_SAM, BackendDefaults
from separation.chunking.plan import plan
from separation.errors import SettingsError, WeightsMissing
from separation.events import Event, ModelLoading, SolverStep
from separation.hardware.devices import choose_torch_device
from separation.model import (
    Availability,
    BackendProfile,
    ChunkLayout,
    Model,
    ModelFacts,
    Readiness,
    RunCost,
    Samples,
    Window,
)
from separation.model.windowing import Windowing
from separation.models.builtin import SAMPLE_RATE
from separation.models.builtin.revision import revision_of
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request

if TYPE_CHECKING:
    from separation.models.builtin.network import SeparatorNetwork

NETWORK = "network"
WEIGHTS = Path(__file__).parents[2] / "assets" / "builtin" / "network.safetensors"
MODEL_CARD = WEIGHTS.with_name("MODEL_CARD.md")
# Chunks long enough for the network to see a musical phrase, short enough for the first one to be played early.
DEFAULT_CHUNKS = ChunkSettings(chunk_s=10.0, overlap_s=1.0)
# Context on each side of a chunk: the network reads in both directions, and knows a voice by what it has heard around.
# Beside the whole recording the demo's voice lost 1.8 to 4.8 dB with 0.5 s of it, by where the cuts fell; up to 1.6 dB
# with 4 s; nothing with 6 s. Chunks that are shorter, to save memory, have less.
CONTEXT_S, CONTEXT_OF_CHUNK = 6.0, 0.6
# What it offers of the network's classes. Piano, guitar and strings were worse than the untouched song in 20 to 67 % of
# 24 real arrangements, also with the soundfont of the training; what they hold is part of “everything else”.
STEMS = ("drums", "bass", "vocals")
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "5"
MANY_CHUNKS = 50
WORK = 12.0  # 10^9 operations for a second of audio, as of its time beside SAM-Audio's: 1.0 s for 17 s on two cores


class BuiltinBackend(BackendDefaults):
    """Three stems from masks of one recurrent network, behind the common `Backend` protocol."""

    name = "builtin"
    label = "Built-in separator"
    licence = "MIT, part of this program"
    profile = BackendProfile(
        family="builtin",
        about="By the network that comes with the program: drums, bass, vocals, and everything else.",
        packages=("numpy", "torch"),
        model_card=MODEL_CARD,
    )

    def models(self) -> tuple[str, ...]:
        """Return the name of the one network."""
        return (NETWORK,)

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return what it is, as it has one network alone."""
        return ("built-in separator",)

    def settle(self, request: Request) -> Request:
        """Keep prompts, chunks and device, reset all else; an unknown model raises `SettingsError`."""
        if request.model not in (None, NETWORK):
            raise SettingsError(
                f"The built-in separator has no model “{request.model}”.",
                "",
                f"Leave the model open, or name {NETWORK}; the classical methods are the backend “builtin-dsp”.",
            )
        return Request(
            prompts=request.prompts,
            backend=self.name,
            model=NETWORK,
            device=request.device,
            chunks=replace(request.chunks or DEFAULT_CHUNKS, stitch="crossfade"),
            sam=UNUSED_SAM,
        )

    def revision(self, request: Request) -> str:
        """Return the identity of the weights and the version of this code."""
        return f"{NETWORK}-{revision_of(WEIGHTS)}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Usable unless the program's installation is incomplete."""
        if not WEIGHTS.exists():
            return Availability(
                readiness=Readiness.NEEDS_WEIGHTS,
                sentence="Its weights, which come with the program, are gone. Install the program again.",
            )
        return Availability(
            readiness=Readiness.USABLE,
            sentence="Works without download or account: drums, bass, vocals, and everything else.",
        )

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return the three stems, the same for every request."""
        return STEMS

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Match prompts to the three stems by the vocabulary's synonyms; `PromptError` if none fits."""
        backend = "the built-in separator"
        return tuple(vocabulary.match(prompt.text, STEMS, backend=backend) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights and move them to the device."""
        availability = self.availability(request)
        if not availability.usable:
            raise WeightsMissing("The built-in separator cannot run.", availability.sentence)
        yield ModelLoading(model=NETWORK)
        from separation.models.builtin.weights import read_network  # PyTorch takes seconds to import

        device = choose_torch_device(request.device)
        network = read_network(WEIGHTS).to(device)
        return _Network(network, device, self.revision(request), self.layout(request))

    def layout(self, request: Request) -> ChunkLayout:
        """Return the chunk layout: the requested chunks, plus the context the network reads on each side."""
        windowing = Windowing.of(request.chunks or DEFAULT_CHUNKS, SAMPLE_RATE)
        context = int(_context_s(request) * SAMPLE_RATE)
        # Silence beyond the ends is no context. It was a third of what 20 s of music cost. Without it drums, bass and
        # vocals of 13 songs are 0.05, 0.12 and 0.38 dB better in the first 10 s; in the last 9 s drums and bass are
        # 0.06 and 0.09 dB better and vocals 0.32 dB worse (mean SI-SDR; single vocals up to 2 dB either way).
        windowing = replace(windowing, context=context, padded=False)
        if (chunk := windowing.chunk) is None:
            return ChunkLayout(SAMPLE_RATE, 1, windowing)
        # Half a chunk is heard earlier. The last one needs no context behind it, so it takes in a rest of that length:
        # it is not read twice, and no window is longer than those in the middle.
        first = chunk // 2 if windowing.overlap <= chunk // 4 else None
        return ChunkLayout(SAMPLE_RATE, 1, replace(windowing, first=first, last=chunk + context))

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the cost as measured on two cores."""
        windowing = self.layout(request).windowing
        if windowing.chunk is None:
            read, held_s = 1.0, duration_s
        else:
            # As much of a recording as all of a longer one is like, which may be endless.
            n_samples = max(1, int(min(duration_s * SAMPLE_RATE, MANY_CHUNKS * windowing.chunk)))
            windows = [chunk.read_stop - chunk.read_start for chunk in plan(n_samples, windowing)]
            read, held_s = sum(windows) / n_samples, max(windows) / SAMPLE_RATE
        return RunCost(
            work=WORK * read,
            held_s=held_s,
            load_s=(1.5, 6.0),
            loaded_mb=300.0,
            mb_per_s=17.0,
        )


def _context_s(request: Request) -> float:
    chunk_s = (request.chunks or DEFAULT_CHUNKS).chunk_s
    return CONTEXT_S if chunk_s is None else min(CONTEXT_S, CONTEXT_OF_CHUNK * chunk_s)


class _Network:
    def __init__(self, network: SeparatorNetwork, device: str, revision: str, layout: ChunkLayout) -> None:
        self._network = network
        self.facts = ModelFacts(
            model=NETWORK,
            revision=revision,
            device=device,
            sample_rate=layout.sample_rate,
            n_channels=2,
            windowing=layout.windowing,
        )

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        import torch

        from separation.models.builtin.separator import separate

        wanted = sorted(window.stems)
        stems = separate(self._network, torch.from_numpy(window.samples).to(self.facts.device), wanted)
        yield SolverStep(done=1, total=1)
        return dict(zip(wanted, stems.cpu().numpy(), strict=True))
