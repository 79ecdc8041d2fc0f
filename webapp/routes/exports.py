"""The routes of downloads: a track, all tracks, the current mix, and the report of a run."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from separation.audio.decode import AudioFile
from separation.audio.encode import FORMATS, encode, loudest
from separation.audio.files import writing
from separation.audio.mix import Mix
from separation.audio.names import plain_name, plain_names, shortened, without_extension
from separation.audio.video import KINDS, Picture
from separation.audio.waveform import AudioSource
from separation.backends import registry
from separation.errors import PlaygroundError, SettingsError
from separation.export.level import RESCALE, Level, check_rule, level_for, needs_peak
from separation.export.tags import NO_TAGS, Tags, write_tags
from separation.results.exported import kept_peak
from separation.results.kept import COVER, DamagedItem, KeptTrack, Recording, Result, recording_of, with_tags
from separation.results.report import of_result, to_yaml
from storage import ArtifactStore, StorageError
from webapp.routes.made_file import MadeFile

SAMPLE_RATES = (22_050, 32_000, 44_100, 48_000, 88_200, 96_000)
NAME_BYTES = 225  # 255 is the limit of most file systems; how much all was turned down and an extension may follow
VIDEO = "video"  # the format that joins a sound with the recording's picture
MIME_TYPES = {
    ".zip": "application/zip",
    **{kind.extension: kind.mime_type for kind in FORMATS.values()},
    **{kind.extension: kind.mime_type for kind in KINDS},
}
REPORT = "report"  # lies in the manifest; no file is read for it
GAIN_DB, PAN = (-1000.0, 24.0), (-1.0, 1.0)  # the first is silence
MAX_TRACKS = 128  # a request has at most 50 prompts, each with a residual of its own


def add_export_routes(router: APIRouter, store: ArtifactStore, checked: Callable[..., Recording | Result]) -> None:
    """Register the routes of downloads, all below `/media/{key}`.

    Args:
        router: takes the routes.
        store: keeps the recordings and results.
        checked: compares the named files of the recording or result of a key, or all files, with their digests, and
            returns it; raises a 404 if there is none, and `StorageError` if it is damaged.
    """

    @router.get("/media/{key}/{track}/file")
    def download(
        key: str, track: str, format: str = "wav24", rate: int = 0, peak: str = RESCALE, tags: bool = True
    ) -> Response:
        kept = checked(key, track)
        source = _track(kept.track(track))
        how = Writing(format, rate, peak, picture_for(format, kept))
        level = how.level(lambda: kept_peak(kept, how.rate_for, lambda one: one == source or is_whole(key, one)))
        name = _joined(_song(store, kept), _file_names(kept)[track], f"{_settings(kept)}{_turned_down(level)}")
        about = tags_of(kept) if tags else NO_TAGS
        if isinstance(kept, Result):
            about = about.of_sound(source.name)
        return file(lambda folder: _export(source.audio, folder / name, how, level, about))

    @router.get("/media/{key}/mix")
    def mix(
        key: str,
        track: list[str] = Query(),  # noqa: B008 - how FastAPI is told of a list
        gain_db: list[float] = Query(),  # noqa: B008
        pan: list[float] = Query(default=[]),  # noqa: B008
        format: str = "wav24",
        rate: int = 0,
        peak: str = RESCALE,
        tags: bool = True,
    ) -> Response:
        kept = checked(key, *track)
        if len(track) > MAX_TRACKS:
            raise SettingsError(f"The mix has {len(track)} tracks.", "", f"At most {MAX_TRACKS} are mixed at once.")
        files = [mixed(kept, one).audio for one in track]
        if len(gain_db) != len(files) or (pan and len(pan) != len(files)):
            raise SettingsError("The mix is not complete.", "Every track needs a gain.", "Reload the page.")
        gains = [10 ** (_within("gain_db", one, GAIN_DB) / 20) for one in gain_db]
        pans = [_within("pan", one, PAN) for one in pan]
        name = _joined(_song(store, kept), _title(kept), f"{_settings(kept)} - mix")
        how = Writing(format, rate, peak, picture_for(format, kept))

        about = tags_of(kept).of_sound("mix") if tags else NO_TAGS

        def make(folder: Path) -> Path:
            with ExitStack() as opened:
                sources = [opened.enter_context(AudioFile(file)) for file in files]
                sound = Mix(sources, gains, pans)
                level = how.level(lambda: loudest([sound], how.rate_for))
                return how.write(sound, folder / f"{name}{_turned_down(level)}", level, about)

        return file(make)

    @router.get("/media/{key}/all.zip")
    def download_all(
        key: str, format: str = "wav24", rate: int = 0, peak: str = RESCALE, tags: bool = True
    ) -> Response:
        kept = checked(key)
        how = Writing(format, rate, peak, picture_for(format, kept))
        level = how.level(lambda: kept_peak(kept, how.rate_for))
        song = _song(store, kept) or "stems"
        name = f"{_joined(song, _title(kept), f'{_settings(kept)}{_turned_down(level)}')}.zip"
        manifest = store.manifest(kept.key)
        if manifest is None:
            raise HTTPException(404, "Not in the library any more.")
        about = tags_of(kept) if tags else NO_TAGS
        if not tags:
            manifest = replace(manifest, info=with_tags(manifest.info, None))

        def make(folder: Path) -> Path:
            archive = folder / name
            # A clock that stands before 1980, of which archives cannot tell, is written as that year.
            with (
                writing("The archive", folder),
                zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as bundle,
            ):
                names = _file_names(kept)
                for track in kept.tracks:
                    said = about.of_sound(track.name) if isinstance(kept, Result) else about
                    _pack(bundle, _export(track.audio, folder / names[track.id], how, level, said))
                texts = {"manifest.toml": manifest.to_toml(), "notes.txt": f"{level.note}\n" if level.note else ""}
                for file_name, text in texts.items():
                    if text:
                        path = folder / file_name
                        path.write_text(text, encoding="utf-8", newline="\n")
                        _pack(bundle, path)
            return archive

        return file(make)

    @router.get("/media/{key}/report.yaml")
    def report(key: str) -> Response:
        kept = checked(key, REPORT)
        kept_report = kept.report if isinstance(kept, Result) else {}
        about = of_result(kept_report, cached=False, source=_recording_name(store, kept))
        headers = {"Content-Disposition": _attachment(f"{plain_name(kept.name)}.report.yaml")}
        return Response(to_yaml(about), media_type="application/yaml", headers=headers)

    def file(make: Callable[[Path], Path]) -> Response:
        """Return the file that `make` writes into a folder of its own."""
        return MadeFile(
            store,
            make,
            headers=lambda path: {"Content-Disposition": _attachment(path.name)},
            media_type=lambda path: MIME_TYPES[path.suffix],
        )

    def mixed(kept: Recording | Result, track: str) -> KeptTrack:
        """Return a track of the mixer: one of the result, or "audio" for the recording itself."""
        if (own := kept.track(track)) is not None or not isinstance(kept, Result):
            return _track(own)
        return _track(checked(kept.recording, track).track(track))

    def is_whole(key: str, track: KeptTrack) -> bool:
        """Whether a track may be measured; damage to it is dealt with, and the others are exported without it."""
        with suppress(StorageError, HTTPException):
            checked(key, track.id)
            return True
        return False

    def tags_of(kept: Recording | Result) -> Tags:
        """Return the tags of a recording or a result; of one that has none, those of its recording if that is there."""
        for key in [kept.key, *([kept.recording] if isinstance(kept, Result) else [])]:
            with suppress(StorageError, HTTPException):
                if (found := checked(key, COVER).tags) is not None:
                    return found
        return NO_TAGS

    def picture_for(format: str, kept: Recording | Result) -> Picture | None:
        """Return the picture for a format that has one: of a recording, or of the one a result was made from."""
        if format != VIDEO:
            return None
        recording = checked(kept.recording if isinstance(kept, Result) else kept.key, VIDEO)
        return recording.picture if isinstance(recording, Recording) else None


@dataclass(frozen=True, slots=True)
class Writing:
    """How the files of a download are written.

    Args:
        format: one of `FORMATS`, or `VIDEO`.
        rate: in Hz; 0 for that of each sound.
        peak_rule: one of `separation.export.level.PEAK_RULES`.
        picture: for `VIDEO`.

    Raises:
        SettingsError: there is no such format, rate or rule, or they do not go together.
    """

    format: str
    rate: int
    peak_rule: str
    picture: Picture | None

    def __post_init__(self) -> None:
        if self.format != VIDEO and self.format not in FORMATS:
            raise SettingsError(f"There is no format “{self.format}”.", "", f"Choose one of: {', '.join(FORMATS)}.")
        if self.format == VIDEO and self.picture is None:
            raise SettingsError(
                "This recording has no picture.",
                "A picture is kept only of a video that was uploaded whole.",
                "Choose another format.",
            )
        if self.rate and self.rate not in SAMPLE_RATES:
            known = ", ".join(map(str, SAMPLE_RATES))
            raise SettingsError(f"A sample rate of {self.rate} Hz is not offered.", "", f"Choose one of: {known}.")
        check_rule(self.format, self.peak_rule)

    def rate_for(self, sample_rate: int) -> int:
        """Return the rate (Hz) at which sound of a rate is written."""
        if self.picture is not None:
            return self.picture.rate_for(sample_rate)
        return FORMATS[self.format].rate_for(self.rate or sample_rate)

    def level(self, peak: Callable[[], float]) -> Level:
        """Return the level of files whose largest sample `peak` measures, if it makes a difference."""
        measured = peak() if needs_peak(self.format, self.peak_rule) else 0.0
        return level_for(measured, self.format, self.peak_rule)

    def write(self, sound: AudioSource, target: Path, level: Level, tags: Tags) -> Path:
        """Write a sound, or the picture with it, to `target` with the format's extension; return the path.

        A video gets no tags.
        """
        if self.picture is not None:
            path = target.with_name(f"{target.name}{self.picture.extension}")
            self.picture.write_with(sound, path, gain=level.gain)
            return path
        path = target.with_name(f"{target.name}{FORMATS[level.format].extension}")
        encode(sound, path, level.format, sample_rate=self.rate or None, gain=level.gain)
        write_tags(path, path.suffix, tags)
        return path


def _pack(bundle: zipfile.ZipFile, path: Path) -> None:
    """Move a file into an archive."""
    bundle.write(path, path.name)
    path.unlink()


def _export(kept: Path, target: Path, how: Writing, level: Level, tags: Tags) -> Path:
    """Encode a track to `target` with the format's extension; return the path."""
    with AudioFile(kept) as audio:
        return how.write(audio, target, level, tags)


def _turned_down(level: Level) -> str:
    """Return the end of a file's name, which says so if the sound in it is quieter than what is played here."""
    return "" if level.gain == 1 else f", {level.gain_db:.1f} dB"


def _within(name: str, value: float, ends: tuple[float, float]) -> float:
    """Return the value; raise `SettingsError` if it is beyond the ends, rather than make another mix than is meant."""
    low, high = ends
    if not low <= value <= high:
        raise SettingsError(f"{name}={value:g} is out of range.", "", f"Choose {name} between {low:g} and {high:g}.")
    return value


def _track(found: KeptTrack | None) -> KeptTrack:
    if found is None:
        raise HTTPException(404, "There is no such track.")
    return found


def _file_names(kept: Recording | Result) -> dict[str, str]:
    """Return, by track, a file name without extension that is made of the track's name; no two are alike."""
    tracks = kept.tracks if isinstance(kept, Result) else (*kept.tracks, *kept.known_stems)
    names = (track.name if isinstance(kept, Result) else without_extension(track.name) for track in tracks)
    return dict(zip((track.id for track in tracks), plain_names(names), strict=True))


def _title(kept: Recording | Result) -> str:
    """Return the part of a file's name that says what of the song is in it."""
    return plain_name(kept.name if isinstance(kept, Result) else without_extension(kept.name))


def _song(store: ArtifactStore, kept: Recording | Result) -> str:
    """Return the beginning of a file's name: the name of the recording, "" if it is gone."""
    name = _recording_name(store, kept)
    return plain_name(without_extension(name)) if name else ""


def _joined(song: str, what: str, ending: str) -> str:
    """Return a file name of at most `NAME_BYTES`: the ending whole, the two others cut where they are too long."""
    room = NAME_BYTES - len(f" - {ending}".encode())
    song = shortened(song, max(room // 2, room - len(what.encode())))
    what = shortened(what, room - len(song.encode()))
    return f"{f'{song} - ' if song else ''}{what}{ending}"


def _settings(kept: Recording | Result) -> str:
    """Return the end of a file's name: the backend's model and main settings."""
    if not isinstance(kept, Result):
        return ""
    try:
        words: tuple[str, ...] = registry.get(kept.backend).summary(kept.request)
    except PlaygroundError:  # another version of this program made it
        words = (kept.model or kept.backend,)
    return f" - {plain_name(', '.join(words))}"


def _recording_name(store: ArtifactStore, kept: Recording | Result) -> str | None:
    recording = _recording(store, kept)
    return recording.name if recording else None


def _recording(store: ArtifactStore, kept: Recording | Result) -> Recording | None:
    """Return the recording that a result was made from, or None if it is gone."""
    item = store.get(kept.recording, read=False) if isinstance(kept, Result) else None
    try:
        return None if item is None else recording_of(item)
    except DamagedItem:
        return None


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"
