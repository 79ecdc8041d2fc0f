"""The doctor on the Models page and in the settings: a self-test of each backend that is ready, and versions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nicegui import ui

from separation.backends import registry
from separation.doctor import installed
from separation.doctor.self_test import Passed
from separation.errors import PlaygroundError
from separation.formatted import size_range, speed
from storage import data_folder
from webapp.access.handlers import asks
from webapp.access.routes import Asks
from webapp.components.pieces.actions import said_with
from webapp.state.doctor import Doctor
from webapp.theme import CostBox, button, card, error_card, pill, text

PLACES = {"cpu": "the processor", "cuda": "the NVIDIA graphics card", "mps": "Apple graphics"}
WHAT_IT_DOES = "Sends two seconds of sound through every backend that is ready, in the process where separations run."


class DoctorCard:
    """Starts self-tests and shows their findings, also of tests started on another page.

    Args:
        doctor: the doctor of this server.
        say: called with a text that screen readers are to say.
        may_run: whether this page may start a test.
    """

    def __init__(self, doctor: Doctor, *, say: Callable[[str], object], may_run: bool) -> None:
        self._doctor, self._say = doctor, say
        self._was_busy = False
        with card("doctor") as surface:
            surface.props["aria-label"] = "Doctor"
            with ui.element("div").classes("doctor-head"):
                with ui.element("div").classes("grow"):
                    text("Doctor", tag="h2")
                    self._words = text(WHAT_IT_DOES, "mute small", tag="p")
                self._unfold = button("Versions", self._toggle_versions, kind="plain", tip="For reports of faults")
                asks(self._unfold, Asks.SESSION).props("aria-expanded=false")
                takes = "Takes a few seconds; a large model takes longer to load"
                self._test = button("", self._run if may_run else None, tip=takes)
                self._test.set_visibility(may_run)
            self._trouble = ui.element("div").classes("messages")
            self._found = ui.element("ul").classes("doctor-found").props('role=list aria-label="What was found"')
            self._versions = ui.element("div").classes("doctor-versions")
        self._versions.set_visibility(False)
        self._drawn: object = None
        doctor.changed.subscribe(self._show)
        self._show()

    def _run(self) -> None:
        self._trouble.clear()
        try:
            self._doctor.run()
        except PlaygroundError as error:
            with self._trouble:
                error_card(error)

    async def _toggle_versions(self) -> None:
        opened = not self._versions.visible
        self._versions.set_visibility(opened)
        self._unfold.props(f"aria-expanded={'true' if opened else 'false'}")
        if opened and not self._versions.default_slot.children:
            rows = await asyncio.to_thread(_installed)
            with self._versions:
                CostBox(rows).props('aria-label="Versions"')

    def _show(self) -> None:
        doctor = self._doctor
        busy, verdicts = doctor.busy, doctor.verdicts
        self._test.set_text("Testing…" if busy else "Run the self-test")
        self._test.props("aria-disabled=true") if busy else self._test.props(remove="aria-disabled")
        if (found := (doctor.testing, tuple(verdicts))) != self._drawn:
            self._drawn = found
            self._draw()
        if busy:
            self._words.set_text(WHAT_IT_DOES)
        elif verdicts:
            n_passed = sum(isinstance(verdict, Passed) for verdict in verdicts.values())
            self._words.set_text(f"{n_passed} of {len(verdicts)} backends that are ready passed the self-test.")
            if self._was_busy:
                self._say(self._words.text)
        self._was_busy = busy

    def _draw(self) -> None:
        self._found.clear()
        with self._found:
            for name, verdict in self._doctor.verdicts.items():
                failed = isinstance(verdict, PlaygroundError)
                _line(name, "Fails" if failed else "Works", "bad" if failed else "ok", verdict_of(verdict))
            if self._doctor.testing is not None:
                _line(self._doctor.testing, "Testing", "warn", "")


def _line(backend: str, state: str, kind: str, words: str) -> None:
    with ui.element("li"):
        with ui.element("div").classes("model-head"):
            text(registry.get(backend).label, tag="b")
            pill(state).classes(kind)
        if words:
            text(words, "mute small num", tag="p")


def _installed() -> dict[str, str]:
    """Return what `audio-playground doctor` reports beside the backends."""
    about = {"Python": installed.python(), "System": installed.system(), "Data folder": str(data_folder())}
    return about | installed.versions()


def verdict_of(verdict: Passed | PlaygroundError) -> str:
    """Return the outcome of a self-test as text."""
    if isinstance(verdict, PlaygroundError):
        return said_with(verdict.message, verdict.action)
    where = PLACES.get(verdict.device, verdict.device)
    memory = f" · {size_range((verdict.peak_bytes, verdict.peak_bytes))} of memory" if verdict.peak_bytes else ""
    return (
        f"{verdict.model} on {where} · loaded in {verdict.load_s:.1f} s · "
        f"{speed(verdict.speed)}{memory} · {verdict.seconds:.1f} s in all"
    )
