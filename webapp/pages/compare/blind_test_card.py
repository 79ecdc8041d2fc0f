"""One test in the list: who listens, what they found, its link, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from nicegui import ui
from nicegui.events import UploadEventArguments

from separation.comparing.blind_test import BlindSide, BlindTest, Kind
from separation.comparing.finding import Finding, best_first, finding_of
from separation.comparing.heard import sound_words
from separation.errors import PlaygroundError
from separation.formatted import counted, signed
from webapp.components.copying.copy_button import CopyButton
from webapp.components.pieces.qr import qr_code
from webapp.pages.listen.test_lines import KINDS, go_on_link
from webapp.pages.presets.keep_side import KeepPreset
from webapp.state.blind_tests import BlindTests, ComparedSide
from webapp.state.kept.own_presets import OwnPresets
from webapp.theme import button, card, text, tipped

MOST_BYTES = 4_000_000  # of a results file


class BlindTestCard:
    """A test of the recording, whose results gather while it is open.

    Args:
        tests: all tests.
        test: this one.
        links: returns the addresses at which other computers reach this studio now.
        presets: the person's own, to which the settings of a side can be added.
    """

    def __init__(
        self, tests: BlindTests, test: BlindTest, links: Callable[[], Sequence[str]], presets: OwnPresets
    ) -> None:
        self._tests, self._test, self._links, self._presets = tests, test, links, presets
        self._shown: object = None
        with card("pad test-card") as self._card:
            self._body = ui.element("div").classes("stack")
        self._dialog: ui.dialog | None = None
        self.show(test)

    def show(self, test: BlindTest) -> None:
        """Redraw the test and what its listeners have answered."""
        finding = finding_of(test, self._tests.listeners(test))
        if self._shown == (test, finding):
            return
        if finding.words and not test.seen:
            test = self._tests.mark_seen(test)
        self._test, self._shown = test, (test, finding)
        self._body.clear()
        with self._body:
            self._about(test)
            self._found(test, finding)
            self._buttons(test, finding)

    def show_link(self) -> None:
        """Open the dialog with the link and its QR code."""
        if self._dialog is not None:
            self._dialog.delete()
        with (
            self._card,
            ui.dialog().props('aria-label="Invite listeners"') as self._dialog,
            card("pad stack invitation"),
        ):
            text("Invite listeners", tag="h2")
            address = self._address()
            text(
                "Whoever has this link can take this test and opens nothing else of the studio."
                if self._links()
                else "This studio is open to this computer only, so only its own browsers can follow the link.",
                tag="p",
            )
            qr_code(address, "QR code of the link")
            ui.input("Link", value=address).props("readonly outlined dense").classes("full")
            with ui.element("span").classes("line"):
                CopyButton("Copy the link", address)
                ui.link("Open it here", address, new_tab=True).classes("button plain")
                button("Done", self._dialog.close)
        self._dialog.open()

    def _about(self, test: BlindTest) -> None:
        text(f"{KINDS[test.kind]}: {' against '.join(side.label for side in test.sides)}", tag="b")
        state = "closed" if test.closed else "open"
        trials = "" if test.kind is Kind.RATING else f" · {test.n_trials} trials"
        text(f"{sound_words(test.stem)} · {test.where(1)}{trials} · {state}", "mute small num", tag="p")

    def _found(self, test: BlindTest, finding: Finding) -> None:
        for words in finding.words:
            text(words, tag="p")
        if finding.scores:
            scores = text(f"Scores: {score_words(test.sides, finding.scores)}", "mute small num", tag="p")
            tipped(scores, "How often each is preferred, on one scale whose middle is 0 (Bradley-Terry)")
        for row in finding.rows:
            right = "" if row.n_right is None else f", {row.n_right} right"
            words = f"{row.name}: {row.n_answered} of {test.n_trials}{right}"
            text(words + (f" · {row.note}" if row.note else ""), "small num warn" if row.note else "small num", tag="p")
        if finding.words:
            with ui.element("span").classes("line wrap"):
                for side in test.sides:
                    if address := studio_address(test.recording, side):
                        link = ui.link(f"Use {side.label} in the Studio", address).classes("button plain")
                        tipped(link, "Opens the Studio with these settings")
                KeepPreset(self._presets, best_first(test, finding), self._card)
        if finding.rows and not finding.words:
            text("The numbers come when a set is complete.", "mute small", tag="p")
        if finding.n_complete > 1:
            text(f"Pooled over {counted(finding.n_complete, 'complete set')}.", "mute small", tag="p")

    def _buttons(self, test: BlindTest, finding: Finding) -> None:
        with ui.element("span").classes("line wrap"):
            go_on_link(test, self._tests.listeners(test), kind="primary")
            if not test.closed:
                button("Link", self.show_link, tip="The link and its QR code, to invite listeners")
            if finding.rows:
                ui.link("CSV", f"/tests/{test.id}/answers.csv").classes("button plain").props("download")
                ui.link("JSON", f"/tests/{test.id}/test.json").classes("button plain").props("download")
            if test.kind is not Kind.PREFERENCE:
                link = ui.link("webMUSHRA", f"/tests/{test.id}/webmushra.zip").classes("button plain").props("download")
                tipped(link, "The test with its sounds, for a webMUSHRA server")
                self._answers = ui.upload(on_upload=self._read, max_file_size=MOST_BYTES, auto_upload=True)
                self._answers.props("accept=.csv").classes("hidden")
                tip = "The results file that a webMUSHRA server wrote of this test; its listeners are counted here"
                button("webMUSHRA's answers…", lambda: self._answers.run_method("pickFiles"), tip=tip)
            if test.closed:
                tip = "Takes answers again; the test is marked, since its results were seen"
                button("Reopen", lambda: self._tests.reopen(self._test), tip=tip)
            else:
                button("Close", lambda: self._tests.close_test(self._test), tip="Takes no more answers")
            button("Delete", lambda: self._tests.delete(self._test), tip="Deletes the test, its sounds and all answers")

    async def _read(self, sent: UploadEventArguments) -> None:
        """Count the listeners of a results file of webMUSHRA."""
        text_of_file = (await sent.file.read()).decode("utf-8", errors="replace")
        try:
            n_listeners = self._tests.add_answers(self._test, text_of_file)
        except PlaygroundError as error:
            ui.notify(f"{error.what} {error.why} {error.todo}", multi_line=True)
            return
        ui.notify(f"{counted(n_listeners, 'listener')} of webMUSHRA counted.")

    def _address(self) -> str:
        request = ui.context.client.request
        links = self._links()
        base = links[0] if links else str(request.base_url if request is not None else "/")
        return f"{base.rstrip('/')}/listen/{self._test.id}#key={self._test.key}"


def studio_address(recording: str, side: BlindSide | ComparedSide) -> str:
    """Return where the settings of a side can be used again; "" of what no separator made here, such as a file."""
    made_here = side.run_s > 0 or side.made_with
    return f"/?{urlencode({'recording': recording, 'result': side.source, 'use': 1})}" if made_here else ""


def score_words(sides: Sequence[BlindSide], scores: Sequence[float]) -> str:
    """Return the scores of the sides in words, the best first."""
    ranked = sorted(zip(scores, sides, strict=True), key=lambda one: -one[0])
    return ", ".join(f"{side.label} {signed(score, '+.2f')}" for score, side in ranked)
