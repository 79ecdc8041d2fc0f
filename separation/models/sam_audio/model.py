"""`SamAudioModel` adapts a SAM-Audio network to the pipeline: a window and prompts in, stems out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from separation import solvers
from separation.events import Event, KernelsLaunched, SolverStep, as_part
from separation.model import LatentFacts, ModelFacts, Samples, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio.anchors import anchor_rows
from separation.models.sam_audio.framing import DECODER_CONTEXT
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.prompted import (
    Array,
    Network,
    active,
    chained,
    clips,
    distinct,
    stem_name,
    stems,
)
from separation.request import ChunkSettings, Prompt, Request


class SamAudioModel:
    """A loaded SAM-Audio as a `LatentModel`, on any framework. It knows nothing of files, chunks or pages."""

    def __init__(self, network: Network, facts: ModelFacts) -> None:
        self.facts = facts
        self._network = network
        self._texts: tuple[str, ...] = ()
        self._encoded: tuple[Samples, NDArray[np.bool_]] | None = None

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window under its prompts.

        All prompts are solved at once, the mixture encoded once for them, unless they are chained. Every prompt and
        every clip of a window starts from the same noise, that of (seed, chunk).
        """
        if request.sam.chain:
            return (yield from chained(window, request, self._prompted))
        return (yield from self._prompted(window, request))

    def separate_batch(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, list[Mapping[str, Samples]]]:
        """Return what `separate` returns for each window, solving all at once; windows need one length.

        One after another where prompts are chained, or where not every window has the same prompts to compute. The
        solver steps count for the whole batch.
        """
        if request.sam.chain or len({active(request, window) for window in windows}) > 1:
            made = []
            for part, window in enumerate(windows):
                made.append((yield from as_part(self.separate(window, request), part, len(windows))))
            return made
        return (yield from self._together(windows, request))

    def encodes(self, window: Window, request: Request) -> bool:
        """Whether `separate` needs the window's features; chained prompts have a different input each."""
        return not request.sam.chain and bool(active(request, window))

    def encode(self, window: Window, request: Request) -> Generator[Event, None, Samples]:
        """Return the latents of a window's clips, (clips, frames, latents); every window has equally many clips."""
        yield from ()
        network = self._network
        return network.numpy(network.encode(list(clips(window.samples, request.sam.stereo))))

    def velocity(
        self, window: Window, features: Samples, state: Samples, t: float, request: Request
    ) -> Generator[Event, None, Samples]:
        """Return the velocity at `state` (prompts, clips, frames, state channels), of its shape, for all prompts."""
        network = self._network
        field = self._field(features, [window] * len(features), request.prompts, request)
        velocity = network.numpy(field(network.tensor(_rows(state)), t))
        yield from self._launched(request)
        return velocity.reshape(state.shape)

    def decode(self, window: Window, state: Samples, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Return the requested stems, of the window's shape, from a state (prompts, clips, frames, state channels)."""
        yield from ()
        return self._stems(window, dict(zip(request.prompts, state, strict=True)), request)

    def _prompted(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        (made,) = yield from self._together([window], request)
        return made

    def _together(
        self, windows: Sequence[Window], request: Request
    ) -> Generator[Event, None, list[Mapping[str, Samples]]]:
        """Return the stems of windows for which the same prompts are computed."""
        prompts = active(request, windows[0])
        if not prompts:
            return [self._stems(window, {}, request) for window in windows]
        features = self._features(windows, request)
        state = yield from self._solved(windows, features, prompts, request)
        states = np.split(state, np.cumsum([len(here) for here in features[:-1]]), axis=1)
        return [
            self._stems(window, dict(zip(prompts, part, strict=True)), request)
            for window, part in zip(windows, states, strict=True)
        ]

    def _features(self, windows: Sequence[Window], request: Request) -> list[Samples]:
        """Return each window's features, (clips, frames, latents); if all clips are equal, those of one."""
        network = self._network
        clips_of = [distinct(clips(window.samples, request.sam.stereo)) for window in windows]
        if all(window.features is not None for window in windows):
            known = [window.features for window in windows if window.features is not None]
            return [features[: len(here)] for features, here in zip(known, clips_of, strict=True)]
        features = network.numpy(network.encode([clip for here in clips_of for clip in here]))
        return np.split(features, np.cumsum([len(here) for here in clips_of[:-1]]))

    def _solved(
        self, windows: Sequence[Window], features_of: Sequence[Samples], prompts: Sequence[Prompt], request: Request
    ) -> Generator[Event, None, Samples]:
        """Return the states at t = 1 of all clips of all windows, (prompts, clips, frames, state channels).

        `features_of` are the features of each window, (clips, frames, latents).
        """
        network = self._network
        owners = [window for window, here in zip(windows, features_of, strict=True) for _ in here]
        features = np.concatenate(features_of)
        n_clips, n_frames, n_latents = features.shape
        field = self._field(features, owners, prompts, request)
        draws = [noise(owner.seed(request), owner.index, n_frames, 2 * n_latents) for owner in owners]
        state = network.tensor(np.tile(draws, (len(prompts), 1, 1)))
        times = solvers.times(request.solver.n_steps, request.solver.grid)
        for done, after in enumerate(solvers.integrate(request.solver.method, field, state, times), start=1):
            state = after
            yield SolverStep(done=done, total=request.solver.n_steps)
        yield from self._launched(request)
        return network.numpy(state).reshape(len(prompts), n_clips, n_frames, 2 * n_latents)

    def _launched(self, request: Request) -> Iterator[Event]:
        """Say how kernels were launched, after evaluations for which that was a choice."""
        if self._network.launches and not request.sam.attention_caching:
            yield KernelsLaunched(how=self._network.launches)

    def _field(
        self, features: Samples, owners: Sequence[Window], prompts: Sequence[Prompt], request: Request
    ) -> Callable[[Array, float], Array]:
        """The velocity field of every prompt with every clip, prompt by prompt; `owners` are the clips' windows."""
        network, (text, text_mask) = self._network, self._text(request)
        n_clips, n_frames, _ = features.shape
        spoken = np.repeat([request.prompts.index(prompt) for prompt in prompts], n_clips)
        rows = [
            anchor_rows(owner.anchors.get(stem_name(prompt), ()), n_frames) for prompt in prompts for owner in owners
        ]
        return network.velocity(
            network.tensor(np.tile(features, (len(prompts), 1, 1))),
            network.tensor(text[spoken]),
            network.tensor(text_mask[spoken]),
            np.stack(rows),
            attention_caching=request.sam.attention_caching,
        )

    def _stems(self, window: Window, solved: Mapping[Prompt, Samples], request: Request) -> dict[str, Samples]:
        """The wanted stems, from the states (clips, frames, state channels) of the prompts that were computed."""
        network, n_samples = self._network, window.samples.shape[-1]

        def estimate(prompt: Prompt, half: int) -> Samples:
            latents = np.split(solved[prompt], 2, axis=-1)[half]
            # One clip at a time: decoding is where memory peaks, and batching it saves no time.
            decoded = [network.numpy(network.decode(network.tensor(clip[None])))[:, :n_samples] for clip in latents]
            return np.concatenate(decoded)

        return stems(window, request, estimate)

    def _text(self, request: Request) -> tuple[Samples, NDArray[np.bool_]]:
        """Features and mask of all prompts of the request, encoded once a run; the encoder is dropped again."""
        texts = tuple(stem_name(prompt) for prompt in request.prompts)
        if self._encoded is None or texts != self._texts:
            features, mask = self._network.text().encode(texts)
            self._texts, self._encoded = texts, (np.asarray(features, np.float32), np.asarray(mask, np.bool_))
        return self._encoded


def facts_of(
    network: Network, request: Request, *, name: str, revision: str, device: str, batch: int = 1
) -> ModelFacts:
    """Return the `ModelFacts` of a network that was loaded for `request`."""
    return ModelFacts(
        model=f"SAM-Audio {name}",
        revision=revision,
        device=device,
        sample_rate=network.sample_rate,
        n_channels=1 if request.sam.stereo == "mono" else 2,
        windowing=Windowing.of(request.chunks or ChunkSettings(), network.sample_rate, network.hop),
        frame=network.hop,
        generative=True,
        batch=batch,
        latents=LatentFacts(state_channels=2 * network.n_latents, context_frames=DECODER_CONTEXT),
    )


def _rows(state: Samples) -> Samples:
    """Reshape a state (prompts, clips, frames, channels) to one batch, prompt by prompt."""
    return state.reshape(-1, *state.shape[2:])
