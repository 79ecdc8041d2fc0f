"""The blind tests of this studio as a list: what each compares, how far it is, and going on with one that was left."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from separation.comparing.blind_test import BlindTest, Kind, Listener
from separation.comparing.heard import sound_words
from separation.formatted import counted
from webapp.access.handlers import may
from webapp.access.routes import Asks
from webapp.routes.listening import compare_address
from webapp.state.blind_tests import BlindTests
from webapp.theme import card, heading, text, tipped

MOST = 20  # are listed
KINDS = {Kind.ABX: "ABX", Kind.PREFERENCE: "Preference", Kind.RATING: "Ratings"}


class BlindTestLines:
    """All tests, the newest first; for the host of the studio, and nothing while there is none.

    Args:
        tests: all tests.
    """

    def __init__(self, tests: BlindTests) -> None:
        self._tests = tests
        self._shown: list[tuple[BlindTest, list[Listener]]] = []
        self._body = ui.element("div").classes("stack test-lines")
        if not may(Asks.HOST):
            return
        tests.changed.subscribe(lambda _: self._draw())
        self._draw()

    def _draw(self) -> None:
        lines = [(test, self._tests.listeners(test)) for test in self._tests.all()]
        if lines == self._shown:
            return
        self._shown = lines
        self._body.clear()
        with self._body:
            heading("Listening tests")
            with card("pad"), ui.element("div").classes("stack"):
                for test, listeners in lines[:MOST]:
                    _line(test, listeners)
                if len(lines) > MOST:
                    more = counted(len(lines) - MOST, "older test")
                    text(f"{more} can be found where their recordings are compared.", "mute small", tag="p")


def go_on_link(test: BlindTest, listeners: Sequence[Listener], *, kind: str = "") -> None:
    """Draw the link that goes on with a test of the host's own, or begins it; nothing if it is over."""
    if test.guided or test.closed or not may(Asks.HOST):
        return  # guests go on by the link they were sent, and it holds the key
    left = [one for one in listeners if not one.complete]
    if not left and listeners:
        return
    address = f"/listen/{test.id}#key={test.key}"
    if left:
        link = ui.link("Go on", f"{address}&set={left[-1].id}")
        tipped(link, "At the trial at which it was left")
    else:
        link = ui.link("Begin", address)
        tipped(link, "It was made, and nobody has taken it yet")
    link.classes(f"button {kind}")


def _line(test: BlindTest, listeners: list[Listener]) -> None:
    with ui.element("div").classes("line wrap"):
        name = f"{test.recording_name} · {sound_words(test.stem)}"
        tipped(ui.link(name, compare_address(test)).classes("line-link"), "Opens what it compares, and what was found")
        text(f"{KINDS[test.kind]} · {_how_far(test, listeners)}", "mute small grow")
        go_on_link(test, listeners)


def _how_far(test: BlindTest, listeners: list[Listener]) -> str:
    if test.closed:
        return "closed"
    if test.guided or len(listeners) > 1:
        return f"{counted(len(listeners), 'listener')}, {sum(one.complete for one in listeners)} complete"
    n_answered = listeners[-1].n_answered if listeners else 0
    return f"{n_answered} of {test.n_trials} answered"
