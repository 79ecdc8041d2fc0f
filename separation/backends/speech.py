"""The speech backend: what is spoken in a recording, and everything else, without download or account.

This module loads nothing native; the networks are in `separation.models.speech`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from separation.backends import builtin
from separation.backends.defaults import UNUSED_SAM, BackendDefaults, chunk_of, overlapping
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
)
from separation.model.windowing import Windowing
from separation.models.builtin.revision import revision_of
from separation.models.speech import SAMPLE_RATE, carrier
from separation.prompts import vocabulary
from separation.prompts.targets import Target
from separation.request import ChunkSettings, Request, RequestField, SpeechSettings

if TYPE_CHECKING:
    from separation.models.builtin.network import SeparatorNetwork

BLEND, DEEPFILTERNET = "blend", "deepfilternet3"
PODCAST = "Podcast clean-up"
SPEECH, NOISE = STEMS = ("speech", "noise")
# Chunks short enough for the first one to be heard within two seconds.
DEFAULT_CHUNKS = ChunkSettings(chunk_s=10.0, overlap_s=1.0)
# Context on each side of a chunk, in which the network settles. Of a voice at 5 dB in pink noise, what windows with 2 s
# of it make differs from what the whole recording makes by -19 to -29 dB, with 0.5 s by -18 to -21 dB; either is as
# close to the truth. The level of a moment is that of the 2 s around it.
CONTEXT_S = 2.0
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "4"
# 10^9 operations for a second of stereo, as of their time beside the built-in separator's.
WORK = {DEEPFILTERNET: 20.0, BLEND: 32.0}


class SpeechBackend(BackendDefaults):
    """Speech by DeepFilterNet3 and the built-in network, behind the common `Backend` protocol; noise is the rest."""

    name = "speech"
    label = "Speech separator"
    licence = "DeepFilterNet3 by Hendrik Schröter is under MIT or Apache-2.0"
    profile = BackendProfile(
        about="By networks for noisy speech: speech, and noise, which is everything else.",
        packages=("numpy", "torch", carrier.PACKAGE),
        presets={"Balanced": {}, PODCAST: {"speech": SpeechSettings(attenuation_db=12.0)}},
        offered=(PODCAST,),
        models_tip="blend weighs DeepFilterNet3 against the built-in network, band by band and moment by moment, and "
        "is the best in nearly any noise; deepfilternet3 is that network alone, in half the time.",
    )

    def models(self) -> tuple[str, ...]:
        """Return the blend of both networks, and the one that can do it alone."""
        return (BLEND, DEEPFILTERNET)

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return what it is, the network if it is alone, and the strength if it has a limit."""
        alone = [DEEPFILTERNET] if request.model == DEEPFILTERNET else []
        level = request.speech.attenuation_db
        return ("speech separator", *alone, *([f"{level:g} dB"] if level is not None else []))

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
            sam=UNUSED_SAM,
        )

    def revision(self, request: Request) -> str:
        """Return the version of the package that carries the network, the built-in weights, and this code's version."""
        try:
            carried = version(carrier.PACKAGE)
        except PackageNotFoundError:
            carried = "absent"
        network = f"-{revision_of(builtin.WEIGHTS)}" if request.model == BLEND else ""
        return f"{request.model}-{carried}{network}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Usable where the package that carries the network is installed."""
        if carrier.find() is None:
            missing, install = carrier.NOT_INSTALLED, carrier.INSTALL
            return Availability(readiness=Readiness.NOT_INSTALLED, sentence=missing, action=install)
        if (request is None or request.model != DEEPFILTERNET) and not builtin.WEIGHTS.exists():
            return builtin.BuiltinBackend().availability()
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
        network = None
        if request.model == BLEND:
            from separation.models.builtin.weights import read_network  # PyTorch takes seconds to import

            network = read_network(builtin.WEIGHTS)
        return _Speech(carried, network, request, self.revision(request), self.layout(request))

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
            work=WORK[request.model or BLEND] * overlapping(request) * (held_s / chunk_s if chunk_s else 1.0),
            held_s=held_s,
            load_s=(0.1, 1.0) if request.model == DEEPFILTERNET else (1.5, 6.0),
            loaded_mb=150.0 if request.model == DEEPFILTERNET else 330.0,
            mb_per_s=6.0 if request.model == DEEPFILTERNET else 12.0,
        )


def _target(matched: Target) -> Target:
    """Return the same target in terms of the one stem that is estimated, speech."""
    estimated = frozenset({SPEECH})
    if len(matched.stems) == len(STEMS):  # “speech and noise” is the mixture
        return replace(matched, stems=frozenset(), complement=not matched.complement)
    return replace(matched, stems=estimated, complement=matched.complement != (NOISE in matched.stems))


class _Speech:
    def __init__(
        self,
        carried: carrier.Carrier,
        network: SeparatorNetwork | None,
        request: Request,
        revision: str,
        layout: ChunkLayout,
    ) -> None:
        self._carrier, self._network = carried, network
        self.facts = ModelFacts(
            model=str(request.model),
            revision=revision,
            device="cpu",
            sample_rate=layout.sample_rate,
            n_channels=2,
            windowing=layout.windowing,
        )

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        from separation.models.speech.separator import limited, speech_in

        speech = speech_in(window.samples, self._carrier, self._network)
        yield SolverStep(done=1, total=1)
        return {SPEECH: limited(speech, window.samples, request.speech.attenuation_db)}
