"""The mixer of the Studio: the results of a recording, their tracks, the A/B comparison, and downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from nicegui import background_tasks, ui

from separation.backends import registry
from separation.errors import PlaygroundError
from separation.formatted import duration
from separation.results.kept import Recording, Result
from storage import StorageError
from webapp.access.handlers import only_for
from webapp.access.routes import Asks
from webapp.components.player.track import Track, TrackMix
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.components.sides.side_loudness import SideLoudness
from webapp.components.sides.sides import Side, Sides
from webapp.components.tracks.kept_tracks import mixture_track, result_tracks
from webapp.components.tracks.tracks import MixChange, Tracks
from webapp.pages.studio.ab_tracks import compared_tracks, heard_tracks
from webapp.pages.studio.measures_row import MeasuresRow
from webapp.pages.studio.mix_row import MixRow
from webapp.pages.studio.partial_tracks import partial_tracks
from webapp.pages.studio.result_choice import (
    ResultChoice,
    remembered,
    with_other,
    with_result,
)
from webapp.pages.studio.result_labels import labels_of
from webapp.routes.export_choice import ExportChoice
from webapp.state.job import Job
from webapp.state.mixers import MAX_SAVED, MIXTURE, Levels, Mixers, MixerState, level_of
from webapp.theme import button, card, text

NOTHING = "-"  # no second result


class Mixer:
    """The mixer of one recording: its results, their tracks, mixes and measurements.

    Args:
        mixers: the mixer settings of all recordings.
        on_choose: called when a person has chosen which results play.
        on_refused: called with the error when something could not be stored.
    """

    def __init__(
        self,
        mixers: Mixers,
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
        self._export = ExportChoice()
        self._shown: list[Track] = []
        self._placed: dict[str, Mapping[str, Any]] = {}  # id of a track to where it stood when it came
        self._loudness = SideLoudness(self._sides_measured)  # a side that is gone is said by its tracks
        with card():
            with ui.element("div").classes("toolbar wrap") as self._bar:
                self._made = text("", "mute made")
                self._measures = MeasuresRow()
                self._choices = Settings(self._choose).classes("inline")
                with ui.element("span").classes("line"):
                    button("This mix", self._download_mix, icon_name="download", tip="One file of what is heard now")
                    button("All stems", self._download_all, icon_name="download", tip="One zip with every track")
                self._level = text("", "mute made turned-down")
            self._place = ui.element("div")
            with ui.element("div").classes("toolbar wrap") as self._compare_row:
                tip = "A, B and X without names: can the difference be heard?"
                only_for(button("Blind test", lambda: self._open_compare(blind=True), tip=tip), Asks.HOST)
                tip = "More sides, differences, and tests with others"
                button("Compare", self._open_compare, icon_name="compare", tip=tip)
            self._ab: Sides | None = None
            self._mix_row = MixRow(on_recall=self._recall, on_save=self._save, on_delete=self._delete)
            self._tracks = Tracks([], on_mix=self._mixed)
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
        making = partial_tracks(job) if job is not None and not job.over else []
        self._bar.set_visibility(result is not None)
        self._place.set_visibility(not making)  # what is being made is heard alone
        self._compare_row.set_visibility(other is not None and not making)
        self._made.set_text(_made(result, job))
        if not making:
            self._measures.show(recording, choice.playing)
        self._choices.set_groups([{"title": "", "fields": self._fields()}])
        self._say_level()
        if making:
            stems = making
        elif result is None:
            stems = []
        elif other is None:
            stems = result_tracks(result, urlencode(self._export.query))
        else:
            match_db = {side: one.gain_db for side, one in zip("AB", self._loudness.matched, strict=False)}
            stems = compared_tracks(result, other, urlencode(self._export.query), match_db)
        mixture = mixture_track(recording, urlencode(self._export.query), has_stems=bool(stems), address=address)
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

    def mixture(self) -> Track | None:
        """Return the recording's track as the large waveform shows it."""
        if self._recording is None:
            return None
        if self._shown:
            return Track(**self._shown[0])  # a copy, which the caller may change
        return mixture_track(self._recording, urlencode(self._export.query), has_stems=False, address=self._address)

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
            if self._recording is not None:
                self.show(self._recording, self._choice, self._job, self._address)

    def _download_all(self) -> None:
        if (result := self._choice.result) is not None:
            ui.navigate.to(f"/media/{result.key}/all.zip?{urlencode(self._export.query)}")

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
            ui.notify("Every track is muted: there is nothing to keep.")
            return
        ui.navigate.to(f"/media/{result.key}/mix?{urlencode([*parts, *self._export.query.items()])}")

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
                self._level.set_text(words)

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
        self._mix_row.mark(levels)
        self._measure_sides()

    def _recall(self, levels: Levels) -> None:
        """Apply a mix; sounds that it does not contain keep their settings."""
        self._tracks.set_mix(
            TrackMix(id=track["id"], **levels[_sound(track)]) for track in self._shown if _sound(track) in levels
        )

    def _save(self, name: str) -> None:
        levels, before = self._levels, self._saved
        self._change(lambda mixer: mixer.with_saved(str(name), levels))
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
        self._mix_row.show(sounds, self._saved, self._levels)

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
        playing = self._choice.playing
        common = [name for name in playing[0].track_names if all(name in one.track_names for one in playing)]
        query = {"items": ",".join(one.key for one in playing), "stem": next(iter(common), "")}
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

    def _fields(self) -> list[SettingField]:
        fields: list[SettingField] = []
        if len(self._choice.results) > 1 and (result := self._choice.result) is not None:
            options = [SettingOption(value=key, label=label) for key, label in self._labels.items()]
            others = [option for option in options if option["value"] != result.key]
            fields += [
                {
                    "name": "result",
                    "kind": "select",
                    "label": "",
                    "spoken": "Result",
                    "value": result.key,
                    "options": options,
                    "tip": "Everything that was made of this recording.",
                },
                {
                    "name": "other",
                    "kind": "select",
                    "label": "",
                    "spoken": "Compare with",
                    "value": NOTHING if self._choice.other is None else self._choice.other.key,
                    "options": [SettingOption(value=NOTHING, label="Compare with…"), *others],
                    "tip": "Puts another result beside this one, on the keys A and B.",
                },
            ]
        of = self._recording
        has_picture, has_tags = of is not None and of.video is not None, of is not None and bool(of.tags)
        return [*fields, *self._export.fields(has_picture=has_picture, has_tags=has_tags)]


def _sound(track: Track) -> str:
    """Return the name under which a track's settings are saved; other results share it."""
    return MIXTURE if track["url"].endswith("/audio") else track["name"]


def _made(result: Result | None, job: Job | None) -> str:
    """Return a line of text on how a result was made."""
    if result is None:
        return ""
    backend = registry.label_of(result.backend)
    if job is not None and job.cached and job.result == result:
        return f"{backend} · kept from an earlier run, nothing had to be computed"
    speed = f", {1 / result.rtf:.1f}x real time once loaded" if result.rtf else ""
    return f"{backend} · {duration(result.seconds)}{speed}"
