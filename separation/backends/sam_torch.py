"""The SAM-Audio backend on PyTorch: any sound that words can name, by our network with Meta's generative weights.

This module loads no framework. The network is in `separation.models.sam_audio`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Iterator
from dataclasses import replace

from separation.backends import sam_family
from separation.backends.defaults import BackendDefaults
from separation.backends.sam_family import ready_files
from separation.errors import Action, PlaygroundError, PromptError, SettingsError
from separation.events import Event
from separation.hardware.devices import choose_torch_device
from separation.hub import precision
from separation.model import Availability, BackendProfile, ChunkLayout, Model, PublishedModel, Readiness, RunCost
from separation.models.sam_audio import sizes
from separation.models.sam_audio import weights as sam_weights
from separation.models.sam_audio.sources import MODELS
from separation.prompts.targets import Target, own_residuals, refuse_reserved
from separation.request import (
    AUTOMATIC,
    PRECISIONS,
    STITCHES,
    ChunkSettings,
    DemucsSettings,
    Request,
    RequestField,
    SamSettings,
    SpeechSettings,
)

DEFAULT = "small"
# Changes whenever this code's output does, so that kept results are never mistaken for new ones.
REVISION = "2"
SMALLER = {"large": "base", "base": "small", "large-tv": "base-tv", "base-tv": "small-tv"}


class SamTorchBackend(BackendDefaults):
    """Text- and span-prompted separation behind the common protocol; every prompt is a stem of its own."""

    name = "sam_torch"
    label = "SAM-Audio"
    licence = "SAM-Audio's weights are under Meta's SAM Licence"
    takes_anchors = True
    profile = BackendProfile(
        family=sam_family.NAME,
        label_in_family="SAM-Audio (PyTorch)",
        command="sam-audio",
        command_options=("--backend", "torch"),
        packages=("torch", "tokenizers"),
        free_prompts=True,
        precisions=PRECISIONS,
        stitches=STITCHES,
        rerolls=True,
        batches=True,
        presets=sam_family.PRESETS,
        models_tip="Larger models hear finer and take more time, memory and disk.",
    )

    def models(self) -> tuple[str, ...]:
        """Return the published models, the default first; a request may also name a folder of models."""
        return MODELS

    def settle(self, request: Request) -> Request:
        """Fill in what affects the sound (model, chunks, precision), and reset settings that have no effect here.

        The model is the size that suits the prompts best of those that are on this computer.

        Raises:
            SettingsError: multi-diffusion was asked for together with what it cannot do.
        """
        chunks, sam = request.chunks or ChunkSettings(), _settled(request.sam, request)
        if "sam.attention_caching" in self.without_effect(request):
            sam = replace(sam, attention_caching=0.0)
        if sam.precision == AUTOMATIC:
            sam = replace(sam, precision=self.usual_precision(request.device))
        if chunks.stitch == "multidiffusion":
            _check_multidiffusion(sam)
        return replace(
            request,
            backend=self.name,
            model=request.model or sizes.best_here([prompt.text for prompt in request.prompts]) or DEFAULT,
            chunks=chunks,
            demucs=DemucsSettings(),
            sam=sam,
            speech=SpeechSettings(),
        )

    def is_unmeasured(self, request: Request) -> bool:
        """Whether the precision is open, and is not known to be float32 or bfloat16 on this request's device."""
        return request.sam.precision == AUTOMATIC and not precision.is_known(request.device)

    def measure(self, request: Request) -> None:
        """Measure both precisions on the request's device, unless that is remembered."""
        precision.settle(request.device, choose_torch_device(request.device))

    def usual_precision(self, device: str) -> str:
        """Return the precision that is used on a device, named as in a request, where none is asked for."""
        return precision.usual(device)

    def revision(self, request: Request) -> str:
        """Return the identity of the weights and the version of this code."""
        weights = sam_weights.find_sam_audio(request.model or DEFAULT)
        fingerprint = "absent" if weights.files is None else weights.fingerprint()
        return f"{weights.model}-{fingerprint}-{REVISION}"

    def availability(self, request: Request | None = None) -> Availability:
        """Return whether the model's files are on this computer; reads only the disk."""
        for package in ("torch", "tokenizers"):
            if importlib.util.find_spec(package) is None:
                return Availability(
                    readiness=Readiness.NOT_INSTALLED,
                    sentence=f"It needs the package “{package}”.",
                    action=Action.install(package),
                )
        try:
            weights = sam_weights.find_sam_audio((request and request.model) or DEFAULT)
        except PlaygroundError as unusable:
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=unusable.message, action=unusable.action)
        if not weights.usable:
            sentence, action = weights.how_to_get()
            return Availability(readiness=Readiness.NEEDS_WEIGHTS, sentence=sentence, action=action)
        return Availability(readiness=Readiness.USABLE, sentence=f"The model {weights.model} is on this computer.")

    def stems(self, request: Request | None = None) -> tuple[str, ...]:
        """Return one stem for each prompt, then the model's own residuals if they are requested."""
        if request is None:
            return ()
        names = tuple(prompt.text.strip() for prompt in request.prompts)
        return (*names, *own_residuals(names, request))

    def targets(self, request: Request) -> tuple[Target, ...]:
        """Return one target for each prompt: the model accepts any words.

        Raises:
            PromptError: a prompt has the name of a residual.
        """
        stems = self.stems(request)
        refuse_reserved(*stems)
        if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
            raise PromptError(
                f"Two tracks would be called “{twice[0]}”.",
                "With residual “model”, that is the name of what a prompt leaves.",
                "Remove that prompt, or choose residual “mixture”.",
            )
        return tuple(Target(name=stem, stems=frozenset({stem})) for stem in stems)

    def load(self, request: Request) -> Generator[Event, None, Model]:
        """Read the weights from this computer; never goes online."""
        files = yield from ready_files(self, request)
        from separation.models.sam_audio.pytorch.model import load_torch_model  # PyTorch takes seconds to import

        return (yield from load_torch_model(files, request, revision=self.revision(request)))

    def uses(self, request: Request) -> frozenset[RequestField]:
        """Return all settings but those of other separators."""
        return frozenset(RequestField) - {RequestField.DEMUCS, RequestField.SPEECH}

    def without_effect(self, request: Request) -> frozenset[str]:
        """Return also the grid of a single step, and what is not used again where a solve is made in pieces."""
        grid = {"solver.grid"} if request.solver.n_steps == 1 else set()
        in_pieces = (request.chunks or ChunkSettings()).stitch == "multidiffusion"
        return super().without_effect(request) | grid | ({"sam.attention_caching"} if in_pieces else set())

    def layout(self, request: Request) -> ChunkLayout:
        """Return the chunk layout in whole latent frames."""
        return sam_family.layout(request)

    def cost(self, request: Request, duration_s: float) -> RunCost:
        """Return the cost from counted operations and measured memory; see `sam_family.cost`."""
        return sam_family.cost(request, duration_s)

    def smaller(self, request: Request, duration_s: float) -> Iterator[Request]:
        """Yield the request with shorter chunks, with a lower precision, with a smaller model."""
        yield from super().smaller(request, duration_s)
        if request.sam.precision in (AUTOMATIC, self.profile.precisions[0]):
            # int8 is computed on processors only; where the device is open it may be a graphics card.
            fit = "int8" if request.device == "cpu" else "bfloat16"
            lower = next((one for one in (fit, "bfloat16") if one in self.profile.precisions), None)
            if lower is not None:
                yield replace(request, sam=replace(request.sam, precision=lower))
        if request.model in SMALLER:
            yield replace(request, model=SMALLER[request.model])

    def summary(self, request: Request) -> tuple[str, ...]:
        """Return the model, the solver with its steps, and the seed if there is one."""
        return sam_family.summary(request)

    def published(self, model: str | None = None) -> tuple[PublishedModel, ...]:
        """Return the published models, and the text encoder that they need; or one, with what it needs."""
        return sam_family.published(model)

    def fetch(self, entry: PublishedModel) -> Generator[Event, None, None]:
        """Download from the Hugging Face hub."""
        yield from sam_family.fetch(entry)

    def remove(self, entry: PublishedModel) -> int:
        """Delete from the Hugging Face cache."""
        return sam_family.remove(entry)


def _settled(sam: SamSettings, request: Request) -> SamSettings:
    """Return the SAM-Audio settings with those that have no effect on this request at their defaults."""
    marked = any(anchor.sign == "+" for prompt in request.prompts for anchor in prompt.anchors)
    # With several candidates, a re-roll from the first one's seed chooses that one.
    rerolls = (reroll for reroll in sam.rerolls if reroll.seed != request.seed or sam.candidates > 1)
    return replace(
        sam,
        chain=sam.chain and len(request.prompts) > 1,
        only_inside=sam.only_inside and marked,
        rerolls=tuple(sorted(rerolls, key=lambda reroll: reroll.chunk)),
    )


def _check_multidiffusion(sam: SamSettings) -> None:
    """Raise `SettingsError` for settings that need each window to be finished separately."""
    refused = (
        (sam.chain, "chained prompts"),
        (sam.only_inside, "only_inside"),
        (sam.candidates > 1, "several candidates"),
    )
    for asked, name in refused:
        if asked:
            raise SettingsError(
                f"Multi-diffusion cannot be combined with {name}.",
                "It solves all windows of the recording together, for all prompts at once.",
                "Choose stitch “crossfade”, or leave that setting out.",
            )
