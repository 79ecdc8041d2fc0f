"""The mixer of the Studio: the results of a recording, their tracks, the A/B comparison, and downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from nicegui import background_tasks, ui

from separation.backends import registry
from separation.errors import PlaygroundError
from separation.formatted import duration, speed
from separation.results.kept import Recording, Result
from storage import StorageError
from webapp.access.handlers import only_for
from webapp.access.routes import Asks
from webapp.components.mixes.mixes import Mix, MixedTrack, Mixes
from webapp.components.player.track import Track
from webapp.components.sides.side_loudness import SideLoudness
from webapp.components.sides.sides import Side, Sides
from webapp.components.tracks.kept_tracks import mixture_track, result_tracks
from webapp.components.tracks.tracks import MixChange, Tracks
from webapp.pages.studio.timeline.ab_tracks import compared_tracks, heard_tracks
from webapp.pages.studio.timeline.mixer_head import MixerHead
from webapp.pages.studio.timeline.partial_tracks import partial_tracks
from webapp.pages.studio.timeline.result_choice import (
    ResultChoice,
    remembered,
    with_other,
    with_result,
)
from webapp.pages.studio.timeline.result_labels import labels_of
from webapp.routes.export_choice import ExportChoice
from webapp.state.kept.exports import Exports
from webapp.state.mixers import MAX_SAVED, MIXTURE, Levels, Mixers, MixerState, level_of, usual_mixes
from webapp.state.queue.job import Job
from webapp.theme import button, card

NOTHING_YET = "Separated sounds appear here, on one timeline."
HEARD_AFTER_CANCEL = "Cancelled. You can hear what was finished."
HEARD_WHILE_MADE = "You can already hear what is finished."


class Mixer:
    """The mixer of one recording: its results, their tracks, mixes and measurements.

    Args:
        mixers: the mixer settings of all recordings.
        exports: how downloads were last written.
        on_choose: called when a person has chosen which results play.
        on_refused: called with the error when something could not be stored.
    """

    def __init__(
        self,
        mixers: Mixers,
        exports: Exports,
        *,
        on_choose: Callable[[ResultChoice], object],
        on_refused: Callable[[StorageError], object],
    ) -> None:
        self._mixers, self._on_choose, self._on_refused = mixers, on_choose, on_refused
        self._client = ui.context.client
        self._recording: Recording | None = None
        self._address = ""
        self._choice = ResultChoice()
        self._labels: dict[str, str] = {}
        self._job: Job | None = None
        self._exports, self._export = exports, ExportChoice.from_query(exports.query)
        self._shown: list[Track] = []
        self._placed: dict[str, Mapping[str, Any]] = {}  # id of a track to where it stood when it came
        self._loudness = SideLoudness(self._sides_measured)  # a side that is gone is said by its tracks
        with card("timeline"):
            self._head = MixerHead(
                on_choose=self._choose, on_keep_stems=self.keep_stems, on_keep_mix=self._download_mix
            )
            self._place = ui.element("div")
            with ui.element("div").classes("toolbar wrap") as self._compare_row:
                tip = "A, B and X without names: can the difference be heard?"
                only_for(button("Blind test", lambda: self._open_compare(blind=True), tip=tip), Asks.HOST)
                tip = "More results, differences, and listening tests with others"
                button("Compare", self._open_compare, icon_name="compare", tip=tip)
            self._ab: Sides | None = None
            self._tracks = Tracks([], on_mix=self._mixed, host="Mixture")
            self._mixes = Mixes(on_save=self._save, on_remove=self._delete)
        mixers.saved.subscribe(self._mixes_saved)

    def show(self, recording: Recording, choice: ResultChoice, job: Job | None, address: str = "") -> None:
        """Redraw the mixer; the tracks of a running job can be played as far as they are computed.

        Args:
            recording: the recording that the results were made from.
            choice: the results, and which of them play.
            job: the last job of the recording, if there is one.
            address: the key of the upload that became the recording, on a page that was open during the upload.
        """
        if recording is not self._recording:
            self._recording, self._placed = recording, {}
            if recording.video is None:
                self._export = self._export.without_picture()
        if choice is not self._choice:
            self._hear(choice)
        self._job, self._address = job, address
        result, other = choice.result, choice.other
        making = partial_tracks(job) if job is not None and (not job.over or job.stopped) else []
        self._place.set_visibility(not making)  # what is being made is heard alone
        self._compare_row.set_visibility(other is not None and not making)
        heard = result is not None and not making
        words = _made(result, job)
        if making and job is not None:
            words = HEARD_AFTER_CANCEL if job.over else HEARD_WHILE_MADE
        self._head.show(words, recording, choice, self._labels, self._export, is_heard=heard)
        self._head.measures.show(recording, choice.playing if heard else ())
        self._say_level()
        if making:
            stems = making
        elif result is None:
            stems = []
        elif other is None:
            stems = result_tracks(result, self.export_query)
        else:
            match_db = {side: one.gain_db for side, one in zip("AB", self._loudness.matched, strict=False)}
            stems = compared_tracks(result, other, self.export_query, match_db)
        mixture = mixture_track(recording, self.export_query, has_stems=bool(stems), address=address)
        self._shown = [self._placed_track(track) if stems else track for track in (mixture, *stems)]
        shown = {track["id"] for track in self._shown}
        self._placed = {id_: level for id_, level in self._placed.items() if id_ in shown}
        self._tracks.set_tracks(self._shown)
        self._show_mixes()
        if other is not None and not making and not self._loudness.matched:
            self._measure_sides()

    def clear(self) -> None:
        """Empty the mixer, for a page without a recording."""
        if self._recording is None:
            return
        self._recording = self._job = None
        self._hear(ResultChoice())
        self._shown = []
        self._tracks.set_tracks([])
        self._head.clear()

    @property
    def lane(self) -> Tracks:
        """The place of the waveform beside the controls of the mixture: `with mixer.lane: ...`."""
        return self._tracks

    @property
    def export_query(self) -> str:
        """How downloads are written, as the query of their addresses."""
        return urlencode(self._export.query)

    def mixture(self) -> Track | None:
        """Return the recording's track as the large waveform shows it."""
        if self._recording is None:
            return None
        if self._shown:
            return Track(**self._shown[0])  # a copy, which the caller may change
        return mixture_track(self._recording, self.export_query, has_stems=False, address=self._address)

    # what people do

    def _choose(self, name: str, value: Any) -> None:
        if name == "result":
            self._compare(with_result(self._choice, value))
        elif name == "other":
            self._compare(with_other(self._choice, value))
        else:
            self._export, said = self._export.choosing(name, value)
            if said:
                ui.notify(said)
            try:
                self._exports.remember(self.export_query)
            except StorageError as error:
                self._on_refused(error)
            if self._recording is not None:
                self.show(self._recording, self._choice, self._job, self._address)

    def keep_stems(self) -> None:
        """Download every track of the result that is heard, as one zip."""
        if (result := self._choice.result) is not None:
            _download(f"/media/{result.key}/all.zip?{self.export_query}")

    def _download_mix(self) -> None:
        """Download the mix of side A as one file."""
        if (result := self._choice.result) is None:
            return
        mixed = {mix["id"]: mix for mix in self._tracks.mix}
        solo = any(mix["solo"] for mix in mixed.values())
        parts = []
        for track in self._shown:
            mix = mixed[track["id"]]
            if not mix["muted"] and (mix["solo"] or not solo) and mix["gain_db"] > -60 and track.get("side") != "B":
                file = track["url"].rsplit("/", 1)[1]
                parts += [("track", file), ("gain_db", str(mix["gain_db"])), ("pan", str(mix["pan"]))]
        if not parts:
            ui.notify("Every track is muted: there is nothing to download.")
            return
        _download(f"/media/{result.key}/mix?{urlencode([*parts, *self._export.query.items()])}")

    def _say_level(self) -> None:
        """Say what is done about peaks in downloads, once it is known."""
        recording, export, playing = self._recording, self._export, self._choice.playing
        assert recording is not None
        names = ["Stems"] if len(playing) == 1 else [f"Stems {side}" for side in "AB"]
        results = dict(zip(names, playing, strict=False))

        async def measure() -> None:
            try:
                words = await asyncio.to_thread(export.level_words, recording, results)
            except (OSError, PlaygroundError):  # one of them is gone, which its tracks say
                words = ""
            if (recording, export, playing) == (self._recording, self._export, self._choice.playing):
                self._head.say_level(words)

        if playing:
            background_tasks.create(measure(), name="level of downloads")

    # where the mixer stands

    def _placed_track(self, track: Track) -> Track:
        """Return the track with the last mixer settings of its sound, which the person may change from then on."""
        assert self._recording is not None
        levels = self._mixers.of(self._recording.key).levels
        level = self._placed.setdefault(track["id"], levels.get(_sound(track), {}))
        return cast(Track, {**track, **level})

    @property
    def _levels(self) -> Levels:
        """Return the mixer settings of each sound on this page."""
        rows = {mix["id"]: mix for mix in self._tracks.mix}
        return {_sound(track): level_of(rows[track["id"]]) for track in self._shown}

    def _mixed(self, changes: list[MixChange]) -> None:
        """Save the mixer settings that a person has changed."""
        sounds, levels = {track["id"]: _sound(track) for track in self._shown}, self._levels
        of_sounds = [(sounds[change["id"]], change["set"]) for change in changes if change["id"] in sounds]
        if len(self._shown) > 1:
            self._change(lambda mixer: mixer.with_mix(of_sounds, levels))
        self._measure_sides()

    def _save(self, name: str, levels: Mix) -> None:
        before = self._saved
        mix = {sound: level_of(level) for sound, level in levels.items()}
        self._change(lambda mixer: mixer.with_saved(name, mix))
        for dropped in [one for one in before if one not in self._saved]:
            ui.notify(f"The mix “{dropped}” was dropped: at most {MAX_SAVED} are kept.")

    @property
    def _saved(self) -> Mapping[str, Levels]:
        return {} if self._recording is None else self._mixers.of(self._recording.key).saved

    def _delete(self, name: str) -> None:
        self._change(lambda mixer: mixer.without_saved(name))

    def _change(self, edit: Callable[[MixerState], MixerState]) -> None:
        if self._recording is None:
            return
        try:
            self._mixers.change(self._recording.key, edit)
        except StorageError as error:
            self._on_refused(error)

    def _mixes_saved(self, recording: str) -> None:
        if self._recording is not None and self._recording.key == recording:
            self._show_mixes()

    def _show_mixes(self) -> None:
        assert self._recording is not None
        sounds = list(dict.fromkeys(_sound(track) for track in self._shown[1:]))
        # What is being made may have another number of rows, and would move the row below them.
        being_made = any("ready_samples" in track for track in self._shown)
        usual = usual_mixes(sounds) if sounds and not being_made else {}
        self._mixes.show([MixedTrack(id=track["id"], sound=_sound(track)) for track in self._shown], usual, self._saved)

    # A and B

    def remember(self, choice: ResultChoice) -> None:
        """Save the choice of results, for the next time that the recording is opened."""
        self._change(lambda mixer: remembered(choice, mixer))

    def _compare(self, choice: ResultChoice) -> None:
        self.remember(choice)
        self._on_choose(choice)

    def _hear(self, choice: ResultChoice) -> None:
        if choice.playing != self._choice.playing:
            self._loudness.forget()
        self._choice, self._labels = choice, labels_of(choice.results)
        self._draw_ab()

    def _draw_ab(self) -> None:
        a, b = self._choice.result, self._choice.other
        if a is None or b is None:
            self._place.clear()
            self._ab = None
            return
        if self._ab is None:
            with self._place:
                self._ab = Sides()
        sides: list[Side] = []
        for index, (side, result) in enumerate((("A", a), ("B", b))):
            match = self._loudness.matched[index].words if self._loudness.matched else "measuring…"
            sides.append({"side": side, "label": self._labels[result.key], "match": match})
        self._ab.set_sides(sides)

    def _open_compare(self, *, blind: bool = False) -> None:
        """Open the Compare page with both sides and the sound that was asked for."""
        query = {"items": ",".join(one.key for one in self._choice.playing)}
        ui.navigate.to(f"/compare?{urlencode(query | ({'blind': '1'} if blind else {}))}")

    def _measure_sides(self) -> None:
        """Measure what is heard of both sides as the mixer stands, and turn down the louder one."""
        a, b = self._choice.result, self._choice.other
        if a is None or b is None:
            return
        self._loudness.measure([heard_tracks(result, self._shown, self._tracks.mix) for result in (a, b)])

    def _sides_measured(self) -> None:
        self._draw_ab()
        if self._recording is not None:
            self.show(self._recording, self._choice, self._job, self._address)


def _download(address: str) -> None:
    ui.navigate.to(address)
    ui.notify("Writing the files… The download starts when they are ready.")  # minutes, for hours of sound


def _sound(track: Track) -> str:
    """Return the name under which a track's settings are saved; other results share it."""
    return MIXTURE if track["url"].endswith("/audio") else track["name"]


def _made(result: Result | None, job: Job | None) -> str:
    """Return a line of text on how a result was made."""
    if result is None:
        return NOTHING_YET
    backend = registry.label_of(result.backend)
    if job is not None and job.cached and job.result == result:
        return f"{backend} · from an earlier run, nothing had to be computed"
    fast = f", {speed(1 / result.rtf)}" if result.rtf else ""
    return f"{backend} · {duration(result.seconds)}{fast}"
