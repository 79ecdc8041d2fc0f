"""Runs Demucs networks: one window in, every stem out.

The pipeline cuts and joins, not `demucs.apply.apply_model`, so that finished segments can be played, kept and resumed.
Without shifts the result is that of `demucs.api.Separator` within float32 rounding; only a segment of an odd number of
samples with half overlap shares one sample less.

Shifts differ on purpose: Demucs shifts the whole recording by draws from the global generator; we shift each segment
by draws from `numpy.random.default_rng([seed, segment])`, so that a run can be repeated, resumed and distributed.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from demucs.apply import BagOfModels
from demucs.apply import Model as Network
from demucs.htdemucs import HTDemucs
from torch.nn import functional

from separation.errors import BackendUnavailable, SeparationError, SettingsError
from separation.events import Event, ModelLoading, PrecisionMeasured, SolverStep
from separation.hardware.allocator import keep_freed_memory
from separation.hardware.devices import choose_torch_device
from separation.hardware.failures import explain_failure
from separation.hub import precision
from separation.model import ModelFacts, Samples, Window
from separation.model.windowing import Windowing
from separation.models.demucs.cpu_layers import use_cpu_layers
from separation.models.demucs.half_layers import can_be_half, use_half_layers
from separation.models.demucs.stored import read_network
from separation.models.demucs.weights import DemucsWeights
from separation.request import DemucsSettings, Request

MAX_SHIFT_S = 0.5  # as in demucs.apply.apply_model
MARGIN_PERIOD = 4**6  # samples: six layers of stride 4


def load_demucs(weights: DemucsWeights, request: Request, *, revision: str) -> Generator[Event, None, DemucsModel]:
    """Read every network of a model from this computer and move it to the device.

    Raises:
        BackendUnavailable: a file is damaged or was replaced, or the device is not here.
        SettingsError: the segment is longer than a transformer network can see.
    """
    keep_freed_memory()
    # The fused encoder layer is slower here: 2.2 s instead of 1.8 s for a segment of htdemucs on two cores.
    torch.backends.mha.set_fastpath_enabled(False)
    device = choose_torch_device(request.device)
    total_bytes = sum(path.stat().st_size for path in weights.paths)
    done_bytes = 0
    networks: dict[Path, Network] = {}
    for path in weights.paths:
        yield ModelLoading(model=weights.model, done_bytes=done_bytes, total_bytes=total_bytes)
        if path not in networks:
            networks[path] = read_network(path)
        done_bytes += path.stat().st_size
    bag = _bagged(weights, [networks[path] for path in weights.paths])
    windowing = windowing_of(bag, request.demucs)
    bag.eval().to(device)
    for network in {id(network): network for network in _networks(bag)}.values() if device == "cpu" else ():
        if request.sam.precision == "bfloat16" and can_be_half(network):
            use_half_layers(cast(HTDemucs, network))
        else:
            use_cpu_layers(network)
    yield ModelLoading(model=weights.model, done_bytes=done_bytes, total_bytes=total_bytes)
    if device == "cpu" and any(isinstance(network, HTDemucs) for network in _networks(bag)):
        yield PrecisionMeasured(why=precision.settle("cpu", "cpu"))
    return DemucsModel(
        bag,
        ModelFacts(
            model=weights.model,
            revision=revision,
            device=device,
            sample_rate=bag.samplerate,
            n_channels=bag.audio_channels,
            windowing=windowing,
            levelled=True,
        ),
    )


class DemucsModel:
    """A loaded bag of networks."""

    def __init__(self, bag: BagOfModels, facts: ModelFacts) -> None:
        self.facts = facts
        self._bag = bag
        shares = torch.tensor(bag.weights, dtype=torch.float32)  # (networks, stems)
        self._shares = shares / shares.sum(dim=0)

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """See `separation.model.Model`; one step per network and shift."""
        mixture = torch.from_numpy(np.ascontiguousarray(window.samples)).to(self.facts.device)  # (channels, samples)
        offsets = self._offsets(window, request)  # (networks, evaluations)
        useful = self._useful(window.stems)
        total = len(useful) * offsets.shape[1]
        # Estimates are summed where the networks run, and leave a graphics card once: (stems, channels, samples).
        estimates = mixture.new_zeros(len(self._bag.sources), *mixture.shape)
        done = 0
        networks = _networks(self._bag)
        for index in useful:
            shares, row = self._shares[index].to(mixture.device), offsets[index]
            for offset in row:
                estimate, start = self._evaluate(networks[index], mixture, int(offset), request)
                stop = start + estimate.shape[-1]
                estimates[..., start:stop] += estimate * (shares[:, None, None] / len(row))
                done += 1
                yield SolverStep(done=done, total=total)
        if not torch.isfinite(estimates).all():
            raise SeparationError(
                f"{self.facts.model} answered with values that are not numbers.",
                "Half precision can overflow; otherwise the weights may be damaged.",
                "Turn mixed precision off, or load the weights again.",
            )
        answers = zip(self._bag.sources, estimates.cpu(), strict=True)
        return {name: estimate.numpy() for name, estimate in answers if name in window.stems}

    def _useful(self, stems: frozenset[str]) -> list[int]:
        """Return the networks that contribute to any of these stems: for one stem of `htdemucs_ft`, one of four."""
        columns = [column for column, name in enumerate(self._bag.sources) if name in stems]
        return [index for index, shares in enumerate(self._shares) if bool(shares[columns].any())]

    def _offsets(self, window: Window, request: Request) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the sample of the window at which each evaluation's view starts, shape (networks, evaluations)."""
        n_networks, shifts = len(self._bag.models), request.demucs.shifts
        if not shifts:
            return np.zeros((n_networks, 1), dtype=np.int64)
        draws = np.random.default_rng([request.seed, window.index])
        return draws.integers(0, max_shift(self._bag.samplerate), size=(n_networks, shifts), endpoint=True)

    def _evaluate(
        self, network: Network, mixture: torch.Tensor, offset: int, request: Request
    ) -> tuple[torch.Tensor, int]:
        """Evaluate one network on a view of the window.

        Returns:
            Estimates (stems, channels, samples) in float32 on the device, and where in the window they start.
        """
        # The window is the view, room for the shift, and (for convolutions without padding) a margin on each side.
        n_shift = max_shift(self._bag.samplerate) if request.demucs.shifts else 0
        margin = self.facts.windowing.context - n_shift
        start = margin + offset
        length = mixture.shape[-1] - 2 * margin - n_shift
        try:
            with torch.inference_mode(), _precision(self.facts.device, request.demucs):
                view = _view(network, mixture, start, length)
                answer = network(view[None])[0].float()
        except RuntimeError as failure:
            raise _device_failure(failure, self.facts) from failure
        lead = (answer.shape[-1] - length) // 2
        return answer[..., lead : lead + length], start


def windowing_of(bag: BagOfModels, settings: DemucsSettings) -> Windowing:
    """Return Demucs' own cut: segments start every `(1 - overlap_ratio)` of a segment and fade linearly.

    With shifts a chunk is shorter than the segment by the largest shift, so that every shifted view holds all of it.

    Raises:
        SettingsError: `segment_s` exceeds what a transformer network was trained for.
    """
    longest_s = float(bag.max_allowed_segment)
    if settings.segment_s is not None and settings.segment_s > longest_s:
        raise SettingsError(
            f"A segment of {settings.segment_s:g} s is too long for this model.",
            f"Its transformer was trained on {longest_s:g} s and cannot see more.",
            f"Choose at most {longest_s:g} s, or leave it open.",
        )
    n_shift = max_shift(bag.samplerate) if settings.shifts else 0
    if not settings.split and longest_s == float("inf"):
        return Windowing(chunk=None, context=n_shift, fade="linear", fixed=True)
    segment_s = settings.segment_s or min(network.segment for network in _networks(bag))
    segment = int(bag.samplerate * segment_s)
    chunk = segment - n_shift
    overlap = chunk - int((1 - settings.overlap_ratio) * chunk)
    return Windowing(
        chunk=chunk,
        overlap=min(overlap, chunk // 2),
        context=n_shift + _margin(bag, segment),
        fade="linear",
        fixed=True,
        fill_last=any(isinstance(network, HTDemucs) for network in _networks(bag)),
    )


def max_shift(sample_rate: int) -> int:
    """Return the largest shift in samples."""
    return int(MAX_SHIFT_S * sample_rate)


def _networks(bag: BagOfModels) -> list[Network]:
    return cast("list[Network]", list(bag.models))  # torch types a ModuleList's items as plain modules


def _margin(bag: BagOfModels, longest: int) -> int:
    """Return the samples on each side that networks without padding need; Demucs calls the sum `valid_length`."""
    lengths = range(max(1, longest - MARGIN_PERIOD), longest + 1)  # the need repeats with the product of the strides
    needed = max(
        (
            _valid_length(network, length) - length
            for network in _networks(bag)
            if hasattr(network, "valid_length")
            for length in lengths
        ),
        default=0,
    )
    return (needed + 1) // 2


def _valid_length(network: Network, length: int) -> int:
    # HTDemucs fills up to its training length by itself, on the right; its valid_length is about something else.
    if isinstance(network, HTDemucs) or not hasattr(network, "valid_length"):
        return length
    return int(cast(Any, network).valid_length(length))  # Demucs ships no types for it


def _view(network: Network, mixture: torch.Tensor, start: int, length: int) -> torch.Tensor:
    """Return samples [start, start + length) with the network's margins (demucs.apply.TensorChunk.padded)."""
    n_samples = _valid_length(network, length)
    first = start - (n_samples - length) // 2
    last = first + n_samples
    inside = mixture[..., max(0, first) : min(last, mixture.shape[-1])]
    return functional.pad(inside, (max(0, -first), max(0, last - mixture.shape[-1])))


def _bagged(weights: DemucsWeights, networks: list[Network]) -> BagOfModels:
    try:
        shares = None if weights.bag.weights is None else [list(row) for row in weights.bag.weights]
        return BagOfModels(networks, shares, weights.bag.segment_s)
    except (AssertionError, AttributeError, TypeError) as failure:
        raise BackendUnavailable(
            f"The networks of {weights.model} do not go together.",
            "A bag's networks share stems, rate and channels, and have one weight per network and stem.",
            "Repair the bag's YAML file, or choose another model.",
        ) from failure


def _precision(device: str, settings: DemucsSettings) -> Any:
    return torch.autocast(device) if settings.mixed_precision and device == "cuda" else nullcontext()


def _device_failure(failure: RuntimeError, facts: ModelFacts) -> SeparationError:
    return explain_failure(failure, facts.model) or SeparationError(
        f"{facts.model} failed on {facts.device}.",
        str(failure).splitlines()[0],
        "Try the device “cpu”, or another model.",
    )
