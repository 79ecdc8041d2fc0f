"""The names of downloads: which song, which of its sounds, and the settings that made it."""

from __future__ import annotations

from urllib.parse import quote

from separation.audio.names import plain_name, plain_names, shortened, without_extension
from separation.backends import registry
from separation.errors import PlaygroundError
from separation.export.level import Level
from separation.prompts.targets import RESIDUAL
from separation.results.kept import DamagedItem, Recording, Result, recording_of
from storage import ArtifactStore

NAME_BYTES = 225  # 255 is the limit of most file systems; how much all was turned down and an extension may follow


def turned_down(level: Level) -> str:
    """Return the end of a file's name, which says so if the sound in it is quieter than what is played here."""
    return "" if level.gain == 1 else f", {level.gain_db:.1f} dB"


def file_names(kept: Recording | Result) -> dict[str, str]:
    """Return, by track, a file name without extension that is made of the track's name; no two are alike."""
    if isinstance(kept, Result):
        tracks, names = kept.tracks, [_called(track.name, kept.prompts) for track in kept.tracks]
    else:
        tracks = (*kept.tracks, *kept.known_stems)
        names = [without_extension(track.name) for track in tracks]
    return dict(zip((track.id for track in tracks), plain_names(names), strict=True))


def _called(name: str, prompts: tuple[str, ...]) -> str:
    """Return what a track is called outside of the program, where nobody sees what everything else is beside."""
    return f"without {prompts[0]}" if name == RESIDUAL and len(prompts) == 1 else name


def title_of(kept: Recording | Result) -> str:
    """Return the part of a file's name that says what of the song is in it."""
    return plain_name(kept.name if isinstance(kept, Result) else without_extension(kept.name))


def song_of(store: ArtifactStore, kept: Recording | Result) -> str:
    """Return the beginning of a file's name: the name of the recording, "" if it is gone."""
    name = recording_name(store, kept)
    return plain_name(without_extension(name)) if name else ""


def joined(song: str, what: str, ending: str) -> str:
    """Return a file name of at most `NAME_BYTES`: the ending whole, the two others cut where they are too long."""
    room = NAME_BYTES - len(f" - {ending}".encode())
    song = shortened(song, max(room // 2, room - len(what.encode())))
    what = shortened(what, room - len(song.encode()))
    return f"{f'{song} - ' if song else ''}{what}{ending}"


def settings_of(kept: Recording | Result) -> str:
    """Return the end of a file's name: the backend's model and main settings."""
    if not isinstance(kept, Result):
        return ""
    try:
        words: tuple[str, ...] = registry.get(kept.backend).summary(kept.request)
    except PlaygroundError:  # another version of this program made it
        words = (kept.model or kept.backend,)
    return f" - {plain_name(', '.join(words))}"


def recording_name(store: ArtifactStore, kept: Recording | Result) -> str | None:
    """Return the name of a recording, or of the one that a result was made from; None if that is gone."""
    recording = _recording(store, kept)
    return recording.name if recording else None


def _recording(store: ArtifactStore, kept: Recording | Result) -> Recording | None:
    """Return the recording that a result was made from, or None if it is gone."""
    item = store.get(kept.recording, read=False) if isinstance(kept, Result) else None
    try:
        return None if item is None else recording_of(item)
    except DamagedItem:
        return None


def attachment(name: str) -> str:
    """Return the header of a download that is to have this name (RFC 6266)."""
    return f"attachment; filename*=UTF-8''{quote(name)}"
