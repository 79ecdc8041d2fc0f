"""Media routes: windows of samples and peaks for the player, of what is kept and of what is still being made.

Everything here stands behind the guard (`webapp.access.guard`). Errors are JSON of what, why and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import AfterValidator
from starlette.responses import JSONResponse, Response

from separation.audio.decode import AudioFile
from separation.audio.encode import FloatWavWriter
from separation.audio.peaks import SAMPLES_PER_PEAK
from separation.errors import AudioError, PlaygroundError, SettingsError
from separation.results.kept import DamagedItem, KeptTrack, Recording, Result, kept_of
from separation.results.partial import PartialAudio
from storage import Artifact, StorageError
from webapp.access.sessions import visitor_of
from webapp.routes.exporter import NOT_HERE, Exporter
from webapp.routes.exports import add_export_routes
from webapp.routes.spectrograms import add_spectrogram_routes
from webapp.routes.stems import add_stem_routes
from webapp.state.library.view import LibraryView
from webapp.state.played import PlayedChecks
from webapp.state.uploads import Uploads

MAX_WINDOW_SAMPLES = 1 << 20  # per request of the player; it asks for about 2 s
MAX_POSITION = 1 << 40  # 265 days at 48 kHz; as bytes it is still a position that file systems take
# A position or a number of samples or peaks from an address: what lies outside of every file counts as its end.
Position = Annotated[int, AfterValidator(lambda value: min(max(value, 0), MAX_POSITION))]
MOVING_S = 5.0  # at most, between the moment when the files of a result leave and that when they can be found
ANY_KEY = r"[0-9a-f]{32}|[0-9a-f]{64}"  # of an upload; of what is kept


class InTheMaking(Protocol):
    """Audio that is being made (`JobTracks`) or uploaded (`Uploads`)."""

    def partial(self, key: str) -> Mapping[str, PartialAudio]:
        """Return the tracks, as far as they exist, of audio that will be kept under a key; empty if there is none."""
        ...

    def wait(self, key: str, timeout_s: float) -> bool:
        """Wait until the audio made under a key is kept or has failed; False if neither came within the time."""
        ...


def add_media_routes(app: FastAPI, library: LibraryView, uploads: Uploads, *others: InTheMaking) -> None:
    """Register the routes of a track's samples and peaks; audio that is being made is served as far as it is there.

    A recording has the address of its upload for as long as this server runs, beside the one of its key.

    Args:
        app: takes the routes.
        library: the recordings and results; it is asked who may hear them.
        uploads: the recordings that are being uploaded.
        others: the results that are being made.
    """
    store = library.store
    played = PlayedChecks(store)

    def is_seen(request: Request, key: str) -> bool:
        visitor, upload = visitor_of(request), uploads.get(key)
        if upload is not None and not upload.recording:
            return visitor.is_host or visitor is upload.by
        return library.seen_by(visitor).sees(uploads.resolve(key))

    # What is not the visitor's to hear is answered like what is not here, or the answer would tell that it is here.
    def check_played(request: Request, key: str) -> None:
        if not is_seen(request, key):
            raise _gone()

    def check_exported(request: Request, key: str) -> None:
        if not is_seen(request, key):
            raise HTTPException(404, NOT_HERE)

    player = APIRouter(dependencies=[Depends(check_played)])
    exports = APIRouter(dependencies=[Depends(check_exported)])

    @player.get("/media/{key}/{track}/pcm")
    def pcm(key: str, track: str, start: Position, count: Position) -> Response:
        if (so_far := partial(key, track)) is not None and (answer := _partial_pcm(so_far, start, count)) is not None:
            return answer
        with AudioFile(kept_track(key, track).audio) as audio:
            first = min(start, audio.n_samples)
            stop = min(first + min(count, MAX_WINDOW_SAMPLES), audio.n_samples)
            return _immutable(audio.read(first, stop).T.astype("<f4").tobytes())

    @player.get("/media/{key}/{track}/peaks")
    def peaks(key: str, track: str, start: Position = 0) -> Response:
        if (so_far := partial(key, track)) is not None and (answer := _partial_peaks(so_far, start)) is not None:
            return answer
        return _immutable(kept_track(key, track).peaks.read_bytes()[2 * start :])

    def partial(key: str, track: str) -> PartialAudio | None:
        for making in (uploads, *others):
            if tracks := making.partial(key):
                if track not in tracks:
                    raise HTTPException(404, "There is no such track.")
                return tracks[track]
        return None

    def kept_track(key: str, track: str) -> KeptTrack:
        """Return a kept track; wait for one that is being moved into the store; answer 204 for one that is gone."""
        if played.get(uploads.resolve(key)) is None:
            for making in (uploads, *others):
                if _leaving(making.partial(key)):
                    making.wait(key, MOVING_S)
        item = played.get(uploads.resolve(key)) if re.fullmatch(ANY_KEY, key) else None
        if item is None and re.fullmatch(ANY_KEY, key):
            raise _gone()
        if (found := _kept(item).track(track)) is None:
            raise HTTPException(404, "There is no such track.")
        return found

    def checked(key: str, *files: str) -> Recording | Result:
        key = uploads.resolve(key)
        item = store.check(key, *files) if re.fullmatch(r"[0-9a-f]{64}", key) else None
        if item is None and (damage := store.checks.lost.get(key)) is not None:
            raise StorageError(damage.what, damage.why, damage.todo)
        return _kept(item)

    several, exporter = APIRouter(), Exporter(store, checked)
    add_export_routes(exports, exporter)
    add_stem_routes(exports, several, exporter, is_seen)
    add_spectrogram_routes(player, lambda key, track: kept_track(key, track).audio)
    app.include_router(player)
    app.include_router(several)
    app.include_router(exports)
    add_error_answers(app)


def add_error_answers(app: FastAPI) -> None:
    """Have errors answered as JSON of what, why and what to do."""

    async def say(request: Request, error: Exception) -> Response:
        assert isinstance(error, PlaygroundError)
        status = 422 if isinstance(error, (AudioError, SettingsError)) else 503
        return JSONResponse({"what": error.what, "why": error.why, "todo": error.todo}, status)

    app.add_exception_handler(PlaygroundError, say)


def _gone() -> HTTPException:
    """Return the answer to a page that asks for a track it knew, which was cancelled, deleted or hidden since.

    That is no error of the page's, and browsers would log a 404 as one.
    """
    return HTTPException(204, headers={"Cache-Control": "no-store"})


def _leaving(tracks: Mapping[str, PartialAudio]) -> bool:
    """Whether files of tracks in the making are gone to where they will be kept.

    Nobody waits for the others, such as an upload whose sender is silent: who waits keeps one of the few threads that
    answer everybody.
    """
    return any(not (one.audio.exists() and one.peaks.exists()) for one in tracks.values())


def _partial_pcm(audio: PartialAudio, start: int, count: int) -> Response | None:
    """Return a window of samples; None if the audio has just been moved into the store."""
    stop = min(start + min(count, MAX_WINDOW_SAMPLES), audio.n_ready)
    first = min(start, stop)
    try:
        body = FloatWavWriter.read_part(audio.audio, audio.n_channels, first, stop)
    except FileNotFoundError:
        return None
    # What is complete never changes any more; what is cut short is longer the next time.
    return _immutable(body) if stop - first == count else _passing(body)


def _partial_peaks(audio: PartialAudio, first: int) -> Response | None:
    """Return the peaks from pair `first` on; None if the audio has just been moved into the store."""
    try:
        with audio.peaks.open("rb") as file:
            file.seek(2 * first)
            return _passing(file.read(max(0, 2 * (audio.n_ready // SAMPLES_PER_PEAK - first))))
    except FileNotFoundError:
        return None


def _kept(item: Artifact | None) -> Recording | Result:
    """Return the recording or result that an artifact is; raise a 404 if there is none."""
    if item is None:
        raise HTTPException(404, NOT_HERE)
    try:
        return kept_of(item)
    except DamagedItem as damage:
        raise HTTPException(404, str(damage)) from damage


def _passing(body: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def _immutable(body: bytes) -> Response:
    """Return a response that the browser may cache for good, since the bytes under a content key never change."""
    headers = {
        "Cache-Control": "private, max-age=86400, immutable",
        # NiceGUI would deflate each window at the highest level: 20 ms of a core for 7 % fewer bytes.
        "Content-Encoding": "identity",
    }
    return Response(body, media_type="application/octet-stream", headers=headers)
