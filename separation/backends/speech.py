"""The speech backend: what is spoken in a recording, and everything else, without download or account.

This module loads nothing native; the networks are in `separation.models.speech`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from separation.backends.defaults import BackendDefaults, chunk_of, overlapping
from separation.errors import SettingsError
from separation.events import Event, ModelLoading, SolverStep
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
    Windowing,
)
from separation.models.speech import SAMPLE_RATE, carrier
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request, RequestField

DEEPFILTERNET = "deepfilternet3"
SPEECH, NOISE = STEMS = ("speech", "noise")
# Chunks short enough for the first one to be heard within two seconds.
DEFAULT_CHUNKS = ChunkSettings(chunk_s=10.0, overlap_s=1.0)
# Context on each side of a chunk, in which the network settles. Of a voice at 5 dB in pink noise, what windows with 2 s
# of it make differs from what the whole recording makes by -19 to -29 dB, with 0.5 s by -18 to -21 dB; either is as
# close to the truth. The level of a moment is that of the 2 s around it.
CONTEXT_S = 2.0
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "1"
WORK = 4.5  # 10^9 operations for a second of stereo, as of its time beside the built-in separator's


class SpeechBackend(BackendDefaults):
    """Speech by DeepFilterNet3, behind the common `Backend` protocol; noise is the mixture without it."""

    name = "speech"
    label = "Speech separator"
    licence = "DeepFilterNet3 by Hendrik Schröter is under MIT or Apache-2.0"
    profile = BackendProfile(
        about="By a network for noisy speech: speech, and noise, which is everything else.",
        packages=("numpy", carrier.PACKAGE),
    )

    def models(self) -> tuple[str, ...]:
        """Return the name of the one network."""
        return (DEEPFILTERNET,)

    def settle(self, request: Request) -> Request:
        """Keep prompts, chunks and strength, reset all else; an unknown model raises `SettingsError`."""
        if request.model not in (None, *self.models()):
            raise SettingsError(
                f"The speech separator has no model “{request.model}”.",
                "",
                f"Leave the model open, or name one of: {', '.join(self.models())}.",
            )
        return Request(
            prompts=request.prompts,
            backend=self.name,
            model=request.model or self.models()[0],
            device="cpu",
            chunks=replace(request.chunks or DEFAULT_CHUNKS, stitch="crossfade"),
            speech=request.speech,
        )

    def revision(self, request: Request) -> str:
        """Return the version of the package that carries the network, and that of this code."""
        try:
            carried = version(carrier.PACKAGE)
        except PackageNotFoundError:
            carried = "absent"
        return f"{request.model}-{carried}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Usable where the package that carries the network is installed."""
        if carrier.find() is None:
            return Availability(readiness=Readiness.NOT_INSTALLED, sentence=carrier.HOW_TO_INSTALL)
        return Availability(
            readiness=Readiness.USABLE,
            sentence="Works without download or account: speech, and the noise around it. It can do little about other "
            "talkers and reverberation.",
        )

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return speech and noise, the same for every request."""
        return STEMS

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Match prompts to speech and noise by the vocabulary's synonyms; `PromptError` if none fits.

        Noise is the mixture minus the speech, so that both together are the mixture at any rate.
        """
        backend = "the speech separator"
        return tuple(_target(vocabulary.match(prompt.text, STEMS, backend=backend)) for prompt in request.prompts)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights, which are checked, as the library ends the process on others, and open the library."""
        yield ModelLoading(model=str(request.model))
        from separation.models.speech.deepfilternet import open_library  # 17 MB of native code

        carried = carrier.checked()
        open_library(carried.library)
        return _Speech(carried, request, self.revision(request), self.layout(request))

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return the chunk settings and its own: it always runs on the CPU."""
        return frozenset({RequestField.CHUNKS, RequestField.SPEECH})

    def layout(self, request: Request) -> ChunkLayout:
        """Return the chunk layout: the requested chunks, plus the context on each side."""
        windowing = Windowing.of(request.chunks or DEFAULT_CHUNKS, SAMPLE_RATE)
        return ChunkLayout(SAMPLE_RATE, 1, replace(windowing, context=int(CONTEXT_S * SAMPLE_RATE)))

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the cost as measured on two cores."""
        chunk_s = chunk_of(request, duration_s)
        held_s = min(duration_s, chunk_s + 2 * CONTEXT_S)
        return RunCost(
            work=WORK * overlapping(request) * (held_s / chunk_s if chunk_s else 1.0),
            held_s=held_s,
            load_s=(0.1, 1.0),
            loaded_mb=150.0,
            mb_per_s=6.0,
        )


def _target(matched: Target) -> Target:
    """Return the same target in terms of the one stem that is estimated, speech."""
    estimated = frozenset({SPEECH})
    if len(matched.stems) == len(STEMS):  # “speech and noise” is the mixture
        return replace(matched, stems=frozenset(), complement=not matched.complement)
    return replace(matched, stems=estimated, complement=matched.complement != (NOISE in matched.stems))


class _Speech:
    def __init__(self, carried: carrier.Carrier, request: Request, revision: str, layout: ChunkLayout) -> None:
        self._carrier = carried
        self.facts = ModelFacts(
            model=str(request.model),
            revision=revision,
            device="cpu",
            sample_rate=layout.sample_rate,
            n_channels=2,
            windowing=layout.windowing,
        )

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        from separation.models.speech.separator import by_deepfilternet, limited

        speech = by_deepfilternet(window.samples, self._carrier)
        yield SolverStep(done=1, total=1)
        return {SPEECH: limited(speech, window.samples, request.speech.attenuation_db)}
