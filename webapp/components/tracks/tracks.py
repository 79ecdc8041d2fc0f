"""The mixer: one row per sound, with mute, solo, gain, waveform and download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypedDict, cast

from nicegui import ui

from webapp.components.changes import CHANGES_MODULE, take_changes
from webapp.components.player import PLAYER_MODULE
from webapp.components.player.track import Track, TrackMix
from webapp.components.sent import arguments_to


class SomeMix(TypedDict, total=False):
    """Some of the mixer settings of one track."""

    gain_db: float
    muted: bool
    solo: bool
    pan: float


class MixChange(TypedDict):
    """The mixer settings of one track that a gesture has changed."""

    id: str
    set: SomeMix


class Tracks(ui.element, component="tracks.js", esm=CHANGES_MODULE | PLAYER_MODULE):
    """The mixer: a row for each track, all on one time line and sample-synchronous in the player.

    The mixer's state is in the browser; `mix` is what the person has set there.

    Args:
        tracks: the tracks in the order of the rows; ids stay the same when a track grows or changes.
        empty_text: the text that is shown when there are no tracks.
        on_mix: called once per gesture with the settings that it has changed.
        on_seek: called once per gesture with the new position in seconds.
        on_menu: called with the id of a track whose menu a person opens; rows have no menu button without it.
        all_sides: whether those of sides that are not heard are shown too.
        host: makes the lane of the first row a place for a waveform (`with tracks: ...`), with one for tools under the
            row's controls (`with tracks.tools: ...`); the name of that row while there is no track. "" for none.
    """

    def __init__(
        self,
        tracks: Sequence[Track] = (),
        *,
        empty_text: str = "Separated sounds appear here, on one timeline.",
        on_mix: Callable[[list[MixChange]], object] | None = None,
        on_seek: Callable[[float], object] | None = None,
        on_menu: Callable[[str], object] | None = None,
        all_sides: bool = False,
        host: str = "",
    ) -> None:
        super().__init__()
        self._props["all-sides"] = all_sides
        self._props["host"] = host
        self.tools = self.add_slot("tools")
        self._on_mix = on_mix
        self._mix: dict[str, TrackMix] = {}
        self._props["tracks"] = list(tracks)
        self._props["empty-text"] = empty_text
        take_changes(self, self._remember_mix, list[MixChange])
        if on_seek is not None:
            self.on("seek", arguments_to(on_seek, float))
        if on_menu is not None:
            self._props["menu"] = True
            self.on("menu", arguments_to(on_menu, str))

    @property
    def mix(self) -> list[TrackMix]:
        """The mixer settings of each track: those the person set, else those of its descriptor."""
        tracks: list[Track] = self._props["tracks"]
        return [self._mix.get(track["id"]) or _mix_of(track) for track in tracks]

    def set_tracks(self, tracks: Sequence[Track]) -> Self:
        """Replace the rows; playback goes on with the new tracks."""
        if self._props["tracks"] != list(tracks):
            self._props["tracks"] = list(tracks)
            shown = {track["id"] for track in tracks}
            self._mix = {id_: mix for id_, mix in self._mix.items() if id_ in shown}
        return self

    def toggle_spectra(self) -> None:
        """Show the spectrogram of every row, or, where all are shown, their waveforms."""
        self.run_method("toggleSpectra")

    def _remember_mix(self, changes: list[MixChange]) -> object:
        known = {mix["id"]: mix for mix in self.mix}
        here = [change for change in changes if change["id"] in known]  # others may have been shown meanwhile
        for change in here:
            self._mix[change["id"]] = cast(TrackMix, {**known[change["id"]], **change["set"]})
        return self._on_mix(here) if self._on_mix is not None else None


def _mix_of(track: Track) -> TrackMix:
    return TrackMix(
        id=track["id"],
        gain_db=track.get("gain_db", 0.0),
        muted=track.get("muted", False),
        solo=track.get("solo", False),
        pan=track.get("pan", 0.0),
    )
