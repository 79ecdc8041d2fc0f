"""The `Request`: prompts and settings of a separation, as frozen values that are valid once they exist.

A request is the body of a workflow file, a recipe to share, and part of every key under which results are kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args, get_origin, get_type_hints

from separation import plain, solvers
from separation.errors import SettingsError

DEVICES = ("auto", "cpu", "cuda", "mps")
SOLVERS = tuple(solvers.SOLVERS)
GRIDS = solvers.GRIDS
FADES = ("cosine", "linear")
STITCHES = ("crossfade", "multidiffusion")
STEREO_MODES = ("mono", "sides", "projected")
RESIDUALS = ("mixture", "model")
PRECISIONS = ("float32", "bfloat16", "int8")
AUTOMATIC = "auto"  # the precision that is faster here and exact enough


class Range(NamedTuple):
    """The allowed values of a setting: from `low` to `high`, both included, in `unit`; if `optional`, also None."""

    low: float
    high: float
    unit: str = ""
    whole: bool = False
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


SEEDS = Range(0, 2**63 - 1)


@cache
def ranges(kind: type) -> dict[str, Range]:
    """Return the range of each numeric field of a class of settings, by its name."""
    hints = get_type_hints(kind, include_extras=True)
    numbers = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Annotated}
    return {
        name: allowed._replace(whole=int in (type_, *get_args(type_)), optional=type(None) in get_args(type_))
        for name, (type_, allowed) in numbers.items()
    }


def overlap_range(chunk_s: float | None) -> Range:
    """Return the allowed overlap in seconds of chunks of `chunk_s`; a longer one would blend three chunks at once."""
    return Range(0, 300 if chunk_s is None else chunk_s / 2, "s")


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
    """One sound to isolate, in a few words, and optionally the spans where it is or is not."""

    text: str
    anchors: tuple[Anchor, ...] = ()

    PLAIN_WORD: ClassVar = "text"  # the field that a plain word stands for, where a recipe lists words

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
        n_steps: number of steps; they cost `solvers.nfe(method, n_steps)` evaluations.
        grid: where the steps lie, see `solvers.times`.
    """

    method: str = "midpoint"
    n_steps: Annotated[int, Range(1, 1000, "steps")] = 16
    grid: str = "uniform"

    def __post_init__(self) -> None:
        _known("method", self.method, SOLVERS, "solver")
        _known("grid", self.grid, GRIDS)
        _check_numbers(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkSettings:
    """How a long mixture is cut: chunks of `chunk_s` seconds, neighbours sharing `overlap_s`, blended by `fade`.

    Args:
        chunk_s: seconds of a chunk; None takes the whole recording at once.
        overlap_s: seconds that neighbours share.
        fade: "cosine" or "linear".
        stitch: "crossfade" blends finished audio; "multidiffusion" blends the velocity fields of neighbouring windows
            at every evaluation (Bar-Tal et al. 2023), for models that have one.
        max_chunks: stop after this many chunks, for a quick preview; the tracks end there. None takes all.
    """

    chunk_s: Annotated[float | None, Range(0.5, 600, "s")] = 20.0
    overlap_s: float = 2.0
    fade: str = "cosine"
    stitch: str = "crossfade"
    max_chunks: Annotated[int | None, Range(1, 100_000, "chunks")] = None

    def __post_init__(self) -> None:
        _known("fade", self.fade, FADES)
        _known("stitch", self.stitch, STITCHES)
        _check_numbers(self)
        limit = f"With chunk_s={self.chunk_s}, a longer overlap would blend three chunks at once."
        why = "" if self.chunk_s is None else limit
        _check_number("overlap_s", self.overlap_s, overlap_range(self.chunk_s), why)


@dataclass(frozen=True, kw_only=True, slots=True)
class DemucsSettings:
    """Demucs's own settings, by Demucs's names.

    Args:
        shifts: random shifts in time whose estimates are averaged (Défossez et al. 2019, the “shift trick”).
        overlap_ratio: what neighbouring segments share, as a fraction of a segment.
        split: cut the mixture into segments. Without it, models that can take a whole recording do so;
            transformer models cannot, and still use their longest segment.
        segment_s: length of a segment; None takes the longest the model allows.
        mixed_precision: half precision inside the network where the device has it (CUDA); elsewhere float32.
        folder: name or path of a folder of models (`.th` and bag `.yaml`, or safetensors) to take instead of the
            published ones; the person at the computer has to have named it, see `separation.models.folders`.
    """

    shifts: Annotated[int, Range(0, 20, "shifts")] = 0
    overlap_ratio: Annotated[float, Range(0, 0.5, "of a segment")] = 0.25
    split: bool = True
    segment_s: Annotated[float | None, Range(1, 600, "s")] = None
    mixed_precision: bool = False
    folder: str | None = None

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reroll:
    """Another seed for one chunk; the other chunks stay the same."""

    chunk: Annotated[int, Range(0, 100_000)]
    seed: Annotated[int, SEEDS]

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamSettings:
    """SAM-Audio's own settings.

    Args:
        stereo: how a stereo mixture is treated, since the model is mono. "mono": the estimate from the mean
            of the channels, on both. "sides": left and right separated as two clips that start from the same noise.
            "projected": the mono estimate laid over the stereo mixture by a soft mask, which keeps every place in the
            stereo image and adds nothing that is not in the mixture.
        residual: "mixture": one residual track, mixture minus targets, exact. "model": the model's own residual
            of each target, a track each.
        chain: each prompt is applied to the residual of the one before.
        only_inside: chunks without a + span of a prompt that has some are not computed; its target is silent there.
        match_gain: scale each chunk's target by the gain that explains the mixture best, within 12 dB.
        mute_doubtful: a chunk's target is silent where it seems to be absent or mostly invented.
        precision: of the transformer: "float32", "bfloat16", or "int8" (the matrices of its layers, on a CPU). "auto":
            bfloat16 where it was measured to be faster than float32.
        attention_caching: the self-attention of a layer is used again while it would be off by less than this share.
        candidates: how often each chunk is computed, each time from another seed, for the best of them to be chosen;
            see `separation.metrics.candidates`.
        rerolls: chunks with a seed of their own, of which there is one candidate.
    """

    stereo: str = "projected"
    residual: str = "mixture"
    chain: bool = False
    only_inside: bool = False
    match_gain: bool = False
    mute_doubtful: bool = False
    precision: str = AUTOMATIC
    attention_caching: Annotated[float, Range(0, 0.5)] = 0.0
    candidates: Annotated[int, Range(1, 8)] = 1
    rerolls: tuple[Reroll, ...] = ()

    def __post_init__(self) -> None:
        _known("stereo", self.stereo, STEREO_MODES, "stereo mode")
        _known("residual", self.residual, RESIDUALS)
        _known("precision", self.precision, (AUTOMATIC, *PRECISIONS))
        _check_numbers(self)
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

    def leaves_out(self, anchors: Iterable[Anchor], *, reached: bool) -> bool:
        """Whether a prompt is skipped in a chunk: with `only_inside`, if it has + spans and none reaches the chunk.

        Args:
            anchors: of the prompt.
            reached: whether one of its + spans reaches the chunk.
        """
        return self.only_inside and not reached and any(anchor.sign == "+" for anchor in anchors)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechSettings:
    """The speech separator's own settings.

    Args:
        attenuation_db: the most by which what is not speech is lowered; None takes away all that the network hears. A
            little of the room left in the background hides what the network does to a voice.
    """

    attenuation_db: Annotated[float | None, Range(1, 60, "dB", optional=True)] = None

    def __post_init__(self) -> None:
        _check_numbers(self)


class RequestField(Enum):
    """The optional fields of `Request`: those that a backend may ignore."""

    DEVICE = "device"
    CHUNKS = "chunks"
    SOLVER = "solver"
    DEMUCS = "demucs"
    SAM = "sam"
    SPEECH = "speech"
    SEED = "seed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request for a separation: everything that affects its sound.

    Args:
        prompts: the sounds to isolate, in order; at least one, all different.
        backend: a backend's name; "auto" for the best one that can serve the prompts on this computer; "sam-audio" for
            the best of those that run SAM-Audio.
        model: a model of that backend; None takes the backend's default.
        device: "auto", "cpu", "cuda" or "mps".
        chunks: how long audio is cut; None takes the backend's default.
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
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    seed: Annotated[int, SEEDS] = 0

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
        _check_numbers(self)
        # The field of a backend's own settings bears its name, and those of Demucs say how it cuts.
        if self.chunks is not None and self.backend == RequestField.DEMUCS.value:
            raise SettingsError(
                "Chunk settings were given to Demucs.",
                "Demucs cuts by segments of its own.",
                "Use demucs.segment_s and demucs.overlap_ratio instead.",
                place=("chunks",),
            )

    def seed_of(self, chunk: int, candidate: int = 0) -> int:
        """Return the seed of a candidate of a chunk: the first one's is that of `sam.rerolls`, if it is there."""
        first = next((reroll.seed for reroll in self.sam.rerolls if reroll.chunk == chunk), self.seed)
        return (first + candidate) % (int(SEEDS.high) + 1)

    def n_candidates_of(self, chunk: int) -> int:
        """Return how many candidates a chunk has."""
        return 1 if any(reroll.chunk == chunk for reroll in self.sam.rerolls) else self.sam.candidates

    @classmethod
    def of(cls, *prompts: str, **settings: Any) -> Request:
        """Make a request from plain words: `Request.of("drums", "bass", seed=3)`."""
        return cls(prompts=tuple(Prompt(text=text) for text in prompts), **settings)

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain lists, numbers and strings, as recipes, keys and manifests hold it.

        Later settings are left out at their defaults: keys of results that were made before there were any stay.
        """
        values: dict[str, Any] = plain.written(asdict(self))
        if self.speech == SpeechSettings():
            del values[RequestField.SPEECH.value]
        if self.sam.candidates == 1:
            del values["sam"]["candidates"]
        for later in ("mute_doubtful", "attention_caching"):
            if not values["sam"][later]:
                del values["sam"][later]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Request:
        """Return the request that `to_dict` described.

        Raises:
            SettingsError: a name is unknown or misspelt, or a value does not make sense; its `place` says where.
        """
        return plain.built(cls, values)


def _known(field: str, name: str, known: tuple[str, ...], what: str = "") -> None:
    if name not in known:
        raise SettingsError(
            f"There is no {what or field} “{name}”.", "", f"Choose one of: {', '.join(known)}.", place=(field,)
        )


def _check_numbers(settings: object) -> None:
    allowed_of = ranges(type(settings))  # type: ignore[arg-type]  # mypy asks for the __hash__ of the instance
    for name, allowed in allowed_of.items():
        _check_number(name, getattr(settings, name), allowed)


def _check_number(name: str, value: float | None, allowed: Range, why: str = "") -> None:
    low, high, unit, whole, optional = allowed
    if optional and value is None:
        return
    if whole and isinstance(value, float):
        raise SettingsError(
            f"{name}={value!r} is not a whole number.", "", f"Choose {name} between {low} and {high}.", place=(name,)
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise SettingsError(
            f"{name}={value!r} is out of range.",
            why,
            f"Choose {name} between {low:g} and {high:g} {unit}".rstrip() + ".",
            place=(name,),
        )
