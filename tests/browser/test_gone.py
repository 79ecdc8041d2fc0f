"""A recording that is deleted while the Studio has it open: said at once, brought back, and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome

from storage.records import DraftTable
from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
NAME = "a tone.flac"
TITLED = ("Empty trash", "Delete for good")  # the other buttons of the Library are pictures with a name


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / NAME, 0.3 * np.sin(2 * np.pi * 440 * np.arange(8 * 44_100) / 44_100), 44_100)
    return tmp_path / NAME


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer, tone: Path) -> Iterator[Studio]:
    """A result on the desk, and what is asked for next."""
    resize(browser, DESKTOP)
    studio = Studio(browser, shared_server.url).open().bring(tone).ask("drums").start()
    yield studio.finish("drums", "everything else").ask("drums", "bass")
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def in_library(studio: Studio, *labels: str) -> None:
    """Press buttons of the Library in another tab, the first of a name each."""
    here = studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    library = Studio(studio.browser, studio.url).open("/library")
    for label in labels:
        find = f'[aria-label="{label}"]'
        button = library.button(label) if label in TITLED else wait_until(lambda: library.all(find), label)[0]  # noqa: B023
        library.js("arguments[0].click()", button)
    said = lambda: "".join(library.texts(".lib-notice-line > .grow"))  # noqa: E731
    wait_until(said, "what was done")
    library.browser.close()
    studio.browser.switch_to.window(here)


def test_a_recording_deleted_elsewhere_is_brought_back_or_brought_again(
    studio: Studio, shared_server: RunningServer, tone: Path
) -> None:
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 0, "sound")
    in_library(studio, f"Delete {NAME}")
    wait_until(lambda: "was deleted. It is in the trash" in "".join(studio.texts(".offer")), "the sentence")
    assert not studio.run_button.is_enabled() and studio.run_button.text == "The recording was deleted"
    assert studio.tracks == [] and studio.player()["phase"] == "stopped"
    studio.button("Restore").click()
    studio.finish("drums", "everything else")
    assert studio.texts(".offer") == []
    assert [chip.split("\n")[0] for chip in studio.prompts] == ["drums", "bass"], "nothing asked for is lost"
    studio.one(".play").click()
    wait_until(lambda: studio.player()["playing"], "sound again")
    assert studio.run_button.is_enabled()

    in_library(studio, f"Delete {NAME}", "Empty trash", "Delete for good")
    wait_until(lambda: "was deleted for good" in "".join(studio.texts(".offer")), "the sentence")
    assert not [words for words in studio.texts(".offer button") if words]
    assert DraftTable(shared_server.home).read(studio.browser.current_url.rpartition("=")[2]) is None
    studio.browse(tone)
    wait_until(lambda: studio.tracks == ["Mixture"] and not studio.texts(".offer"), "it again", RUN_S)


def test_a_result_deleted_elsewhere_leaves_the_mixer_and_is_said(studio: Studio) -> None:
    choices = lambda: [select for select in studio.all("select") if select.accessible_name == "Result"]  # noqa: E731
    studio.start().finish("drums", "bass", "everything else")
    assert len(choices()) == 1
    in_library(studio, f"Show 2 results of {NAME}", "Delete drums, bass")
    studio.finish("drums", "everything else")
    assert "“drums, bass” was deleted. Restore it from the trash in the Library" in " ".join(studio.messages.split())
    assert not choices(), "one result is no choice"
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 0, "sound of what is left")
    in_library(studio, f"Show 1 result of {NAME}", "Delete drums")
    wait_until(lambda: studio.tracks == ["Mixture"], "the recording alone")
    assert studio.run_button.is_enabled()
    studio.start().finish("drums", "bass", "everything else")
