"""The `Network` protocol of SAM-Audio, and the handling of prompts, channels and residuals around it. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from separation.events import Event, as_part
from separation.model import Window
from separation.models.sam_audio.stereo import projected
from separation.prompts.targets import own_residuals
from separation.request import Prompt, Request

Samples: TypeAlias = NDArray[np.float32]
Separate: TypeAlias = Callable[[Window, Request], Generator[Event, None, Mapping[str, Samples]]]
T = TypeVar("T")
# An array of the network's own kind, on its device. All we do with one is what solvers do: add and scale.
Array: TypeAlias = Any


class TextEncoder(Protocol):
    """Encodes prompts to text features."""

    def encode(self, prompts: Sequence[str]) -> tuple[Any, Any]:
        """Return features (prompts, tokens, dim), and a mask (prompts, tokens) that is True where a token counts.

        Both of any kind that `numpy.asarray` reads. An empty prompt is legal.
        """
        ...


class Network(Protocol):
    """A SAM-Audio network on any framework; PyTorch's is `network.SamAudio`.

    It knows neither chunks nor seeds nor files. Its arrays are its framework's; `tensor` and `numpy` convert them.

    Args:
        sample_rate: Hz of its clips.
        hop: samples of a latent frame.
        n_latents: latent channels of the codec; a state holds twice as many, target before residual.
    """

    sample_rate: int
    hop: int
    n_latents: int

    @property
    def launches(self) -> str:
        """How the kernels of an evaluation are launched, for reports; "" where there is no choice."""
        ...

    def text(self) -> TextEncoder:
        """The encoder of prompts, read anew on each call, so that a caller can drop it after use."""
        ...

    def encode(self, clips: Sequence[Samples]) -> Array:
        """Features (clips, frames, n_latents) of mono clips (samples,), each continued to whole frames by its mirror.

        Raises:
            SettingsError: the clips do not have equally many frames, or are longer than the network can see.
            SeparationError: what came out is not finite.
        """
        ...

    def velocity(
        self,
        features: Array,
        text: Array,
        text_mask: Array,
        anchor_rows: NDArray[np.int64],
        *,
        attention_caching: float = 0.0,
    ) -> Callable[[Array, float], Array]:
        """The velocity field of a batch, one row a pair of clip and prompt.

        Args:
            features: (batch, frames, n_latents), float32.
            text: (batch, tokens, text dim), float32, of prompts that may be padded to the longest.
            text_mask: (batch, tokens), bool.
            anchor_rows: (batch, frames), from `anchors.anchor_rows`.
            attention_caching: see `SamSettings`; of one solve, whose evaluations come in order. A network that has no
                such thing is only ever given 0.

        Returns:
            A function of a state (batch, frames, 2 * n_latents) and a time from 0 to 1, which gives the state's rate of
            change: float32, already computed where arrays are lazy, and SeparationError where it is not finite.
        """
        ...

    def decode(self, latents: Array) -> Array:
        """Samples (batch, frames * hop) of latents (batch, frames, n_latents); SeparationError if not finite."""
        ...

    def tensor(self, values: NDArray[Any]) -> Array:
        """An array of this network's kind: bool stays bool, all else becomes float32."""
        ...

    def numpy(self, values: Array) -> Samples:
        """An array that came out of this network, float32."""
        ...


def stem_name(prompt: Prompt) -> str:
    """Return the name of a prompt's stem."""
    return prompt.text.strip()


def active(request: Request, window: Window) -> tuple[Prompt, ...]:
    """Return the prompts that have to be computed in this window, in the request's order.

    Prompts without a requested stem are left out, and with `only_inside` those whose + spans all lie elsewhere.
    """
    return tuple(
        prompt
        for prompt in request.prompts
        if not window.stems.isdisjoint(stems_of(prompt, request)) and not window.leaves_out(prompt, request)
    )


def stems_of(prompt: Prompt, request: Request) -> tuple[str, ...]:
    """Return a prompt's stems in the state's order: its target and, if the model's own is requested, its residual."""
    name = stem_name(prompt)
    return (name, *own_residuals([name], request))


def clips(samples: Samples, stereo: str) -> Samples:
    """Return the network's input for a window (channels, samples), as mono clips (clips, samples).

    Each channel for "sides"; otherwise their mean, as in the official code.
    """
    return samples if stereo == "sides" else samples.mean(axis=0, keepdims=True)


def distinct(clips: Samples) -> Samples:
    """Return the clips, or only the first if all are equal, as they would have equal results."""
    return clips[:1] if np.array_equal(clips, np.broadcast_to(clips[:1], clips.shape)) else clips


def placed(estimate: Samples, mixture: Samples, stereo: str) -> Samples:
    """Return an estimate (clips, samples) in the channels of the mixture (channels, samples)."""
    if stereo == "projected":
        return projected(estimate[0], mixture)
    return np.repeat(estimate, len(mixture) // len(estimate), axis=0)


def stems(window: Window, request: Request, estimate: Callable[[Prompt, int], Samples]) -> dict[str, Samples]:
    """Return the requested stems of a window, each of its shape.

    Of a prompt that is not computed here the target is silent, so its residual is all there is.

    Args:
        window: with the mixture's samples.
        request: the prompts.
        estimate: gives clips (clips, samples) for a prompt and the half of the state: 0 the target, 1 the residual.
    """
    computed, made = active(request, window), {}
    for prompt in request.prompts:
        for half, stem in enumerate(stems_of(prompt, request)):
            if stem not in window.stems:
                continue
            if prompt in computed:
                made[stem] = placed(estimate(prompt, half), window.samples, request.sam.stereo)
            else:
                made[stem] = window.samples.copy() if half else np.zeros_like(window.samples)
    return made


def chained(window: Window, request: Request, separate: Separate) -> Generator[Event, None, dict[str, Samples]]:
    """Return a window's stems, each prompt on the residual of those before, up to the last requested one."""
    last = max(i for i, prompt in enumerate(request.prompts) if stem_name(prompt) in window.stems)
    links, left, made = request.prompts[: last + 1], window.samples, {}
    for part, prompt in enumerate(links):
        name = stem_name(prompt)
        link = replace(window, samples=left, stems=frozenset({name}))
        found = yield from as_part(separate(link, request), part, len(links))
        left = left - found[name]
        made[name] = found[name]
    return made
