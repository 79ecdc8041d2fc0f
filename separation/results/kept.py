"""What a store keeps, as types: `Recording`, `Result` and their tracks; made from manifests, written to them.

A store keeps a manifest with two tables, `info` and `config`, and understands neither. Their keys are written by the
functions named `…_info` and read by those named `…_of`; no other code reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from separation.audio.part import WHOLE, Part
from separation.errors import PlaygroundError
from separation.events import AnchorsMapped, ChunkMeasured, Finished, Planned
from separation.export.tags import TEXTS, Tags
from separation.metrics.quality_value import Quality
from separation.request import Request
from separation.results.store import StoredItem, StoredManifest

# Modules that work on samples are imported where needed: a lookup needs none of them, and they take most of a second.
if TYPE_CHECKING:
    from separation.audio.convert import Conversion
    from separation.audio.video import Picture

AUDIO = "audio"  # the only track of a recording
VIDEO = "video"  # a recording's file with its picture, and what is stored of it
SOURCE = "source"  # the file that a recording was made from, if another of its audio tracks may be wanted
STEM = "stem-"  # begins the names of a recording's known stems
COVER = "cover"  # the file of a recording or result with the cover of its tags


class DamagedItem(PlaygroundError, ValueError):
    """The stored data of a recording, a result or a chunk cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptTrack:
    """One track of a recording or a result.

    Attributes:
        id: its name in addresses: "audio" for a recording; "0", "1" and so on for a result.
        name: its name for people.
        audio: path of its float32 WAV.
        peaks: path of its peaks.
    """

    id: str
    name: str
    audio: Path
    peaks: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSound:
    """A recording or a result.

    The paths stay valid until it is removed or evicted; after it is replaced, for an hour unless its room is needed.

    Attributes:
        key: under which it is kept.
        name: its name for people.
        created: UTC time, ISO 8601.
        tracks: its tracks, all of one rate, length and number of channels.
        sample_rate: Hz.
        n_channels: 1 or 2.
        n_samples: of each track.
        warnings: warnings for the user.
    """

    key: str
    name: str
    created: str
    tracks: tuple[KeptTrack, ...]
    sample_rate: int
    n_channels: int
    n_samples: int
    warnings: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Return the length of each track in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def track_names(self) -> tuple[str, ...]:
        """Return the name of each track."""
        return tuple(track.name for track in self.tracks)

    def track(self, id: str) -> KeptTrack | None:
        """Return the track with this id, or None."""
        return next((track for track in self.tracks if track.id == id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording(KeptSound):
    """The kept audio of a decoded file, or of a part of one.

    Attributes:
        origin: name of the file it was made from.
        part: the part of that file.
        audio_tracks: what each audio track of that file is, in words; empty if it has one or this is unknown.
        audio_track: the number of the one that this is, from 1 on.
        source: that file, if it was kept; it is kept if it was uploaded and has several audio tracks.
        video: file, codec and start of its picture; None without one. See `picture`.
        tags: what the file says of the music; None if an earlier version kept it, which did not ask.
        known_stems: the true sounds that it was mixed from, if they are known; see `separation.results.known_stems`.
    """

    origin: str
    part: Part = WHOLE
    audio_tracks: tuple[str, ...] = ()
    audio_track: int = 1
    source: Path | None = None
    video: tuple[Path, str, float] | None = None
    tags: Tags | None = None
    known_stems: tuple[KeptTrack, ...] = ()

    def track(self, id: str) -> KeptTrack | None:
        """Return the track or the known stem with this id, or None."""
        return next((track for track in (*self.tracks, *self.known_stems) if track.id == id), None)

    @property
    def audio(self) -> Path:
        """The samples, float32 WAV."""
        return self.tracks[0].audio

    @property
    def peaks(self) -> Path:
        """The peaks of the samples."""
        return self.tracks[0].peaks

    @property
    def picture(self) -> Picture | None:
        """Return the moving picture that was kept with it, if it came from a video."""
        from separation.audio.video import Picture

        return None if self.video is None else Picture(*self.video)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(KeptSound):
    """The tracks that were separated from a recording.

    Attributes:
        recording: key of the recording, which may be gone.
        settings: `request` as plain values; those of another version of this program may differ.
        backend: name of the backend.
        prompts: the prompts' words.
        model: the model that was used; None if the backend has none.
        device: the device it ran on.
        seconds: how long the run took, loading included, as its report has it; 0 if unknown.
        rtf: processing time without loading over duration; None if unknown.
        peak: the largest absolute sample of all tracks, linear; None if unknown.
        chunks_s: (start, stop) of each chunk in seconds; empty if unknown.
        measures: measures of a generative model's estimates, chunk by chunk.
        anchors: the spans of prompts in each chunk.
        quality: the estimated quality; None if there is no estimate.
        report: the run's report, see `separation.results.report`; empty if none was kept.
        tags: those of the recording; None if they were not known when it was made.
    """

    recording: str
    settings: Mapping[str, Any]
    backend: str
    prompts: tuple[str, ...]
    model: str | None
    device: str | None
    seconds: float
    rtf: float | None
    peak: float | None
    chunks_s: tuple[tuple[float, float], ...]
    measures: tuple[ChunkMeasured, ...]
    anchors: tuple[AnchorsMapped, ...]
    quality: Quality | None
    report: Mapping[str, Any]
    tags: Tags | None = None

    @property
    def request(self) -> Request:
        """Return the settled request.

        Raises:
            SettingsError: another version of this program made it, with settings that this one does not have.
        """
        return Request.from_dict(self.settings)


# recordings


def recording_info(conversion: Conversion, *, origin: str, part: Part, picture: Picture | None) -> dict[str, Any]:
    """Return the values to store for a newly decoded recording; the picture's file is `VIDEO`, the cover's `COVER`."""
    info: dict[str, Any] = {
        "sample_rate": conversion.sample_rate,
        "n_channels": conversion.n_channels,
        "n_samples": conversion.n_samples,
        "warnings": list(conversion.warnings),
        "tags": dict(conversion.tags),
    }
    if picture is not None:
        info[VIDEO] = {"codec": picture.codec, "start_s": picture.start_s}
    if part != WHOLE:
        info["part"] = {"of": origin, **part.to_dict()}
    if len(conversion.tracks) > 1:
        info["audio_tracks"] = {"all": list(conversion.tracks), "used": conversion.track}
    return info


def recording_of(item: StoredItem) -> Recording:
    """Return the recording that is kept as `item`.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with reading(item, "recording") as info:
        part = dict(info.get("part", {}))
        origin = str(part.pop("of", item.manifest.name))
        video = info.get(VIDEO)
        heard = info.get("audio_tracks", {"all": (), "used": 1})
        about = None if video is None else (str(video["codec"]), float(video["start_s"]))
        common = _common(item, {AUDIO: item.manifest.name})
        common["warnings"] += tuple(map(str, info.get("known_stems_warnings", ())))
        # Its file is missing if it was damaged; the sound goes on without it.
        return Recording(
            **common,
            origin=origin,
            part=Part(**part),
            audio_tracks=tuple(map(str, heard["all"])),
            audio_track=int(heard["used"]),
            source=item.files.get(SOURCE),
            video=None if about is None or VIDEO not in item.files else (item.files[VIDEO], *about),
            tags=_tags(info.get("tags"), item.files.get(COVER)),
            known_stems=tuple(_known_stems(item, info.get("known_stems", ()))),
        )


def known_stems_info(names: Sequence[str], warnings: Sequence[str]) -> dict[str, Any]:
    """Return the values to store of a recording's known stems, beside its own."""
    return {"known_stems": list(names), "known_stems_warnings": list(warnings)}


def stem_files(index: int) -> tuple[str, str]:
    """Return the names of the files of a recording's known stem: its samples, and their peaks."""
    return f"{STEM}{index}", f"{STEM}{index}.peaks"


def _known_stems(item: StoredItem, names: Sequence[object]) -> Iterator[KeptTrack]:
    """Yield the known stems whose files are there; the recording goes on without one that was damaged."""
    for index, name in enumerate(names):
        audio, peaks = stem_files(index)
        if audio in item.files and peaks in item.files:
            yield KeptTrack(id=audio, name=str(name), audio=item.files[audio], peaks=item.files[peaks])


# results


def with_tags(info: Mapping[str, Any], tags: Tags | None) -> dict[str, Any]:
    """Return stored values with these tags, whose cover is the file `COVER`, or without any."""
    others = {name: value for name, value in info.items() if name != "tags"}
    return others if tags is None else others | {"tags": tags.texts}


def result_info(
    *,
    planned: Planned,
    finished: Finished,
    sample_rate: int,
    n_channels: int,
    n_samples: int,
    peak: float,
    measures: Sequence[ChunkMeasured],
    anchors: Sequence[AnchorsMapped],
    quality: Quality | None,
    warnings: Sequence[str],
    report: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the values to store for a newly made result; see `Result` for the names."""
    return {
        "sample_rate": sample_rate,
        "n_channels": n_channels,
        "n_samples": n_samples,
        "peak": peak,
        "measures": [asdict(event) for event in measures],
        "anchors": [asdict(event) for event in anchors],
        "tracks": list(planned.stems),
        "model": planned.model,
        "device": planned.device,
        "chunks_s": [list(span) for span in planned.spans_s],
        "rtf": finished.rtf,
        "quality": None if quality is None else quality.to_dict(),
        "warnings": list(warnings),
        "report": dict(report),
    }


def result_of(item: StoredItem) -> Result:
    """Return the result that is kept as `item`; values that earlier versions did not store get their defaults.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with reading(item, "result") as info:
        settings, quality, rtf, peak = item.manifest.config, info.get("quality"), info.get("rtf"), info.get("peak")
        report = dict(info.get("report") or {})
        return Result(
            **_common(item, {str(index): str(name) for index, name in enumerate(info["tracks"])}),
            recording=item.manifest.inputs.get("recording", ""),
            settings=settings,
            backend=str(settings["backend"]),
            prompts=tuple(str(prompt["text"]) for prompt in settings["prompts"]),
            model=info.get("model") or settings.get("model"),
            device=info.get("device"),
            seconds=float(report.get("total_s") or info.get("seconds") or 0.0),
            rtf=None if rtf is None else float(rtf),
            peak=None if peak is None else float(peak),
            chunks_s=tuple((float(start_s), float(stop_s)) for start_s, stop_s in info.get("chunks_s", ())),
            measures=tuple(ChunkMeasured(**one) for one in info.get("measures", ())),
            anchors=tuple(map(_mapped, info.get("anchors", ()))),
            quality=None if quality is None else Quality.from_dict(quality),
            report=report,
            tags=_tags(info.get("tags"), item.files.get(COVER)),
        )


def reports_of(manifests: Iterable[StoredManifest]) -> Iterator[Mapping[str, Any]]:
    """Yield the reports of those results that have one, even if their other values cannot be read."""
    for manifest in manifests:
        if "report" in manifest.info:
            yield manifest.info["report"]


def kept_of(item: StoredItem) -> Recording | Result:
    """Return the recording or the result that is kept as `item`.

    Raises:
        DamagedItem: it is neither, or what is stored of it cannot be understood.
    """
    return recording_of(item) if item.manifest.kind == "recording" else result_of(item)


# what all have in common


@contextmanager
def reading(item: StoredItem, kind: str) -> Iterator[Mapping[str, Any]]:
    """Give an item's stored values; errors from reading them become `DamagedItem`."""
    manifest = item.manifest
    try:
        if manifest.kind != kind:
            raise ValueError(f"it is of the kind “{manifest.kind}”")
        yield manifest.info
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise DamagedItem(
            f"The {kind} “{manifest.name}” cannot be read.",
            f"What is stored of it is damaged, or of another version of this program: {reason}.",
            "Remove it in the Library, and bring the file or run again.",
        ) from error


def _common(item: StoredItem, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the fields of `KeptSound`.

    Args:
        item: the stored item.
        names: the tracks' names by their ids.
    """
    info = item.manifest.info
    shape = {name: int(info[name]) for name in ("sample_rate", "n_channels", "n_samples")}
    if shape["sample_rate"] < 1 or shape["n_channels"] < 1 or shape["n_samples"] < 0:
        raise ValueError(f"{shape} is no sound")
    tracks = (
        KeptTrack(id=id, name=name, audio=item.files[id], peaks=item.files[f"{id}.peaks"]) for id, name in names.items()
    )
    return {
        "key": item.key,
        "name": item.manifest.name,
        "created": item.manifest.created,
        "tracks": tuple(tracks),
        "warnings": tuple(map(str, info.get("warnings", ()))),
        **shape,
    }


def _tags(stored: Mapping[str, Any] | None, cover: Path | None) -> Tags | None:
    if stored is None:
        return None
    return Tags(**{name: str(text) for name, text in stored.items() if name in TEXTS}, cover=cover)


def _mapped(one: Mapping[str, Any]) -> AnchorsMapped:
    spans_s = tuple((str(sign), float(start_s), float(stop_s)) for sign, start_s, stop_s in one["spans_s"])
    return AnchorsMapped(index=one["index"], prompt=one["prompt"], spans_s=spans_s)
