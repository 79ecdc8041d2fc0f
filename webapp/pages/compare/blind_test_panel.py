"""The side panel of the Compare page: what a blind test asks, how much it can find, and the tests there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from nicegui import background_tasks, ui

from separation.comparing.addresses import address_of
from separation.comparing.blind_test import LONGEST_S, Kind
from separation.comparing.labels import settings_of_side
from separation.comparing.passages import PASSAGE_S
from separation.comparing.true_stems import TrueStems
from separation.errors import PlaygroundError
from separation.formatted import clock
from separation.results.kept import Recording, Result
from webapp.access.handlers import only_for
from webapp.access.routes import Asks
from webapp.components.settings.settings import SettingField, SettingOption, Settings
from webapp.components.transport.transport import Loop
from webapp.pages.compare.asked_words import question, why_so_many
from webapp.pages.compare.blind_test_card import BlindTestCard
from webapp.pages.compare.compared import Compared
from webapp.state.blind_tests import BlindTests, ComparedSide, NewTest
from webapp.state.kept.own_presets import OwnPresets
from webapp.theme import button, heading, segmented, text

KINDS = {Kind.ABX.value: "Which is X?", Kind.PREFERENCE.value: "Better?", Kind.RATING.value: "Ratings"}
TIPS = {
    Kind.ABX.value: "ABX: X is A or B. It shows whether there is a difference that is heard.",
    Kind.PREFERENCE.value: "A or B, without names. It shows which one listeners like better.",
    Kind.RATING.value: "From 0 to 100 beside a reference, which is hidden among them with two dull anchors (MUSHRA).",
}
TRIALS = (8, 12, 16, 24, 32)
PASSAGES = (1, 3, 5, 7, 10)
USUAL_TRIALS, USUAL_PASSAGES = 16, 7  # of fewer passages nobody can be left out (BS.1534-3)


class BlindTestPanel:
    """Makes tests of what is compared, and lists those of the recording.

    Args:
        tests: all tests.
        links: returns the addresses at which other computers reach this studio now, the first of them for links.
        presets: the person's own.
        on_error: called with what went wrong.
    """

    def __init__(
        self,
        tests: BlindTests,
        links: Callable[[], Sequence[str]],
        presets: OwnPresets,
        *,
        on_error: Callable[[PlaygroundError], object],
    ) -> None:
        self._tests, self._links, self._presets, self._on_error = tests, links, presets, on_error
        self._client = ui.context.client
        self._compared = Compared()
        self._recording: Recording | None = None
        self._loop: Loop = {"on": False, "start_s": None, "end_s": None}
        self._kind, self._n_trials, self._pair = Kind.ABX, USUAL_TRIALS, (0, 1)
        self._n_passages = USUAL_PASSAGES
        self._chosen_reference = ""  # the address of the side, which stays the same beside others
        self._cards: dict[str, BlindTestCard] = {}
        only_for(ui.context.slot.parent, Asks.HOST)
        with ui.element("div").classes("stack") as self._making:
            segmented(KINDS, self._kind.value, self._choose_kind, label="What is asked", tooltips=TIPS, full=True)
            self._question = text("", "question", tag="p")
            self._fields = Settings(self._choose)
            self._passage = text("", "mute small", tag="p")
            self._why = text("", "mute small", tag="p")
            self._double = button("", self._double_trials, tip="Surer, and takes twice as long")
            tip = "Names and order are hidden; the numbers come at the end."
            self._begin = button("Start a blind test", self.start, kind="primary", tip=tip)
            self._share = button("Invite others…", self._invite, tip="A link and a QR code; guests need no account")
        heading("Tests of this recording")
        self._none = text("None yet.", "mute small", tag="p")
        self._list = ui.element("div").classes("stack tests")
        tests.changed.subscribe(self._changed)

    def show(self, compared: Compared, recording: Recording | None, loop: Loop) -> None:
        """Offer tests of what is compared, in the passage of the loop."""
        other = _key(recording) != _key(self._recording)
        self._compared, self._recording, self._loop = compared, recording, loop
        if any(index >= len(compared.items) for index in self._pair):
            self._pair = (0, 1)
        self._making.set_visibility(len(compared.items) > 1)
        start_s, end_s = self._seconds
        where = "the loop" if self._loop["on"] else "loop a passage to choose another"
        what = f"The loudest {PASSAGE_S:g} s each in" if self._kind is Kind.RATING else "Passage:"
        self._passage.set_text(f"{what} {clock(start_s, 1)} to {clock(end_s, 1)} ({where}).")
        self._question.set_text(question(self._kind))
        self._why.set_text(why_so_many(self._kind, self._n_trials))
        self._double.set_visibility(self._kind is not Kind.RATING and 2 * self._n_trials in TRIALS)
        self._double.set_text(f"{2 * self._n_trials} trials instead")
        self._fields.set_groups([{"title": "", "fields": self._settings()}])
        if other:
            self._list_tests()

    @property
    def _reference(self) -> int:
        """The side that the others are to be like: the one that was chosen, or the true stems, or else the first."""
        addresses = [address_of(item) for item in self._compared.items]
        if self._chosen_reference in addresses:
            return addresses.index(self._chosen_reference)
        return next((index for index, item in enumerate(self._compared.items) if isinstance(item, TrueStems)), 0)

    @property
    def _seconds(self) -> tuple[float, float]:
        """The passage: the loop, at most the longest there may be, or some seconds from the middle."""
        duration_s = min((item.duration_s for item in self._compared.items), default=0.0)
        if self._loop["on"]:
            start_s = self._loop["start_s"] or 0.0
            end_s = duration_s if self._loop["end_s"] is None else min(self._loop["end_s"], duration_s)
            return start_s, end_s if self._kind is Kind.RATING else min(end_s, start_s + LONGEST_S)
        if self._kind is Kind.RATING:
            return 0.0, duration_s
        start_s = max(0.0, (duration_s - PASSAGE_S) / 2)
        return start_s, min(duration_s, start_s + PASSAGE_S)

    def _settings(self) -> list[SettingField]:
        n_sides = len(self._compared.items)
        if self._kind is Kind.RATING:
            names = [name for name, _ in self._compared.labels]
            return [_passages_field(self._n_passages), _reference_field(self._reference, names)]
        fields: list[SettingField] = [
            {
                "name": "trials",
                "kind": "select",
                "label": "Trials",
                "value": str(self._n_trials),
                "options": [SettingOption(value=str(n), label=str(n)) for n in TRIALS],
                "tip": "More find a smaller difference and take longer; about ten seconds each.",
            }
        ]
        if self._kind is Kind.ABX and n_sides > 2:
            pairs = [(a, b) for a in range(n_sides) for b in range(a + 1, n_sides)]
            fields.append(
                {
                    "name": "sides",
                    "kind": "select",
                    "label": "Sides",
                    "value": f"{self._pair[0]},{self._pair[1]}",
                    "options": [SettingOption(value=f"{a},{b}", label=f"{a + 1} against {b + 1}") for a, b in pairs],
                    "tip": "Which two are A and B.",
                }
            )
        return fields

    # what people do

    def _choose_kind(self, kind: str) -> None:
        self._kind = Kind(kind)
        self.show(self._compared, self._recording, self._loop)

    def _choose(self, name: str, value: object) -> None:
        if name == "trials":
            self._n_trials = int(str(value))
        elif name == "passages":
            self._n_passages = int(str(value))
        elif name == "reference":
            self._chosen_reference = address_of(self._compared.items[int(str(value))])
        elif name == "sides":
            a, _, b = str(value).partition(",")
            self._pair = (int(a), int(b))
        self.show(self._compared, self._recording, self._loop)

    def _double_trials(self) -> None:
        self._choose("trials", 2 * self._n_trials)

    def start(self) -> None:
        """Make a test and take it at once, in this browser."""
        self._make(guided=False)

    def _invite(self) -> None:
        self._make(guided=True)

    def _make(self, *, guided: bool) -> None:
        if self._recording is None:
            return
        indices = self._pair if self._kind is Kind.ABX else range(len(self._compared.items))
        start_s, end_s = self._seconds
        new = NewTest(
            kind=self._kind,
            recording=self._recording.key,
            recording_name=self._recording.name,
            stem=self._compared.stem,
            sides=tuple(side_of(self._compared, index) for index in indices),
            start_s=start_s,
            end_s=end_s,
            n_trials=self._n_passages if self._kind is Kind.RATING else self._n_trials,
            guided=guided,
            reference=self._reference if self._kind is Kind.RATING else 0,
        )

        async def make() -> None:
            try:
                test = await asyncio.to_thread(self._tests.create, new)
            except PlaygroundError as error:
                self._on_error(error)
                return
            with self._client:
                if guided:
                    self._list_tests()
                    self._cards[test.id].show_link()
                else:
                    ui.navigate.to(f"/listen/{test.id}#key={test.key}")

        background_tasks.create(make(), name="a blind test")

    # the tests there are

    def _list_tests(self) -> None:
        tests = [test for test in self._tests.all() if test.recording == _key(self._recording)]
        self._none.set_visibility(not tests)
        self._list.clear()
        with self._list:
            self._cards = {test.id: BlindTestCard(self._tests, test, self._links, self._presets) for test in tests}

    def _changed(self, test_id: str) -> None:
        test = self._tests.get(test_id)
        if test is None or test_id not in self._cards:
            if test_id in self._cards or (test is not None and self._recording is not None):
                self._list_tests()
            return
        self._cards[test_id].show(test)


def side_of(compared: Compared, index: int) -> ComparedSide:
    """Return a side as a test takes it."""
    item, (name, settings) = compared.items[index], compared.labels[index]
    return ComparedSide(
        heard=compared.heard[index],
        name=name,
        settings=settings,
        source=address_of(item),
        run_s=item.seconds if isinstance(item, Result) else 0.0,
        made_with=settings_of_side(item),
    )


def _key(recording: Recording | None) -> str:
    return "" if recording is None else recording.key


def _passages_field(n_passages: int) -> SettingField:
    return {
        "name": "passages",
        "kind": "select",
        "label": "Passages",
        "value": str(n_passages),
        "options": [SettingOption(value=str(n), label=str(n)) for n in PASSAGES],
        "tip": "Each is rated once, in an order of its own; about half a minute each.",
    }


def _reference_field(reference: int, names: Sequence[str]) -> SettingField:
    return {
        "name": "reference",
        "kind": "select",
        "label": "Reference",
        "value": str(reference),
        "options": [SettingOption(value=str(index), label=f"{index + 1} · {name}") for index, name in enumerate(names)],
        "tip": "What the others should sound like: the true stem where it is known.",
    }
