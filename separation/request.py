"""What a person asks for, as frozen values: a `Request` that exists is valid.

A request is the body of a workflow file, a recipe to share, and part of every key under which results are kept.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from separation import solvers
from separation.errors import SettingsError

DEVICES = ("auto", "cpu", "cuda", "mps")
SOLVERS = tuple(solvers.SOLVERS)
GRIDS = solvers.GRIDS
FADES = ("cosine", "linear")
STITCHES = ("crossfade", "multidiffusion")
STEREO_MODES = ("mono", "sides", "projected")
RESIDUALS = ("mixture", "model")
PRECISIONS = ("float32", "bfloat16", "int8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A span of the recording in which the prompted sound is (`+`) or is not (`-`)."""

    sign: Literal["+", "-"]
    start_s: float
    stop_s: float

    def __post_init__(self) -> None:
        _known("sign", self.sign, ("+", "-"), "anchor sign")
        if not (math.isfinite(self.start_s) and math.isfinite(self.stop_s) and 0 <= self.start_s <= self.stop_s):
            raise SettingsError(
                f"The anchor {self.sign}{self.start_s}-{self.stop_s} is not a span of time.",
                "A span starts at 0 s or later and does not stop before it starts.",
                "Give it as +1.5-3.0 or -5-7, in seconds.",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """One sound to isolate, in a few words, and where it is if words are not enough."""

    text: str
    anchors: tuple[Anchor, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise SettingsError(
                "A prompt is empty.",
                "It has to name a sound.",
                "Type a few words, such as “drums”.",
                place=("text",),
            )
        if len(self.text) > 200:
            raise SettingsError(
                f"A prompt has {len(self.text)} characters.",
                "Separators were trained on short phrases.",
                "Use at most 200 characters, such as “man speaking”.",
                place=("text",),
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverSettings:
    """How a flow-matching model integrates its velocity field from noise (t = 0) to audio (t = 1).

    Args:
        method: one of `SOLVERS`.
        n_steps: steps; what they cost is `solvers.nfe(method, n_steps)`.
        grid: where the steps lie, see `solvers.times`.
    """

    method: str = "midpoint"
    n_steps: int = 16
    grid: str = "uniform"

    def __post_init__(self) -> None:
        _known("method", self.method, SOLVERS, "solver")
        _known("grid", self.grid, GRIDS)
        _whole_in_range("n_steps", self.n_steps, 1, 1000, "steps")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSettings:
    """How a long mixture is cut: chunks of `chunk_s` seconds, neighbours sharing `overlap_s`, blended by `fade`.

    Args:
        chunk_s: seconds of a chunk; None takes the whole recording at once.
        overlap_s: seconds that neighbours share.
        fade: "cosine" or "linear".
        stitch: "crossfade" blends finished audio; "multidiffusion" blends the velocity fields of neighbouring windows
            at every evaluation (Bar-Tal et al. 2023), for models that have one.
        max_chunks: stop after so many chunks, for a first impression; the tracks end there. None takes all.
    """

    chunk_s: float | None = 20.0
    overlap_s: float = 2.0
    fade: str = "cosine"
    stitch: str = "crossfade"
    max_chunks: int | None = None

    def __post_init__(self) -> None:
        _known("fade", self.fade, FADES)
        _known("stitch", self.stitch, STITCHES)
        if self.max_chunks is not None:
            _whole_in_range("max_chunks", self.max_chunks, 1, 100_000, "chunks")
        if self.chunk_s is None:
            _in_range("overlap_s", self.overlap_s, 0, 300, "s")
            return
        _in_range("chunk_s", self.chunk_s, 0.5, 600, "s")
        limit = f"With chunk_s={self.chunk_s}, a longer overlap would blend three chunks at once."
        _in_range("overlap_s", self.overlap_s, 0, self.chunk_s / 2, "s", why=limit)


@dataclass(frozen=True, kw_only=True, slots=True)
class DemucsSettings:
    """The settings Demucs names itself.

    Args:
        shifts: random shifts in time whose estimates are averaged (Défossez et al. 2019, the “shift trick”).
        overlap_ratio: what neighbouring segments share, as a fraction of a segment.
        split: cut the mixture into segments. Without it, models that can see a whole recording do so;
            transformer models never can and still work on their longest segment.
        segment_s: length of a segment; None takes the longest the model allows.
        mixed_precision: half precision inside the network where the device has it (CUDA); elsewhere float32.
        folder: a local folder of models (`.th` and bag `.yaml`, or safetensors) instead of the published ones.
    """

    shifts: int = 0
    overlap_ratio: float = 0.25
    split: bool = True
    segment_s: float | None = None
    mixed_precision: bool = False
    folder: str | None = None

    def __post_init__(self) -> None:
        _whole_in_range("shifts", self.shifts, 0, 20, "shifts")
        _in_range("overlap_ratio", self.overlap_ratio, 0, 0.5, "of a segment")
        if self.segment_s is not None:
            _in_range("segment_s", self.segment_s, 1, 600, "s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reroll:
    """Another seed for one chunk, the others staying as they are."""

    chunk: int
    seed: int

    def __post_init__(self) -> None:
        _whole_in_range("chunk", self.chunk, 0, 100_000, "")
        _whole_in_range("seed", self.seed, 0, 2**63 - 1, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class SamSettings:
    """What only SAM-Audio has.

    Args:
        stereo: what becomes of a stereo mixture, since the model hears one channel. "mono": the estimate from the mean
            of the channels, on both. "sides": left and right separated as two clips that start from the same noise.
            "projected": the mono estimate laid over the stereo mixture by a soft mask, which keeps every place in the
            stereo image and adds nothing that is not in the mixture.
        residual: "mixture": one track of what is left, mixture minus targets, exact. "model": the model's own residual
            of each target, a track each.
        chain: each prompt works on what the one before left of the mixture.
        only_inside: chunks without a + span of a prompt that has some are not computed; its target is silent there.
        match_gain: scale each chunk's target by the gain that explains the mixture best, within 12 dB.
        precision: of the transformer: "float32", "bfloat16", or "int8" (the matrices of its layers, on a CPU).
        rerolls: chunks with a seed of their own.
    """

    stereo: str = "projected"
    residual: str = "mixture"
    chain: bool = False
    only_inside: bool = False
    match_gain: bool = False
    precision: str = "float32"
    rerolls: tuple[Reroll, ...] = ()

    def __post_init__(self) -> None:
        _known("stereo", self.stereo, STEREO_MODES, "stereo mode")
        _known("residual", self.residual, RESIDUALS)
        _known("precision", self.precision, PRECISIONS)
        chunks = [reroll.chunk for reroll in self.rerolls]
        if len(set(chunks)) < len(chunks):
            raise SettingsError(
                "A chunk is re-rolled twice.", "It has one seed.", "Name each chunk once.", place=("rerolls",)
            )
        if self.chain and self.residual == "model":
            raise SettingsError(
                "Chained prompts have no residuals of their own.",
                "Each works on what the one before left of the mixture, so one residual is left at the end.",
                "Choose residual “mixture”, or do not chain.",
            )


class RequestField(Enum):
    """The fields of `Request` that a backend may or may not use, beside its prompts, backend and model."""

    DEVICE = "device"
    CHUNKS = "chunks"
    SOLVER = "solver"
    DEMUCS = "demucs"
    SAM = "sam"
    SEED = "seed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Everything that decides how a separation sounds.

    Args:
        prompts: what to isolate, in the order it was asked for; at least one, no two alike.
        backend: a backend's name; "auto" for the best one that can serve the prompts on this computer; "sam-audio" for
            the best of those that run SAM-Audio.
        model: a model of that backend; None takes the backend's default.
        device: "auto", "cpu", "cuda" or "mps".
        chunks: how long audio is cut; None takes what the backend works best with.
        seed: every random draw (noise, shifts) comes from (seed, chunk index).
    """

    prompts: tuple[Prompt, ...]
    backend: str = "auto"
    model: str | None = None
    device: str = "auto"
    chunks: ChunkSettings | None = None
    solver: SolverSettings = field(default_factory=SolverSettings)
    demucs: DemucsSettings = field(default_factory=DemucsSettings)
    sam: SamSettings = field(default_factory=SamSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.prompts:
            raise SettingsError(
                "Nothing was asked for.",
                "A request needs at least one prompt.",
                "Name a sound, such as “vocals”.",
                place=("prompts",),
            )
        names = [prompt.text.strip().casefold() for prompt in self.prompts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError(
                f"“{twice[0]}” was asked for twice.",
                "Each prompt makes one track.",
                "Remove one of the two.",
                place=("prompts",),
            )
        _known("device", self.device, DEVICES)
        _whole_in_range("seed", self.seed, 0, 2**63 - 1, "")
        # Settings that are a backend's own lie in the field of its name; Demucs's say how it cuts.
        if self.chunks is not None and isinstance(getattr(self, self.backend, None), DemucsSettings):
            raise SettingsError(
                "Chunk settings were given to Demucs.",
                "Demucs cuts by segments of its own.",
                "Use demucs.segment_s and demucs.overlap_ratio instead.",
                place=("chunks",),
            )

    def seed_of(self, chunk: int) -> int:
        """The seed that chunk draws from."""
        return next((reroll.seed for reroll in self.sam.rerolls if reroll.chunk == chunk), self.seed)

    @classmethod
    def of(cls, *prompts: str, **settings: Any) -> Request:
        """A request from plain words: `Request.of("drums", "bass", seed=3)`."""
        return cls(prompts=tuple(Prompt(text=text) for text in prompts), **settings)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings: what recipes, keys and manifests hold."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Request:
        """The request that `to_dict` described.

        Raises:
            SettingsError: a name is unknown or misspelt, or a value does not make sense; its `place` says where.
        """
        built = _build(cls, values, ())
        assert isinstance(built, Request)
        return built


def _known(field: str, name: str, known: tuple[str, ...], what: str = "") -> None:
    if name not in known:
        raise SettingsError(
            f"There is no {what or field} “{name}”.", "", f"Choose one of: {', '.join(known)}.", place=(field,)
        )


def _in_range(name: str, value: float, low: float, high: float, unit: str, *, why: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise SettingsError(
            f"{name}={value!r} is out of range.",
            why,
            f"Choose {name} between {low:g} and {high:g} {unit}".rstrip() + ".",
            place=(name,),
        )


def _whole_in_range(name: str, value: int, low: int, high: int, unit: str) -> None:
    if isinstance(value, float):
        raise SettingsError(
            f"{name}={value!r} is not a whole number.", "", f"Choose {name} between {low} and {high}.", place=(name,)
        )
    _in_range(name, value, low, high, unit)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)  # equal settings are written alike: chunk_s=10 and chunk_s=10.0 share a key
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _build(kind: Any, value: Any, place: tuple[str | int, ...]) -> Any:
    """Turn plain values into the dataclass `kind`, following its type hints; `place` is where the value lies."""
    where = _written(place)
    if get_origin(kind) in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        kind = next(option for option in get_args(kind) if option is not type(None))
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise SettingsError(f"{where} is not a list.", f"It is {value!r}.", "Write it as a list.", place=place)
        return tuple(_build(get_args(kind)[0], item, (*place, index)) for index, item in enumerate(value))
    if is_dataclass(kind):
        return _build_dataclass(kind, value, place)
    if get_origin(kind) is Literal:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return _real(value, place)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingsError(
            f"{where}={value!r} has the wrong type.", "", f"It has to be of type {kind.__name__}.", place=place
        )
    return value


def _real(value: int, place: tuple[str | int, ...]) -> float:
    try:
        return float(value)
    except OverflowError:
        where = _written(place)
        raise SettingsError(f"{where} is far too large.", "", f"Choose a smaller {where}.", place=place) from None


def _build_dataclass(kind: Any, value: Any, place: tuple[str | int, ...]) -> Any:
    where = _written(place)
    if isinstance(value, str) and kind is Prompt:  # a recipe may list plain words
        value = {"text": value}
    if not isinstance(value, Mapping):
        raise SettingsError(
            f"{where} is not a table of settings.", f"It is {value!r}.", "Write it as name: value.", place=place
        )
    known = {item.name for item in fields(kind)}
    if unknown := sorted(set(value) - known):
        raise SettingsError(
            f"There is no setting “{unknown[0]}” in {where}.",
            "",
            f"Known settings: {', '.join(sorted(known))}.",
            place=(*place, unknown[0]),
        )
    required = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in required if name not in value]:
        raise SettingsError(
            f"{where} is not complete.", f"It lacks {', '.join(missing)}.", "Add what is missing.", place=place
        )
    hints = get_type_hints(kind)
    given = {name: _build(hints[name], item, (*place, name)) for name, item in value.items()}
    try:
        return kind(**given)
    except SettingsError as refusal:
        refusal.place = (*place, *refusal.place)
        raise


def _written(place: tuple[str | int, ...]) -> str:
    """A place as one would write it: request.prompts[0].text."""
    return "request" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
