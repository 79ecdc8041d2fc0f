"""`OfficialModel` adapts Meta's own SAM-Audio package to the pipeline: a window and prompts in, stems out.

    https://github.com/facebookresearch/sam-audio

A thin layer: prompts, channels and noise are handled as for our own network, everything between a mono clip and its two
waveforms is the package's. It takes the noise it starts from, but not the watermark's message: its decoder draws that
anew on every call, so that two runs differ by an inaudible trace.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch

from separation import solvers
from separation.errors import BackendUnavailable
from separation.events import Event, ModelLoading, SolverStep, as_part
from separation.hardware.devices import choose_torch_device
from separation.model import FrameSpan, ModelFacts, Samples, Window
from separation.model.windowing import Windowing
from separation.models.sam_audio import text_encoder
from separation.models.sam_audio.config import Config, read_config
from separation.models.sam_audio.finite import finite
from separation.models.sam_audio.framing import n_frames, whole_frames
from separation.models.sam_audio.noise import noise
from separation.models.sam_audio.prompted import active, chained, clips, distinct, stem_name, stems
from separation.request import ChunkSettings, Prompt, Request


class OfficialModel:
    """The official model and its processor, loaded. Knows nothing of files, chunks, pages or caches."""

    def __init__(self, model: Any, processor: Any, config: Config, facts: ModelFacts) -> None:
        self.facts = facts
        self._model, self._processor = model, processor
        self._hop, self._n_latents = config.audio_codec.hop, config.audio_codec.codebook_dim

    def separate(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """Separate one window by its prompts, one after another; if chained, each on the residual of those before."""
        if request.sam.chain:
            return (yield from chained(window, request, self._prompted))
        return (yield from self._prompted(window, request))

    def _prompted(self, window: Window, request: Request) -> Generator[Event, None, Mapping[str, Samples]]:
        """One clip and prompt at a time: the official code pads batches, which changes what comes out."""
        prompts = active(request, window)
        distinct_clips = distinct(clips(window.samples, request.sam.stereo))
        solved: dict[Prompt, list[Samples]] = {prompt: [] for prompt in prompts}
        pairs = [(prompt, clip) for prompt in prompts for clip in distinct_clips]
        for part, (prompt, clip) in enumerate(pairs):
            solved[prompt].append((yield from as_part(self._solved(clip, prompt, window, request), part, len(pairs))))
        return stems(window, request, lambda prompt, half: np.stack([pair[half] for pair in solved[prompt]]))

    def _solved(
        self, clip: Samples, prompt: Prompt, window: Window, request: Request
    ) -> Generator[Event, None, Samples]:
        """Return target and residual of a mono clip (samples,), shape (2, samples)."""
        name, device = stem_name(prompt), self.facts.device
        # On whole frames already: the official code cannot continue a clip of half a frame or less.
        whole = torch.from_numpy(np.ascontiguousarray(whole_frames(clip, self._hop))[None])
        spans = seconds(window.anchors.get(name, ()), self._hop, self.facts.sample_rate)
        batch = self._processor(descriptions=[name], audios=[whole], anchors=[spans]).to(device)
        frames = n_frames(len(clip), self._hop)
        draw = noise(window.seed(request), window.index, frames, 2 * self._n_latents)
        start = torch.from_numpy(draw[None]).to(device)
        times = solvers.times(request.solver.n_steps, request.solver.grid)
        result = yield from watched(
            lambda: self._model.separate(batch, noise=start, ode_opt=ode_options(request.solver.method, times)),
            self._model.transformer,
            solvers.nfe(request.solver.method, request.solver.n_steps),
        )
        pair = torch.stack([wave[0].reshape(-1)[: len(clip)] for wave in (result.target, result.residual)])
        return np.asarray(finite(pair, "audio").cpu().numpy(), np.float32)


def load_official_model(folder: Path, request: Request, *, revision: str) -> Generator[Event, None, OfficialModel]:
    """Read the weights, yielding `ModelLoading` before and after.

    Raises:
        BackendUnavailable: the package or something it needs cannot be imported, or the device is not here.
    """
    name, device = request.model or folder.name, choose_torch_device(request.device)
    total = (folder / "checkpoint.pt").stat().st_size
    yield ModelLoading(model=name, total_bytes=total)
    config, package = read_config(folder), _package()
    model = _read(package, folder, device)
    yield ModelLoading(model=name, done_bytes=total, total_bytes=total)
    facts = ModelFacts(
        model=f"SAM-Audio {name} (official code)",
        revision=revision,
        device=device,
        sample_rate=config.audio_codec.sample_rate,
        n_channels=1 if request.sam.stereo == "mono" else 2,
        windowing=Windowing.of(
            request.chunks or ChunkSettings(), config.audio_codec.sample_rate, config.audio_codec.hop
        ),
        frame=config.audio_codec.hop,
        generative=True,
    )
    return OfficialModel(model, package.SAMAudioProcessor.from_pretrained(str(folder)), config, facts)


def seconds(spans: Iterable[FrameSpan], hop: int, sample_rate: int) -> list[tuple[str, float, float]]:
    """Convert frames to the seconds that the official code maps to them.

    It rounds up to whole frames, in floating point, where 0.28 s becomes frame 8 and not 7. Half a frame earlier, no
    rounding error can reach the next frame.
    """

    def before(frame: int) -> float:
        return max(0.0, (frame - 0.5) * hop / sample_rate)

    return [(span.sign, before(span.first), before(span.stop)) for span in spans]


def ode_options(method: str, times: tuple[float, ...]) -> dict[str, Any]:
    """The official code's `ode_opt`: torchdiffeq's method, stepping through exactly these times.

    Its own step size may round to one step more than was asked for.
    """

    def grid(_field: Any, state: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        return torch.tensor(times, dtype=ends.dtype, device=state.device)

    return {"method": method, "options": {"grid_constructor": grid}}


def watched(work: Callable[[], Any], module: torch.nn.Module, total: int) -> Generator[Event, None, Any]:
    """The result of `work`, yielding a `SolverStep` after each of the `total` calls it makes of `module`.

    `work` is one long call that neither reports nor can be stopped, so it runs in a thread of its own; closing the
    generator stops it at its next call of `module`.
    """
    calls: SimpleQueue[bool] = SimpleQueue()
    closed = threading.Event()

    def called(*_: Any) -> None:
        if closed.is_set():
            raise _Closed
        calls.put(True)

    hook = module.register_forward_hook(called)
    try:
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(work)
            result.add_done_callback(lambda _: calls.put(False))
            try:
                done = 0
                while calls.get():
                    done += 1
                    yield SolverStep(done=done, total=total)
            finally:
                closed.set()
        return result.result()
    finally:
        hook.remove()


class _Closed(Exception):
    """Raised in the work's thread once its caller has closed the generator."""


def _package() -> Any:
    try:
        return importlib.import_module("sam_audio")
    except Exception as broken:  # it imports packages of ten projects, and each fails in its own way
        raise BackendUnavailable(
            "SAM-Audio's official package does not start.",
            f"Importing it gave: {type(broken).__name__}: {broken}.",
            "Install it and all it needs again, or choose the backend “sam_torch”, which needs none of that.",
        ) from broken


def _read(package: Any, folder: Path, device: str) -> Any:
    """The official model with the folder's weights.

    Not by its `from_pretrained`, which fails with huggingface_hub 1 and newer, and goes online for rankers and a span
    predictor that make no difference here.
    """
    values = json.loads((folder / "config.json").read_text("utf-8"))
    unused: dict[str, Any] = {"visual_ranker": None, "text_ranker": None, "span_predictor": None}
    text = {**(values.get("text_encoder") or {}), "name": _text_folder(folder)}
    try:
        weights = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu", mmap=True)
        model = package.SAMAudio(package.SAMAudio.config_cls(**{**values, **unused, "text_encoder": text}))
        model.load_state_dict(weights)
    except (TypeError, RuntimeError) as misfit:
        raise BackendUnavailable(
            "SAM-Audio's official code cannot read this model.",
            f"It says: {misfit}.",
            "The package may be older or newer than the model: bring both up to date, or choose the backend "
            "“sam_torch”.",
        ) from misfit
    return model.eval().to(device)


def _text_folder(folder: Path) -> str:
    """Return the text encoder's folder on this computer; given only its name, the official code would go online."""
    found = text_encoder.find(read_config(folder).text_encoder.name, folder)
    assert found is not None  # `availability` has seen it
    return str(found)
