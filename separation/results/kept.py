"""Recordings and results as everybody passes them around, and the only place that knows what is stored of them.

A store keeps a manifest with two tables, `info` and `config`, and understands neither. Their keys are written by the
functions named `…_info` and read by those named `…_of`; nothing else looks into them.
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
from separation.metrics.quality_value import Quality
from separation.request import Request
from separation.results.store import StoredItem

# What works on samples is imported where it is needed: a lookup needs none of it, and it takes most of a second.
if TYPE_CHECKING:
    from separation.audio.convert import Conversion
    from separation.audio.video import Picture

AUDIO = "audio"  # the only track of a recording
VIDEO = "video"  # a recording's file with its picture, and what is stored of it


class DamagedItem(PlaygroundError, ValueError):
    """What is stored of a recording, a result or a chunk cannot be understood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptTrack:
    """One track of a recording or a result.

    Attributes:
        id: what addresses call it: "audio" of a recording; "0", "1" and so on of a result.
        name: what a person calls it.
        audio: float32 WAV.
        peaks: its peaks.
    """

    id: str
    name: str
    audio: Path
    peaks: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSound:
    """A recording or a result.

    The paths stay valid until it is removed or evicted, and for an hour if it is replaced and its room is not needed.

    Attributes:
        key: under which it is kept.
        name: what a person calls it.
        created: UTC time, ISO 8601.
        tracks: all of one rate, length and number of channels.
        sample_rate: Hz.
        n_channels: 1 or 2.
        n_samples: of each track.
        warnings: what a person should know of it.
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
        """The length of each track."""
        return self.n_samples / self.sample_rate

    @property
    def track_names(self) -> tuple[str, ...]:
        """What a person calls each track."""
        return tuple(track.name for track in self.tracks)

    def track(self, id: str) -> KeptTrack | None:
        """The track that addresses call so, if there is one."""
        return next((track for track in self.tracks if track.id == id), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording(KeptSound):
    """A file, or a part of one, as it was decoded.

    Attributes:
        origin: name of the file it was made from.
        part: which part of that file.
        video: file, codec and start of its picture; None without one. See `picture`.
    """

    origin: str
    part: Part = WHOLE
    video: tuple[Path, str, float] | None = None

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
        """The moving picture that was kept with it, if it came from a video."""
        from separation.audio.video import Picture

        return None if self.video is None else Picture(*self.video)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result(KeptSound):
    """The tracks that were made of a recording.

    Attributes:
        recording: key of the recording, which may be gone.
        settings: `request` as plain values; those of another version of this program may differ.
        backend: name of who separated.
        prompts: the words it was asked for.
        model: that was used; None where the backend has none.
        device: on which.
        seconds: that it took; 0 if that is not known.
        rtf: processing time over duration; None if that is not known.
        chunks_s: (start, stop) of each chunk; empty if that is not known.
        measures: what was measured of a generative model's estimates, chunk by chunk.
        anchors: where the spans of prompts fell in each chunk.
        quality: as far as it could be estimated.
        report: what the run took and found, see `separation.results.report`; empty if none was kept.
    """

    recording: str
    settings: Mapping[str, Any]
    backend: str
    prompts: tuple[str, ...]
    model: str | None
    device: str | None
    seconds: float
    rtf: float | None
    chunks_s: tuple[tuple[float, float], ...]
    measures: tuple[ChunkMeasured, ...]
    anchors: tuple[AnchorsMapped, ...]
    quality: Quality | None
    report: Mapping[str, Any]

    @property
    def request(self) -> Request:
        """What was asked for, settled.

        Raises:
            SettingsError: another version of this program made it, with settings that this one does not have.
        """
        return Request.from_dict(self.settings)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptChunk:
    """A finished chunk: the arrays of `stems`, each of `shape`, one after another as little-endian float32."""

    stems: tuple[str, ...]
    shape: tuple[int, ...]
    samples: Path


# recordings


def recording_info(conversion: Conversion, *, origin: str, part: Part, picture: Picture | None) -> dict[str, Any]:
    """What is stored of a recording that was just decoded; the picture belongs to a file `VIDEO`."""
    info: dict[str, Any] = {
        "sample_rate": conversion.sample_rate,
        "n_channels": conversion.n_channels,
        "n_samples": conversion.n_samples,
        "warnings": list(conversion.warnings),
    }
    if picture is not None:
        info[VIDEO] = {"codec": picture.codec, "start_s": picture.start_s}
    if not part.is_whole:
        info["part"] = {"of": origin, **asdict(part)}
    return info


def recording_of(item: StoredItem) -> Recording:
    """The recording that is kept as `item`.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with _reading(item, "recording") as info:
        part = dict(info.get("part", {}))
        origin = str(part.pop("of", item.manifest.name))
        video = info.get(VIDEO)
        return Recording(
            **_common(item, {AUDIO: item.manifest.name}),
            origin=origin,
            part=Part(**part),
            video=None if video is None else (item.files[VIDEO], str(video["codec"]), float(video["start_s"])),
        )


# results


def result_info(
    *,
    planned: Planned,
    finished: Finished,
    sample_rate: int,
    n_channels: int,
    n_samples: int,
    measures: Sequence[ChunkMeasured],
    anchors: Sequence[AnchorsMapped],
    quality: Quality | None,
    warnings: Sequence[str],
    report: Mapping[str, Any],
) -> dict[str, Any]:
    """What is stored of a result that was just made; see `Result` for the names."""
    return {
        "sample_rate": sample_rate,
        "n_channels": n_channels,
        "n_samples": n_samples,
        "measures": [asdict(event) for event in measures],
        "anchors": [asdict(event) for event in anchors],
        "tracks": list(planned.stems),
        "model": planned.model,
        "device": planned.device,
        "chunks_s": [list(span) for span in planned.spans_s],
        "seconds": finished.seconds,
        "rtf": finished.rtf,
        "quality": None if quality is None else quality.to_dict(),
        "warnings": list(warnings),
        "report": dict(report),
    }


def result_of(item: StoredItem) -> Result:
    """The result that is kept as `item`; what earlier versions of this program did not store is left open.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with _reading(item, "result") as info:
        settings, quality, rtf = item.manifest.config, info.get("quality"), info.get("rtf")
        return Result(
            **_common(item, {str(index): str(name) for index, name in enumerate(info["tracks"])}),
            recording=item.manifest.inputs.get("recording", ""),
            settings=settings,
            backend=str(settings["backend"]),
            prompts=tuple(str(prompt["text"]) for prompt in settings["prompts"]),
            model=info.get("model") or settings.get("model"),
            device=info.get("device"),
            seconds=float(info.get("seconds") or 0.0),
            rtf=None if rtf is None else float(rtf),
            chunks_s=tuple((float(start_s), float(stop_s)) for start_s, stop_s in info.get("chunks_s", ())),
            measures=tuple(ChunkMeasured(**one) for one in info.get("measures", ())),
            anchors=tuple(map(_mapped, info.get("anchors", ()))),
            quality=None if quality is None else Quality.from_dict(quality),
            report=dict(info.get("report") or {}),
        )


def reports_of(items: Iterable[StoredItem]) -> Iterator[Mapping[str, Any]]:
    """The reports of results that have one, whatever else is stored of them."""
    for item in items:
        if "report" in item.manifest.info:
            yield item.manifest.info["report"]


def kept_of(item: StoredItem) -> Recording | Result:
    """The recording or the result that is kept as `item`.

    Raises:
        DamagedItem: it is neither, or what is stored of it cannot be understood.
    """
    return recording_of(item) if item.manifest.kind == "recording" else result_of(item)


# chunks


def chunk_info(stems: Sequence[str], shape: Sequence[int]) -> dict[str, Any]:
    """What is stored of a finished chunk, whose samples are its file "stems"; see `KeptChunk`."""
    return {"stems": list(stems), "shape": list(shape)}


def chunk_of(item: StoredItem) -> KeptChunk:
    """The finished chunk that is kept as `item`.

    Raises:
        DamagedItem: it is none, or what is stored of it cannot be understood.
    """
    with _reading(item, "chunk") as info:
        return KeptChunk(
            stems=tuple(map(str, info["stems"])), shape=tuple(map(int, info["shape"])), samples=item.files["stems"]
        )


# what all have in common


@contextmanager
def _reading(item: StoredItem, kind: str) -> Iterator[Mapping[str, Any]]:
    """What is stored of an item, as long as that can be understood."""
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
    """The values of `KeptSound`.

    Args:
        item: what is kept.
        names: of its tracks, by what addresses call them.
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


def _mapped(one: Mapping[str, Any]) -> AnchorsMapped:
    spans_s = tuple((str(sign), float(start_s), float(stop_s)) for sign, start_s, stop_s in one["spans_s"])
    return AnchorsMapped(index=one["index"], prompt=one["prompt"], spans_s=spans_s)
