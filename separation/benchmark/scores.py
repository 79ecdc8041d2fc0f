"""Scores of a result: against the true stems of its recording, and its distance from a reference result.

A value is a finite number or None, and then `undefined` says why in a few words: a silent truth has no ratio, and a
track that is its truth sample for sample has an infinite one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from separation.comparing.true_stems import TrueStems, true_tracks
from separation.errors import AudioError, SettingsError
from separation.prompts import vocabulary
from separation.results.kept import KeptSound, KeptTrack, Recording, Result

# Pages list scores without the modules that work on samples, which take most of a second to import.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

LONGEST_S = 600.0  # all tracks and their truths are held in memory: 0.75 GB for three stereo tracks of 2 min

SILENT_TRUTH = "the true sound is silent"
SILENT_TRACK = "the track is silent"
NOTHING_TRUE = "the track has nothing of the true sound"
SILENT_RECORDING = "the recording is silent"
PERFECT = "nothing differs"
NO_FRAME = "in no second do all tracks and true sounds sound"
NO_VOICE = "the true sound is no voice"
NOT_INSTALLED = "the package {} is not installed"
NO_SPEECH = "too little speech"


@dataclass(frozen=True, kw_only=True, slots=True)
class StemScores:
    """The scores of one track; `separation.benchmark.measures` describes each.

    Attributes:
        si_sdr_db: scale-invariant signal-to-distortion ratio.
        sdr_db: museval's: the median over frames of 1 s, those left out in which any track or true sound is silent.
        sdr_whole_db: the ratio of the whole passage.
        bleedless: 0 to 100.
        fullness: 0 to 100.
        l1_freq: 0 to 100.
        log_wmse: up to 73.7; a silent truth has one too.
        log_spectral_distance_db: 0 or more; lower is better.
        explained_energy: of the track in the recording, 0 to 1; needs no truth.
        stoi: of voices, if its package is installed.
        pesq: of voices, if its package is installed.
        undefined: by the names above, why there is no value.
    """

    si_sdr_db: float | None = None
    sdr_db: float | None = None
    sdr_whole_db: float | None = None
    bleedless: float | None = None
    fullness: float | None = None
    l1_freq: float | None = None
    log_wmse: float | None = None
    log_spectral_distance_db: float | None = None
    explained_energy: float | None = None
    stoi: float | None = None
    pesq: float | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values: finite numbers, None and text."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"undefined": dict(self.undefined)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the scores that `to_dict` described, without those that this version of the program does not know."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultScores:
    """The scores of a result.

    Attributes:
        tracks: by the name of the track.
        n_dropped_frames: seconds that museval's ratio leaves out, since some track or true sound is silent there.
        untold: names of the tracks of which the truth is not known.
    """

    tracks: Mapping[str, StemScores]
    n_dropped_frames: int
    untold: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values."""
        return {
            "tracks": {name: scores.to_dict() for name, scores in self.tracks.items()},
            "n_dropped_frames": self.n_dropped_frames,
            "untold": list(self.untold),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the scores that `to_dict` described."""
        return cls(
            tracks={name: StemScores.from_dict(scores) for name, scores in values["tracks"].items()},
            n_dropped_frames=values["n_dropped_frames"],
            untold=tuple(values["untold"]),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class StemDistance:
    """How far one track is from that of the reference result, such as one of 32 steps.

    Attributes:
        error_db: 20 log10(|track - reference| / |reference|), lower is nearer; None for a silent reference, and where
            nothing differs.
        si_sdr_db: of the track against the reference, higher is nearer; None where it is infinite.
        identical: whether nothing differs, sample for sample.
    """

    error_db: float | None
    si_sdr_db: float | None
    identical: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the distance as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the distance that `to_dict` described."""
        return cls(**values)


def scores_against_truth(result: Result, recording: Recording, truth: TrueStems) -> ResultScores:
    """Measure each track of a result whose truth is known, over all of the result.

    A result that ends before its recording is compared with the beginning of the truth.

    Args:
        result: made from `recording`.
        recording: what was separated.
        truth: its true stems.

    Raises:
        SettingsError: they do not belong together, or are longer than 10 minutes.
        AudioError: a file is gone.
    """
    from separation.metrics.sdr import frames_sdr

    _refuse_strangers(result, recording, truth)
    n_samples = min(result.n_samples, recording.n_samples, truth.n_samples)
    _refuse_lengths(result, n_samples)
    stems = {track.name: true_tracks(truth, track.name, result.track_names) for track in result.tracks}
    told = [track for track in result.tracks if stems[track.name]]
    untold = tuple(track.name for track in result.tracks if not stems[track.name])
    if not told:
        return ResultScores(tracks={}, n_dropped_frames=0, untold=untold)

    def read(tracks: Iterable[KeptTrack]) -> Samples:
        return _sum_of(tracks, n_samples, recording)

    mixture = read(recording.tracks)
    estimates = {track.name: read([track]) for track in told}
    references = {track.name: read(stems[track.name]) for track in told}
    frames = frames_sdr(estimates, references, recording.sample_rate)
    scores = {}
    for name, estimate in estimates.items():
        is_voice = all(vocabulary.meaning(stem.name) == "vocals" for stem in stems[name])
        scores[name] = stem_scores(
            estimate,
            references[name],
            mixture,
            recording.sample_rate,
            frames_db=frames.median_db[name],
            is_voice=is_voice,
        )
    return ResultScores(tracks=scores, n_dropped_frames=frames.n_dropped, untold=untold)


def stem_scores(
    estimate: Samples,
    reference: Samples,
    mixture: Samples,
    sample_rate: int,
    *,
    frames_db: float | None,
    is_voice: bool,
) -> StemScores:
    """Return the scores of one track.

    With a silent truth there are `l1_freq` and `log_wmse`, which compare levels, and `explained_energy`.

    Args:
        estimate: (channels, samples).
        reference: same shape.
        mixture: same shape.
        sample_rate: Hz.
        frames_db: `sdr_db`, which the other tracks have a part in; None if every frame was dropped.
        is_voice: whether the scores of speech apply.
    """
    from separation.metrics import reference as ratios
    from separation.metrics import sdr, spectral_scores, unreferenced
    from separation.metrics.log_wmse import log_wmse

    found = _Found()
    pair = (estimate, reference)
    found.add("sdr_db", frames_db, NO_FRAME)
    found.add("l1_freq", spectral_scores.l1_freq(*pair))
    if unreferenced.is_silent(mixture):
        found.lacks(SILENT_RECORDING, "log_wmse")
    else:
        found.add("log_wmse", log_wmse(*pair, mixture, sample_rate))
    found.add("explained_energy", unreferenced.explained_energy(estimate, mixture, sample_rate), SILENT_TRACK)
    compared = ("si_sdr_db", "sdr_whole_db", "bleedless", "fullness", "log_spectral_distance_db", "stoi", "pesq")
    if unreferenced.is_silent(reference):
        found.lacks(SILENT_TRUTH, *compared)
        return found.scores()
    found.add("si_sdr_db", ratios.si_sdr(*pair))
    found.add("sdr_whole_db", sdr.whole_sdr(*pair))
    bleedless, fullness = spectral_scores.bleedless_and_fullness(*pair, sample_rate)
    found.add("bleedless", bleedless)
    found.add("fullness", fullness)
    found.add("log_spectral_distance_db", spectral_scores.log_spectral_distance_db(*pair))
    _add_speech(found, *pair, sample_rate, is_voice=is_voice)
    return found.scores()


def distance_from(result: Result, reference: Result) -> Mapping[str, StemDistance]:
    """Measure how far each track of a result is from the track of that name in another result of the same recording.

    Where one ends before the other, what both have is compared. Tracks that only one has are left out.

    Raises:
        SettingsError: they are not of one recording, rate and number of channels, or are longer than 10 minutes.
        AudioError: a file is gone.
    """
    if result.recording != reference.recording:
        raise _not_comparable(result, reference, "They were separated from different recordings.")
    if (result.sample_rate, result.n_channels) != (reference.sample_rate, reference.n_channels):
        raise _not_comparable(result, reference, f"One is {_shape(result)}, the other {_shape(reference)}.")
    n_samples = min(result.n_samples, reference.n_samples)
    _refuse_lengths(result, n_samples)
    others = {track.name: track for track in reference.tracks}
    return {
        track.name: stem_distance(_sum_of([track], n_samples, result), _sum_of([others[track.name]], n_samples, result))
        for track in result.tracks
        if track.name in others
    }


def stem_distance(estimate: Samples, reference: Samples) -> StemDistance:
    """Return the distance of one track, (channels, samples), from another of the same shape."""
    from separation.metrics.reference import energy, flat_pair, ratio_db, si_sdr

    s_hat, s = flat_pair(estimate, reference)
    return StemDistance(
        error_db=_finite(-ratio_db(energy(s), energy(s_hat - s))),
        si_sdr_db=_finite(si_sdr(estimate, reference)),
        identical=bool((s_hat == s).all()),
    )


class _Found:
    """Collects the scores of a track, and why there is none."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._undefined: dict[str, str] = {}

    def add(self, name: str, value: float | None, why_none: str = "") -> None:
        """Take a measure's value; `why_none` says what None means."""
        if value is None:
            self._undefined[name] = why_none
        elif math.isfinite(value):
            self._values[name] = float(value)
        else:
            self._undefined[name] = PERFECT if value > 0 else NOTHING_TRUE

    def lacks(self, why: str, *names: str) -> None:
        """Note why measures cannot be computed."""
        self._undefined |= dict.fromkeys(names, why)

    def scores(self) -> StemScores:
        """Return what was found."""
        return StemScores(**self._values, undefined=self._undefined)


def _add_speech(found: _Found, estimate: Samples, reference: Samples, sample_rate: int, *, is_voice: bool) -> None:
    from separation.metrics import speech_scores as speech

    if not is_voice:
        found.lacks(NO_VOICE, "stoi", "pesq")
        return
    for name, package, is_there, measure in (
        ("stoi", "pystoi", speech.has_stoi(), speech.stoi),
        ("pesq", "pesq", speech.has_pesq(), speech.pesq),
    ):
        if is_there:
            found.add(name, measure(estimate, reference, sample_rate), NO_SPEECH)
        else:
            found.lacks(NOT_INSTALLED.format(package), name)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _sum_of(tracks: Iterable[KeptTrack], n_samples: int, like: KeptSound) -> Samples:
    """Return the sum of some tracks from their beginning on; a mono one is on both sides of stereo, as it is played.

    Raises:
        SettingsError: one has another rate than `like`, or other channels.
        AudioError: a file is gone, or holds what is no number.
    """
    import numpy as np

    from separation.audio.decode import AudioFile

    total = np.zeros((like.n_channels, n_samples), np.float32)
    for track in tracks:
        with AudioFile(track.audio) as source:
            if source.sample_rate != like.sample_rate or source.n_channels not in (1, like.n_channels):
                raise SettingsError(
                    f"The track “{track.name}” cannot be compared.",
                    f"It has {source.n_channels} channels at {source.sample_rate} Hz; “{like.name}” is {_shape(like)}.",
                    "Compare tracks of one rate and one number of channels.",
                )
            total += source.read(0, n_samples)
    if not np.isfinite(total.min()) or not np.isfinite(total.max()):
        raise AudioError(
            f"A track of “{like.name}” cannot be measured.",
            "Some of its samples are infinite or not a number.",
            "Run again, with another precision or on another device.",
        )
    return total


def _refuse_strangers(result: Result, recording: Recording, truth: TrueStems) -> None:
    if truth.recording != recording.key:
        raise _not_comparable(result, truth, f"They are not the true stems of “{recording.name}”.")
    if result.recording not in ("", recording.key):
        raise _not_comparable(result, truth, f"It was not separated from “{recording.name}”.")
    if result.sample_rate != recording.sample_rate:
        raise _not_comparable(result, truth, f"One is {_shape(result)}, the other {_shape(recording)}.")


def _refuse_lengths(result: Result, n_samples: int) -> None:
    seconds = n_samples / result.sample_rate
    if not 0 < seconds <= LONGEST_S:
        raise SettingsError(
            f"“{result.name}” cannot be measured.",
            f"It is {seconds:.0f} s long; what is measured is held in memory, at most {LONGEST_S:.0f} s of it.",
            "Measure a passage, of 30 s for example.",
        )


def _not_comparable(one: KeptSound, other: KeptSound, why: str) -> SettingsError:
    return SettingsError(
        f"“{one.name}” cannot be compared with “{other.name}”.", why, "Choose results of one recording."
    )


def _shape(sound: KeptSound) -> str:
    return f"{'mono' if sound.n_channels == 1 else 'stereo'} at {sound.sample_rate} Hz"
