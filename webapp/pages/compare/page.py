"""The Compare page: results of one recording side by side, sample-synchronous, on keys, equally loud; tests of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import isinf
from urllib.parse import urlencode

from nicegui import background_tasks, ui

from separation.comparing.addresses import address_of, item_at
from separation.comparing.heard import ASKED, MIX, difference_db, sound_words
from separation.comparing.heard import Compared as Item
from separation.comparing.matching import Matched
from separation.comparing.true_stems import true_stems_of
from separation.errors import PlaygroundError
from separation.formatted import counted, signed
from separation.results.kept import DamagedItem, Recording
from storage import StorageError
from webapp.access.handlers import may, only_for
from webapp.access.roles import Right
from webapp.access.routes import Asks
from webapp.components.keymap.keymap import Keymap
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.components.sides.side_loudness import SideLoudness
from webapp.components.sides.sides import Sides
from webapp.components.tracks.kept_tracks import mixture_track
from webapp.components.tracks.tracks import Tracks
from webapp.components.transport.transport import Loop, Transport
from webapp.components.waveform.waveform import WaveformPlot
from webapp.pages.compare.added_files import AddedFiles
from webapp.pages.compare.blind_test_panel import BlindTestPanel
from webapp.pages.compare.compared import DIFFERENCE, MOST, Compared, asked_alike
from webapp.pages.compare.notes import ComparedNotes
from webapp.pages.listen.test_lines import BlindTestLines
from webapp.state.blind_tests import BlindTests
from webapp.state.kept.notes import Notes
from webapp.state.kept.own_presets import OwnPresets
from webapp.state.library.view import LibraryView
from webapp.theme import Messages, button, card, drop_zone, scheme_menu, shell, side_button, text

NOTHING = "-"
ON = "on"


class ComparePage:
    """One open Compare page. What is compared is in its address; tests are in the store."""

    def __init__(
        self,
        library_view: LibraryView,
        tests: BlindTests,
        notes: Notes,
        presets: OwnPresets,
        links: Callable[[], Sequence[str]],
    ) -> None:
        self._view, self._test_list = library_view, tests
        self._client = ui.context.client
        self._compared = Compared()
        self._recording: Recording | None = None
        self._matching = True
        self._loop: Loop = {"on": False, "start_s": None, "end_s": None}
        self._loudness = SideLoudness(self._measured, on_error=self._say_error)
        with shell("compare", side="Blind test" if may(Asks.HOST) else "") as frame:
            with frame.header:
                self._header()
            with frame.main:
                self._main(notes)
            with frame.side:
                self._tests = BlindTestPanel(tests, links, presets, on_error=self._say_error)
            with frame.footer:
                self._transport = Transport(on_loop=self._looped)
            self._actions = frame.actions
        self._draw()

    def open(self, addresses: Sequence[str], stem: str | None = None, *, blind: bool = False) -> None:
        """Compare the items of these addresses, as far as they are here.

        Args:
            addresses: of the items.
            stem: what is heard of each; None, or what not all of them have, is the sound that they were made for.
            blind: whether a host's test starts at once.
        """
        compared = Compared()
        for address in addresses[: 2 * MOST]:
            try:
                compared = compared.with_item(self._item(address))
            except PlaygroundError as error:
                self._say_error(error)
        self._show(compared.with_stem(stem if stem in (MIX, ASKED, *compared.stems) else compared.asked))
        if blind and len(compared.items) > 1 and may(Asks.HOST):
            self._tests.start()

    def open_results(self, recording: str) -> None:
        """Compare the newest results of a recording that were made for the same sound."""
        self.open([result.key for result in asked_alike(self._view.results(recording))][:MOST])

    # what the screen holds

    def _header(self) -> None:
        self._title = text("Compare", tag="h1")
        self._about = text("", "mute hide-phone")
        text("", "grow")
        Keymap()
        scheme_menu()

    def _main(self, notes: Notes) -> None:
        self._files = AddedFiles(
            self._view, rate=self._rate, on_added=lambda item: self._add(lambda: item), on_error=self._say_error
        )
        self._messages = Messages()
        self._start = ui.element("div").classes("stack")
        self._left = ui.element("div")
        with self._left:
            BlindTestLines(self._test_list)
        with ui.element("div").classes("stack") as self._workspace:
            with card():
                self._sides = Sides(many=True)
                with ui.element("div").classes("toolbar wrap"):
                    self._choices = Settings(self._choose).classes("inline")
                    tip = "A recording of this computer, at the rate of the others; drop it anywhere on the page"
                    only_for(button("Add a file…", self._files.browse, tip=tip), Right.UPLOAD)
                    tip = "The spectrogram of every side, on one scale, or its waveform"
                    button("Spectrograms", lambda: self._tracks.toggle_spectra(), tip=tip)
                    self._removals = ui.element("span").classes("line")
                    self._difference = text("", "mute num difference")
            with card():
                self._wave = WaveformPlot(height_px=96)
                with self._wave:
                    self._notes = ComparedNotes(notes, may_change=self._view.may_change, on_error=self._say_error)
            with card():
                self._tracks = Tracks(all_sides=True, on_mix=lambda _: self._measure())

    def _draw(self) -> None:
        items = self._compared.items
        self._start.set_visibility(len(items) < 2)
        self._left.set_visibility(not items)
        self._workspace.set_visibility(bool(items))
        sound = self._compared.sound
        self._title.set_text("Compare" if self._recording is None else f"Compare {sound}: {self._recording.name}")
        self._about.set_text(counted(len(items), "side") if items else "")
        self._draw_start()
        self._draw_action()
        sides = self._compared.sides(self._shown_matched)
        if len(items) > 1:
            a, b = (index + 1 for index in self._compared.pair)
            sides.append({"side": DIFFERENCE, "label": f"{a} minus {b}", "match": "", "about": "what is left of both"})
        self._sides.set_sides(sides)
        self._choices.set_groups([{"title": "", "fields": self._fields()}])
        self._tracks.set_tracks(self._compared.tracks(self._shown_matched))
        if self._recording is not None:
            self._wave.set_track(mixture_track(self._recording, "", has_stems=True))
        self._notes.show(self._compared, self._recording)
        self._tests.show(self._compared, self._recording, self._loop)

    def _rate(self) -> int | None:
        return self._compared.items[0].sample_rate if self._compared.items else None

    @property
    def _shown_matched(self) -> tuple[Matched, ...]:
        return self._loudness.matched if self._matching else tuple(Matched() for _ in self._compared.items)

    def _fields(self) -> list[SettingField]:
        compared = self._compared
        stems = [SettingOption(value=MIX, label=sound_words(MIX).capitalize())]
        if compared.has_unlike_sounds:
            stems.append(SettingOption(value=ASKED, label=sound_words(ASKED).capitalize()))
        stems += [SettingOption(value=stem, label=stem) for stem in compared.stems]
        here = {address_of(item) for item in compared.items}
        more = [SettingOption(value=NOTHING, label="Add…")]
        others = [(address_of(item), label) for item, label in self._others()]
        more += [SettingOption(value=address, label=label) for address, label in others if address not in here]
        pairs = [
            SettingOption(value=f"{a},{b}", label=f"{a + 1} minus {b + 1}")
            for a in range(len(compared.items))
            for b in range(len(compared.items))
            if a < b
        ]
        fields: list[SettingField] = [
            {
                "name": "stem",
                "kind": "select",
                "label": "",
                "spoken": "Sound",
                "value": compared.stem,
                "options": stems,
                "tip": "What is heard of each side.",
            },
            {
                "name": "more",
                "kind": "select",
                "label": "",
                "spoken": "Add a side",
                "value": NOTHING,
                "options": more,
                "tip": f"Up to {MOST} results of this recording, or the recording itself.",
            },
            {
                "name": "matching",
                "kind": "select",
                "label": "",
                "spoken": "Loudness",
                "value": ON if self._matching else "off",
                "options": [
                    SettingOption(value=ON, label="Equally loud"),
                    SettingOption(value="off", label="As they are"),
                ],
                "tip": "By ITU-R BS.1770, turning down only: the louder of two sounds seems the better one.",
            },
        ]
        if len(pairs) > 1:
            fields.append(
                {
                    "name": "pair",
                    "kind": "select",
                    "label": "",
                    "spoken": "Difference",
                    "value": f"{compared.pair[0]},{compared.pair[1]}",
                    "options": pairs,
                    "tip": "Which two are played against each other on the key D.",
                }
            )
        return fields

    def _others(self) -> list[tuple[Item, str]]:
        if self._recording is None:
            return []
        found: list[tuple[Item, str]] = [(self._recording, "The recording itself")]
        if (true := true_stems_of(self._recording)) is not None:
            found.append((true, true.name))
        for result in self._view.results(self._recording.key):
            found.append((result, f"{result.name} · {result.backend} · {result.created[11:19]}"))
        return found

    def _draw_action(self) -> None:
        """Have the way to a blind test in sight on a phone, too, where it asks its question in the side panel."""
        is_needed = len(self._compared.items) > 1 and may(Asks.HOST)
        if is_needed and not self._actions.default_slot.children:
            with self._actions:
                side_button("Blind test", "What is asked, how often, and the tests there are")
        elif not is_needed:
            self._actions.clear()

    def _draw_start(self) -> None:
        self._start.clear()
        if len(self._compared.items) > 1:
            return
        with self._start, drop_zone("Nothing to compare yet", "Recordings with two results or more can be compared."):
            for recording, keys in self._comparable():
                address = f"/compare?{urlencode({'items': ','.join(keys)})}"
                ui.link(f"{recording} · {len(keys)} results", address).classes("button")
            ui.link("Open the Library", "/library").classes("button plain")
            files = button("Add files…", self._files.browse, tip="Two recordings of this computer can be compared too")
            only_for(files, Right.UPLOAD)

    def _comparable(self) -> list[tuple[str, list[str]]]:
        """Return recordings with several results: name, and keys of the newest results."""
        results: dict[str, list[str]] = {}
        for result in self._view.all_results():
            results.setdefault(result.recording, []).append(result.key)
        recordings = {recording.key: recording.name for recording in self._view.recordings()}
        found = [(recordings[key], keys[:MOST]) for key, keys in results.items() if key in recordings and len(keys) > 1]
        return found[:12]

    # what people do

    def _choose(self, name: str, value: object) -> None:
        if name == "stem":
            self._show(self._compared.with_stem(str(value)))
        elif name == "matching":
            self._matching = value == ON
            self._draw()
            self._say_difference()
        elif name == "pair":
            a, _, b = str(value).partition(",")
            self._show(self._compared.with_pair((int(a), int(b))))
        elif name == "more" and value != NOTHING:
            self._add(partial(self._item, str(value)))

    def _add(self, item: Callable[[], Item]) -> None:
        try:
            self._show(self._compared.with_item(item()))
        except PlaygroundError as error:
            self._say_error(error)
            self._draw()

    def _remove(self, address: str) -> None:
        self._show(self._compared.without(address))

    def _item(self, address: str) -> Item:
        return item_at(address, self._view.kept)

    def _looped(self, loop: Loop) -> None:
        self._loop = loop
        self._tests.show(self._compared, self._recording, loop)
        self._measure()

    def _show(self, compared: Compared) -> None:
        self._compared = compared
        self._loudness.forget()
        self._recording = self._recording_of(compared)
        with self._client:
            self._remember()
            self._removals.clear()
            with self._removals:
                for index, item in enumerate(compared.items if len(compared.items) > 2 else ()):
                    button(
                        f"Remove {index + 1}", partial(self._remove, address_of(item)), tip="Leaves it in the library"
                    )
            self._draw()
        self._measure()

    def _remember(self) -> None:
        """Write what is compared into the address, so that a reload and a bookmark show it again."""
        query = urlencode({"items": ",".join(map(address_of, self._compared.items)), "stem": self._compared.stem})
        self._client.run_javascript(f"history.replaceState(null, '', location.pathname + '?{query}')")

    def _recording_of(self, compared: Compared) -> Recording | None:
        """Return what the results were made from, or else the first recording."""
        for item in compared.items:
            if not isinstance(item, Recording):
                with suppress(StorageError, DamagedItem):
                    return self._view.recording(item.recording)
        return next((item for item in compared.items if isinstance(item, Recording)), None)

    # loudness

    @property
    def _passage(self) -> tuple[float, float | None]:
        """What is heard in a loop, or everything."""
        return (self._loop["start_s"] or 0.0, self._loop["end_s"]) if self._loop["on"] else (0.0, None)

    def _measure(self) -> None:
        """Measure what is heard of each side, and turn down the louder ones."""
        self._loudness.measure(self._compared.heard, *self._passage)

    def _measured(self) -> None:
        self._draw()
        self._say_difference()

    def _say_difference(self) -> None:
        compared, passage, gains = self._compared, self._passage, self._shown_matched
        if len(compared.items) < 2 or not gains:
            self._difference.set_text("")
            return
        a, b = compared.pair

        async def measure() -> None:
            try:
                one, other = (
                    [track.turned(10 ** (gains[index].gain_db / 20)) for track in compared.heard[index]]
                    for index in (a, b)
                )
                level_db = await asyncio.to_thread(difference_db, one, other, *passage)
            except (OSError, PlaygroundError):  # said where its loudness was measured
                return
            if compared is self._compared and gains == self._shown_matched:
                words = "they are the same" if isinf(level_db) else f"{signed(level_db, '+.1f')} dB"
                self._difference.set_text(f"Difference of {a + 1} and {b + 1}: {words}")

        background_tasks.create(measure(), name="difference")

    def _say_error(self, error: PlaygroundError) -> None:
        with self._client:
            self._messages.say(error)
            self._client.run_javascript('document.querySelector(".messages").scrollIntoView({ block: "nearest" })')
