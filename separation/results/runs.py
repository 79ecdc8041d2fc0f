"""Imports files as kept recordings; separates recordings to kept results, by smaller settings where memory runs out.

The terminal and the server both use it, so each finds the results of the other. Keys are made of content: the second
identical run is a lookup, and a run that differs in a few chunks computes only those (`ChunkStore`). A run that ran out
of memory or lost its worker is tried again with the next smaller setting, down to the smallest; one that met a failing
graphics card, on the processor (`_retry`).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from separation.audio.files import copied
from separation.audio.part import WHOLE, Part, no_track
from separation.audio.partial_file import GrowingFile
from separation.backends import registry
from separation.errors import AudioError, DeviceFailed, OutOfMemory, SeparationError, WorkerDied
from separation.estimates import fallbacks
from separation.events import BackendChosen, Event, Kept, Warned
from separation.formatted import counted
from separation.request import Request
from separation.results import commands
from separation.results.kept import (
    COVER,
    SOURCE,
    VIDEO,
    DamagedItem,
    Recording,
    Result,
    recording_info,
    recording_of,
    result_of,
    with_tags,
)
from separation.results.kept_chunks import chunk_info, chunk_of
from separation.results.partial import PartialAudio
from separation.results.store import NewItem, Store

# Modules that work on samples are imported where needed: a lookup needs none of them, and they take most of a second.
if TYPE_CHECKING:
    from separation.audio.convert import Conversion
    from separation.audio.video import Picture
    from separation.engine.engine import Engine
    from separation.model import Samples

# Change when the same file would decode to other samples, as 2 reads on where a header says too early that it ends.
DECODER_REVISION = 2
EARLIER_REVISION = 1
MAX_DURATION_S = 6 * 3600.0
log = logging.getLogger(__name__)


def import_recording(
    source: Path | GrowingFile,
    store: Store,
    *,
    name: str | None = None,
    part: Part = WHOLE,
    on_decoded: Callable[[PartialAudio], object] | None = None,
) -> Recording:
    """Decode a file once and keep it as float32 WAV of one or two channels with its peaks.

    A part of it is a recording of its own, and so is each of its audio tracks.

    Args:
        source: any file `separation.decode` takes, at most `MAX_DURATION_S` long; one that may still be arriving is
            decoded in a process of its own, and is moved into the store if it has several audio tracks.
        store: where to keep it.
        name: its name for people; the file's own name by default.
        part: the part of the file to import.
        on_decoded: called after each block; not if the recording is kept already.

    Raises:
        AudioError: the file has no usable audio; the message says what to do.
        SettingsError: the file has no such audio track, or the part begins after the end of the recording.
        OSError: the sending was broken off.
    """
    name = name or source.name
    arriving = isinstance(source, GrowingFile) and not source.complete
    part = _without_default(source, part)

    def key(digest: str, revision: int = DECODER_REVISION) -> str:
        return store.key("recording", sha256=digest, decoder=revision, **part.to_dict())

    if not arriving and (kept := _kept_recording(store, key(_digest(source)))) and _is_all_of(kept, source):
        return kept
    from separation.results.decoder_process import decode_apart
    from separation.results.decoding import AUDIO, PEAKS, decode_into

    with store.scratch() as folder:
        listener = on_decoded or (lambda so_far: None)
        if isinstance(source, GrowingFile):
            conversion, picture = decode_apart(folder, source, part, MAX_DURATION_S, listener)
        else:
            conversion, picture = decode_into(folder, source, part, MAX_DURATION_S, listener)
        digest = _digest(source)
        kept = _kept_recording(store, key(digest))
        if arriving and kept is not None and _is_all_of(kept, source):
            return kept
        earlier = _kept_recording(store, key(digest, EARLIER_REVISION))
        if earlier is not None and not _is_of(earlier, conversion, picture):
            earlier = None
        if earlier is not None and earlier.tags is not None:
            return earlier
        files = {"audio": folder / AUDIO, "audio.peaks": folder / PEAKS}
        if picture is not None:
            files[VIDEO] = picture.path
        if (folder / COVER).exists():
            files[COVER] = folder / COVER
        if isinstance(source, GrowingFile) and len(conversion.tracks) > 1:
            files[SOURCE] = source.path
        known = kept or earlier  # a person may have renamed it
        new = NewItem(
            kind="recording",
            name=known.name if known is not None else name if part == WHOLE else f"{name}, {part}",
            files=files,
            command=commands.converting(name, part),
            inputs={"sha256": digest},
            config=part.to_dict(),
            info=recording_info(conversion, origin=name, part=part, picture=picture),
        )
        # One that was kept before tags were gets them, and stays where its results and notes know it.
        return recording_of(store.put(key(digest, DECODER_REVISION if earlier is None else EARLIER_REVISION), new))


def import_track(recording: Recording, track: int, store: Store) -> Recording:
    """Import another audio track of the file from which a recording was made; it is a recording of its own.

    Raises:
        AudioError: that file was not kept, or the track cannot be decoded.
        SettingsError: the file has no such audio track.
    """
    if recording.source is None:
        raise AudioError(
            f"The other audio tracks of {recording.name!r} are not at hand.",
            "The file that it was made from was not kept.",
            "Upload the file again and choose there.",
        )
    with store.scratch() as folder:  # the copy is the new recording's own: the other one may be deleted
        source = GrowingFile.whole(copied(recording.source, folder / SOURCE), recording.origin)
        return import_recording(source, store, part=replace(recording.part, track=track))


def _without_default(source: Path | GrowingFile, part: Part) -> Part:
    """Return the part without the number of its track if that is the file's default one: it is the same recording."""
    if part.track is None:
        return part
    from separation.audio.decode import probe

    usual = probe(source)
    if part.track > len(usual.tracks):
        raise no_track(part.track, f"The file has {counted(len(usual.tracks), 'audio track')}.")
    return replace(part, track=None) if usual.track == part.track else part


def settle(recording: Recording, request: Request, store: Store) -> tuple[str, Request, str]:
    """Settle a request's backend and model; return its result's key, the settled request, the reason for the backend.

    Raises:
        PlaygroundError: it cannot be run; the message says what to do.
    """
    content = None
    if registry.listens_first(request):
        from separation.metrics.musical import content_of  # a kept result is found without NumPy

        content = content_of(recording.audio)
    settled, why = registry.choose(request, content)
    revision = registry.get(settled.backend).revision(settled)
    return store.key("result", recording=recording.key, request=settled.to_dict(), revision=revision), settled, why


def find_result(recording: Recording, request: Request, store: Store) -> tuple[str, Request, str, Result | None]:
    """Settle a request's backend and model, and look the result up.

    Returns:
        The result's key, the settled request, the reason for the backend, and the result if it is kept.
    """
    key, settled, why = settle(recording, request, store)
    return key, settled, why, _kept_result(store, key)


def separate_recording(
    recording: Recording, request: Request, store: Store, engine: Engine
) -> Generator[Event, None, Result]:
    """Separate a kept recording, yielding the events of `separation.separate`, then `Kept`; return the kept result.

    A result that is kept already is returned at once; otherwise kept chunks are not computed again. What the request's
    settings depend on is measured first where the engine runs, so that the same request is settled alike from the first
    run on. Closing the generator cancels the run; its finished chunks stay, and the next run continues from them.

    If memory runs out, or a graphics card fails that was not requested by name, a `Warned` says so, and the run is
    repeated with the next smaller setting, and so on down to the smallest; the result is kept under the request that
    made it.

    Raises:
        PlaygroundError: the run failed; the message says what happened, why and what to do.
    """
    key, settled, why, kept = find_result(recording, request, store)
    if kept is None and registry.is_unmeasured(request, settled):
        from separation.pipeline import tasks

        yield from engine.run(tasks.measure, settled)
        key, settled, why, kept = find_result(recording, request, store)
    yield BackendChosen(backend=settled.backend, why=why, answers=registry.answer_notes(settled))
    warnings: tuple[str, ...] = ()
    while kept is None:
        result, retry = yield from _attempt(key, recording, settled, store, engine, warnings)
        if result is not None:
            return result
        assert retry is not None
        yield Warned(message=retry.why)
        warnings += (retry.why,)
        # The smaller request's result may be kept too: a repeated request fails and falls back each time.
        key, settled, _, kept = find_result(recording, retry.request, store)
    yield Kept(key=key, cached=True)
    return kept


@dataclass(frozen=True, slots=True)
class _Retry:
    """The request to try after a failure, and the sentence that says so."""

    request: Request
    why: str


def _attempt(
    key: str, recording: Recording, settled: Request, store: Store, engine: Engine, warnings: Sequence[str]
) -> Generator[Event, None, tuple[Result | None, _Retry | None]]:
    """Make one attempt; return its result, or the retry. `warnings` are those of the attempts before.

    The retry does not run inside an `except`, where the exception would keep the failed run's arrays in memory.
    """
    try:
        return (yield from _made(key, recording, settled, store, engine, warnings)), None
    except (OutOfMemory, WorkerDied, DeviceFailed) as failure:
        retry = _retry(settled, failure, recording.duration_s)
        if retry is None:
            raise
        log.warning("trying again: %s", retry.why)
        return None, retry


def _retry(settled: Request, failure: SeparationError, duration_s: float) -> _Retry | None:
    """Return what may work after this failure; None if nothing may."""
    if isinstance(failure, DeviceFailed):
        if settled.device != "auto":
            return None
        after = replace(settled, device="cpu")
        how = "Done again on the processor, which is slower."
    else:
        smaller = fallbacks.smaller(settled, duration_s=duration_s)
        if smaller is None:
            return None
        after = smaller
        how = f"Done again with {fallbacks.changed(settled, after)}."
    return _Retry(after, f"{failure.what} {failure.why} {how}")


def _made(
    key: str,
    recording: Recording,
    settled: Request,
    store: Store,
    engine: Engine,
    warnings: Sequence[str],
) -> Generator[Event, None, Result]:
    """Run the pipeline and keep its result; `warnings` are those that arose before the run."""
    from separation.audio.decode import AudioFile
    from separation.results.track_files import write_tracks

    with store.scratch() as folder, AudioFile(recording.audio) as mixture:
        chunks = ChunkStore(store, recording.key)
        begins_s = recording.part.start_s
        files, info = yield from write_tracks(mixture, settled, engine, folder, key, chunks, warnings, begins_s)
        if recording.tags is not None and recording.tags.cover is not None:
            with suppress(OSError):  # the recording was removed meanwhile
                files[COVER] = copied(recording.tags.cover, folder / COVER)
        new = NewItem(
            kind="result",
            name=", ".join(prompt.text for prompt in settled.prompts),
            files=files,
            command=commands.extracting(recording.origin, recording.part, settled),
            inputs={"recording": recording.key},
            config=settled.to_dict(),
            info=with_tags(info, recording.tags),
        )
        result = result_of(store.put(key, new))
    yield Kept(key=key, cached=False)
    return result


class ChunkStore:
    """Finished chunks and features in a store, as `separation.pipeline.chunk_keys.Chunks`; each is an item "chunk".

    Args:
        store: where to keep them.
        recording: key of the recording they are made from.
    """

    def __init__(self, store: Store, recording: str) -> None:
        self._store, self._recording = store, recording

    def get(self, key: str) -> Mapping[str, Samples] | None:
        """See `Chunks.get`; a damaged chunk counts as missing, and computing it again replaces it."""
        import numpy as np

        item = self._store.get(key)
        if item is None:
            return None
        try:
            chunk = chunk_of(item)
            samples = np.fromfile(chunk.samples, "<f4").reshape(len(chunk.stems), *chunk.shape)
        except (OSError, ValueError) as damage:  # or it was evicted a moment ago
            log.warning("the kept chunk %s is passed over: %s", key, damage)
            return None
        return dict(zip(chunk.stems, samples, strict=True))

    def put(self, key: str, arrays: Mapping[str, Samples]) -> None:
        """See `Chunks.put`."""
        import numpy as np

        from separation.audio.files import private
        from separation.pipeline.chunk_keys import NotKept

        shape = next(iter(arrays.values())).shape  # of all stems: (channels, samples)
        try:
            with self._store.scratch() as folder:
                with private(folder / "stems").open("wb") as file:
                    # One after another: putting them together first took as long as their digest.
                    for samples in arrays.values():
                        file.write(np.ascontiguousarray(samples, "<f4").data)
                new = NewItem(
                    kind="chunk",
                    name="a finished chunk",
                    files={"stems": folder / "stems"},
                    inputs={"recording": self._recording},
                    info=chunk_info(list(arrays), shape),
                )
                self._store.put(key, new)
        except Exception as failure:  # of the disk or the store, whose errors are not ours; the run can do without
            log.info("a finished chunk could not be kept", exc_info=True)
            raise NotKept(
                "Finished chunks are not kept from here on.",
                f"The system says: {failure.strerror or failure}." if isinstance(failure, OSError) else str(failure),
                "If this run is stopped, they will be computed again.",
            ) from failure


def _digest(source: Path | GrowingFile) -> str:
    """Return the SHA-256 of a file's bytes; raise `AudioError` if it cannot be read."""
    if isinstance(source, GrowingFile):
        return source.sha256()
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        from separation.audio.decode import probe

        probe(source)  # knows what to say of folders, pipes, names and permissions
        raise


def _kept_recording(store: Store, key: str) -> Recording | None:
    """Return the recording of that key; a damaged one counts as missing, and decoding the file again replaces it."""
    item = store.get(key)
    try:
        return None if item is None else recording_of(item)
    except DamagedItem as damage:
        log.warning("%s", damage)
        return None


def _is_all_of(kept: Recording, source: Path | GrowingFile) -> bool:
    """Whether nothing would be added to a kept recording; one of a file with several audio tracks may lack the file."""
    return not isinstance(source, GrowingFile) or not kept.audio_tracks or kept.source is not None


def _is_of(earlier: Recording, conversion: Conversion, picture: Picture | None) -> bool:
    """Whether a recording that an earlier version decoded is what this one makes of the same file."""
    same_picture = (earlier.video is None) == (picture is None)
    return same_picture and len(conversion.tracks) == 1 and earlier.n_samples == conversion.n_samples


def _kept_result(store: Store, key: str) -> Result | None:
    """Return the result of that key; a damaged one counts as missing, and making it again replaces it."""
    item = store.get(key)
    try:
        return None if item is None else result_of(item)
    except DamagedItem as damage:
        log.warning("%s", damage)
        return None
