"""The queue as a person meets it: seen, ordered, paused, cancelled, and offered again after a crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, Keys

from assets.demo_recording import load_demo
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LONG_S = 60  # seven chunks, so that it is still at work when the server is killed


class MixerState(Studio):
    """A Studio whose queue one looks at."""

    def show_queue(self) -> MixerState:
        if not self.texts(".queue"):
            self.one(".queue-button").click()
        there = """const panel = document.querySelector(".queue")?.getBoundingClientRect();
            return !!panel && panel.width > 0 && panel.right <= innerWidth"""
        wait_until(lambda: self.js(there), "the queue to have slid in")
        return self

    def hide_queue(self) -> MixerState:
        self.one('.queue [aria-label="Close"]').click()
        wait_until(lambda: not self.texts(".queue"), "the queue to close")
        return self

    def queue(self) -> dict[str, list[str]]:
        """Group to the names in it, from top to bottom."""
        script = """return Object.fromEntries([...document.querySelectorAll(".queue-group")]
            .filter((group) => group.checkVisibility())
            .map((group) => [group.querySelector("h2").textContent.trim(),
                [...group.querySelectorAll(".job-row-name")].map((name) => name.innerText.trim())]))"""
        found: dict[str, list[str]] = self.js(script)
        return found

    def shows(self, **groups: list[str]) -> None:
        wait_until(lambda: self.queue() == groups, f"a queue of {groups}", RUN_S)

    def row(self, name: str, selector: str) -> str:
        """What is written in a part of a job's entry."""
        script = """const row = [...document.querySelectorAll(".job-row")].find(
            (row) => row.querySelector(".job-row-name").innerText.trim() === arguments[0]);
            return row?.querySelector(arguments[1])?.innerText.trim() ?? "" """
        return str(self.js(script, name, selector))

    def press(self, name: str, words: str) -> None:
        """Press a button with these words in a job's entry."""
        script = """const row = [...document.querySelectorAll(".job-row")].find(
            (row) => row.querySelector(".job-row-name").innerText.trim() === arguments[0]);
            return [...row.querySelectorAll("button")].find((el) => el.innerText.trim() === arguments[1])"""

        def pressed() -> bool:
            try:
                self.js(script, name, words).click()
            except StaleElementReferenceException:  # the entry went to another group before it was pressed
                return False
            return True

        wait_until(pressed, f"“{words}” of {name} to be pressed")

    @property
    def badge(self) -> str:
        return "".join(self.texts(".queue-button .badge"))

    @property
    def focused(self) -> str | None:
        found: str | None = self.js("return document.activeElement.getAttribute('aria-label')")
        return found


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A long one and two short ones."""
    folder, demo = tmp_path_factory.mktemp("songs"), load_demo()
    paths = [folder / "long.flac", folder / "one.flac", folder / "two.flac"]
    for k, (path, seconds) in enumerate(zip(paths, (LONG_S, 1, 1), strict=True)):
        samples = np.resize((1 - 0.1 * k) * demo.mixture.T, (seconds * demo.sample_rate, 2))  # (samples, 2)
        soundfile.write(path, samples, demo.sample_rate)
    return paths


@pytest.fixture(scope="module")
def desk(browser: Chrome, server: RunningServer, songs: list[Path]) -> MixerState:
    """Three jobs in a queue that was paused before them."""
    resize(browser, DESKTOP)
    desk = MixerState(browser, server.url)
    desk.open()
    desk.show_queue()
    assert "Nothing is waiting" in desk.texts(".queue-empty")[0]
    desk.button("Pause").click()
    wait_until(lambda: "nothing starts until you go on" in "".join(desk.texts(".queue-note")), "the pause")
    desk.hide_queue()
    for path in songs:
        desk.bring(path).ask("drums").start()
        wait_until(lambda: desk.job.startswith("Queued"), "the job to be queued")
    assert "the queue is paused" in desk.job
    return desk


def test_jobs_change_places_by_keyboard_and_the_focus_stays(desk: MixerState) -> None:
    wait_until(lambda: desk.badge == "3", "the number of jobs")
    desk.show_queue().shows(Next=["long.flac", "one.flac", "two.flac"])
    up = desk.one('[aria-label="Move two.flac up"]')
    up.send_keys(Keys.ENTER)
    desk.shows(Next=["long.flac", "two.flac", "one.flac"])
    wait_until(lambda: desk.focused == "Move two.flac up", "the focus on the button that moved")
    up.send_keys(Keys.ENTER)
    desk.shows(Next=["two.flac", "long.flac", "one.flac"])
    assert up.get_attribute("aria-disabled") == "true"
    up.send_keys(Keys.ENTER)
    assert desk.focused == "Move two.flac up"
    desk.shows(Next=["two.flac", "long.flac", "one.flac"])


def test_every_page_shows_the_same_and_a_queued_job_is_cancelled_from_any(desk: MixerState, browser: Chrome) -> None:
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    try:
        desk.open()
        desk.show_queue().shows(Next=["two.flac", "long.flac", "one.flac"])
        desk.press("one.flac", "Cancel")
        desk.shows(Next=["two.flac", "long.flac"], Earlier=["one.flac"])
    finally:
        browser.close()
        browser.switch_to.window(first)
    desk.shows(Next=["two.flac", "long.flac"], Earlier=["one.flac"])
    assert desk.row("one.flac", ".pill") == "Cancelled"


def test_the_details_of_a_job_are_there_on_demand(desk: MixerState) -> None:
    assert desk.row("one.flac", ".job-log") == ""
    desk.press("one.flac", "Details")
    wait_until(lambda: "Cancelled before it began." in desk.row("one.flac", ".job-log"), "the log")
    desk.press("one.flac", "Details")
    wait_until(lambda: not desk.texts(".job-log"), "the log to go")


def test_a_phone_has_all_of_it_in_reach_of_a_finger(desk: MixerState) -> None:
    resize(desk.browser, PHONE)
    try:
        wait_until(lambda: desk.js("return document.querySelector('.queue').clientWidth") == PHONE[0], "a full screen")
        assert sideways_px(desk.browser) == 0
        small = """return [...document.querySelectorAll(".queue button")].filter((el) => el.checkVisibility())
            .filter((el) => el.getBoundingClientRect().height < 44 || el.getBoundingClientRect().right > innerWidth)
            .map((el) => el.outerHTML)"""
        assert desk.js(small) == []
    finally:
        resize(desk.browser, DESKTOP)
    controls = [control for control in desk.all(".queue button, .queue-button") if control.is_displayed()]
    assert len(controls) > 10
    assert [control.get_attribute("outerHTML") for control in controls if not control.accessible_name.strip()] == []


def test_after_a_crash_jobs_are_offered_and_go_on(desk: MixerState, server: RunningServer) -> None:
    desk.button("Go on").click()
    desk.shows(Now=["long.flac"], Earlier=["two.flac", "one.flac"])
    assert desk.row("two.flac", ".pill") == "Done"
    desk.press("two.flac", "Details")
    wait_until(lambda: "Model evaluations" in desk.row("two.flac", ".cost"), "what it took")
    assert "1 computed" in desk.row("two.flac", ".cost")
    assert "than playback" in desk.row("two.flac", ".cost")
    link = desk.js("return document.querySelector('.job-row-details a').href")
    assert b"evaluations: 1" in desk.fetch(link)
    wait_until(lambda: desk.row("long.flac", ".job-row-words").startswith("Chunk 3"), "two finished chunks", RUN_S)
    server.kill()
    with running_server(home=server.home, port=server.port):
        desk.open()
        offer = wait_until(lambda: "".join(desk.texts(".offer")), "the offer")
        assert "“long.flac” was interrupted" in offer
        desk.button("Go on").click()
        wait_until(lambda: not desk.texts(".offer"), "the offer to go")
        desk.show_queue().shows(Now=["long.flac"], Earlier=["two.flac", "one.flac"])
        kept = "return document.querySelector('.job-row .cells canvas').ariaLabel"
        wait_until(lambda: "from the cache" in desk.js(kept), "the chunks that were kept", RUN_S)
        desk.press("long.flac", "Cancel")
        wait_until(lambda: desk.row("long.flac", ".pill") == "Cancelled", "the end of the run", RUN_S)
        desk.press("long.flac", "Go on")
        wait_until(lambda: desk.row("long.flac", ".pill") == "Done", "its end", RUN_S)
        desk.shows(Earlier=["long.flac", "two.flac", "one.flac"])
        desk.press("long.flac", "long.flac")  # its name opens it
        wait_until(lambda: desk.tracks == ["Mixture", "drums", "everything else"], "its tracks")
    console_errors(desk.browser)  # refused connections, as there had to be
