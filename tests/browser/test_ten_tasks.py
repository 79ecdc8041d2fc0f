"""The Studio's main tasks by keys alone, with nothing to go by but the roles and names that screen readers get.

No test here knows the document or holds a mouse; how far a thing may be is a number of presses. What each task meets:

| task                | roles and names                                                                            |
| ------------------- | ------------------------------------------------------------------------------------------ |
| bring a recording   | button Browse files, then the system's dialog (or Ctrl+O); heading NAME                    |
| name a sound        | textbox Add a sound to isolate; button NAME, Remove NAME in list Sounds to isolate         |
| choose a separator  | combobox Who separates                                                                     |
| run and hear of it  | button Separate 1 sound; status with each quarter and at the end what can be heard         |
| play and pause      | Space anywhere; button Play, Pause; timer                                                  |
| solo a track        | button Solo NAME (S, 1 to 9)                                                               |
| compare             | button Recording in group Mixes; combobox Compare with, radios in radiogroup Compare (A B) |
| mark a span, undo   | Y at the playhead; slider + NAME, … in group Spans of NAME; button Undo (Ctrl+Z)           |
| keep a stem         | button Export as FORMAT, dialog Export, combobox File format; button Keep stems            |
| open what was made  | button Recent, menuitem NAME; combobox Result; link Library                                |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, resize, wait_until
from tests.support.by_tree import ByTree
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
BACK = Keys.SHIFT + Keys.TAB
LANDMARKS = ("banner", "complementary", "contentinfo", "main", "navigation")


@pytest.fixture
def page(browser: Chrome, shared_server: RunningServer) -> Iterator[ByTree]:
    """The Studio as it opens."""
    resize(browser, DESKTOP)
    Studio(browser, shared_server.url).open()
    page = ByTree(browser)
    yield page
    print("\n".join(page.log))


@pytest.fixture(scope="module")
def song(browser: Chrome, shared_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a recording of which first one sound was made, and then two."""
    path = noise(tmp_path_factory.mktemp("ten") / "a song.wav", 2)
    studio = Studio(browser, shared_server.url).open().bring(path)
    studio.ask("drums").start().finish("drums", "everything else")
    studio.ask("drums", "bass").start().finish("drums", "bass", "everything else")
    return browser.current_url


@pytest.fixture
def made(song: str, page: ByTree) -> ByTree:
    """That recording as it opens."""
    page.browser.get(song)
    page.wait("button", "Solo bass")
    return page


def noise(path: Path, length_s: int) -> Path:
    """A noise that nobody has heard before."""
    seed = list(path.as_posix().encode())
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.3, 0.3, length_s * 44_100), 44_100)
    return path


def choose_separator(page: ByTree, name: str) -> None:
    """Go to the list from the end of the page, and choose by its letters; the first entry by Home."""
    page.go("combobox", "Separator", by=BACK, at_most=50)
    page.press(Keys.HOME if name == "Automatic" else name)
    wait_until(lambda: page.has("combobox", "Separator", value=name), name)


def test_a_recording_is_brought(page: ByTree, tmp_path: Path) -> None:
    first, second = noise(tmp_path / "first.wav", 2), noise(tmp_path / "second.wav", 2)
    page.go("button", "Browse files", at_most=15)
    with page.file_dialog(first):
        page.press(Keys.ENTER)
    page.wait("heading", "first.wav", timeout_s=RUN_S)
    page.wait("button", "Play", disabled=None)
    page.wait("button", "Name a sound first", disabled=True)  # it is here; before that, two would be listed
    with page.file_dialog(second):
        page.press(Keys.CONTROL + "o")
    page.wait("heading", "second.wav", timeout_s=RUN_S)
    landmarks = [node.role for node in page.nodes() if node.role in LANDMARKS]
    assert landmarks == ["navigation", "banner", "main", "complementary", "contentinfo"], "parts to jump to"


def test_a_sound_is_named_and_left_out_again(made: ByTree) -> None:
    made.go("textbox", "Add a sound to isolate", at_most=20)
    made.press("vocals", Keys.ENTER)
    made.wait("button", "vocals", within="Sounds to isolate")
    made.go("textbox", "Add a sound to isolate", at_most=0)
    made.go("button", "Remove vocals", by=BACK, at_most=3)
    made.press(Keys.ENTER)
    wait_until(lambda: not made.has("button", "vocals", within="Sounds to isolate"), "the sound to go")


def test_a_separator_is_chosen(made: ByTree) -> None:
    choose_separator(made, "Built-in, classical methods")
    choose_separator(made, "Automatic")


def test_a_run_is_started_and_heard_of_until_its_sounds_are_there(page: ByTree, tmp_path: Path) -> None:
    page.go("button", "Browse files", at_most=15)
    with page.file_dialog(noise(tmp_path / "to separate.wav", 17)):
        page.press(Keys.ENTER)
    page.wait("heading", "to separate.wav", timeout_s=RUN_S)
    page.go("textbox", "Add a sound to isolate", at_most=15)
    page.press("drums", Keys.ENTER)
    page.wait("button", "Separate 1 sound", disabled=None, timeout_s=RUN_S)
    page.go("button", "Separate 1 sound")
    page.press(Keys.ENTER)
    heard: list[str] = []

    def is_done() -> bool:
        heard.extend(words for words in page.spoken() if words not in heard)
        return "Done. These can be heard: drums, everything else." in heard

    wait_until(is_done, "the last word of the run", RUN_S)
    assert [words for words in heard if words.startswith("Separating, ") and words.endswith(" % done")], heard
    page.wait("image", "2 of 2 chunks done")
    assert page.has("button", "Solo drums") and page.has("button", "Listen")


def test_it_plays_and_pauses(made: ByTree) -> None:
    made.press(Keys.SPACE)
    made.wait("button", "Pause")
    made.press(Keys.SPACE)
    made.wait("button", "Play")
    made.go("button", "Play", by=BACK, at_most=5)
    made.press(Keys.ENTER)
    made.wait("button", "Pause")
    assert made.all("timer")[0].name.endswith(("second", "seconds"))
    made.press(Keys.ENTER)
    made.wait("button", "Play")


def test_a_track_is_heard_alone(made: ByTree) -> None:
    made.go("button", "Solo drums")
    made.press(Keys.SPACE)
    made.wait("button", "Solo drums", within="drums", pressed="true")
    made.press("2")
    made.wait("button", "Solo bass", pressed="true")
    assert made.has("button", "Solo drums", pressed="false")
    made.press("2")
    made.wait("button", "Solo bass", pressed="false")
    assert not made.all("status", within="drums"), "a fader says its level itself"


def test_the_sounds_are_compared_with_the_recording(made: ByTree) -> None:
    made.go("button", "Recording", within="Mixes")
    made.press(Keys.ENTER)
    made.wait("button", "Recording", pressed="true")
    made.wait("button", "Mute drums", pressed="true")
    made.go("button", "All", within="Mixes", by=BACK, at_most=10)
    made.press(Keys.ENTER)
    made.wait("button", "Mute Mixture", pressed="true")
    made.wait("button", "Mute drums", pressed="false")


def test_two_results_are_compared(made: ByTree) -> None:
    made.go("combobox", "Compare with", at_most=25)
    made.press(Keys.ARROW_DOWN)
    wait_until(lambda: len(made.all("radio", within="Compare")) == 2, "the sides")
    a, b = made.all("radio", within="Compare")
    assert a.name.startswith("A ") and b.name.startswith("B "), (a, b)
    made.go("radio", a.name, at_most=25)
    made.press(Keys.ARROW_RIGHT)
    made.wait("radio", b.name, checked="true")
    assert f"Hearing {b.name.replace(' ', ': ', 1)}" in made.spoken()
    made.press("a")
    made.wait("radio", a.name, checked="true")
    made.go("combobox", "Compare with", by=BACK, at_most=15)
    made.press(Keys.ARROW_UP)
    wait_until(lambda: not made.all("radio", within="Compare"), "one result alone")


def test_a_span_is_marked_moved_and_taken_back(made: ByTree) -> None:
    choose_separator(made, "SAM-Audio (PyTorch)")
    made.wait("radiogroup", "Painting tool")
    made.go("slider", "Position in Mixture", by=BACK, at_most=60)
    made.press("y")
    made.wait("slider", "+ bass, 0.00 to 1.00 s", within="Spans of bass", focused=True)
    made.press(Keys.ARROW_RIGHT, Keys.ARROW_UP)
    made.wait("slider", "+ bass, 0.04 to 1.08 s", focused=True)
    made.press(Keys.CONTROL + "z")
    made.wait("slider", "+ bass, 0.00 to 1.00 s")
    made.go("button", "Undo (Ctrl+Z)", by=BACK, at_most=10)
    made.press(Keys.ENTER)
    wait_until(lambda: not made.all("slider", within="Spans of bass"), "no span")
    choose_separator(made, "Automatic")
    wait_until(lambda: not made.all("radiogroup", "Painting tool"), "the usual separator")


def test_stems_are_kept_in_the_chosen_format(made: ByTree, tmp_path: Path) -> None:
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    made.browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    made.go("button", "Export as WAV, 24 bit", at_most=25)
    made.press(Keys.ENTER)
    made.wait("dialog", "Export")
    made.go("combobox", "File format", within="Export", at_most=4)
    made.press("FLAC, 24")
    made.go("button", "Download stems", within="Export", at_most=10)
    made.press(Keys.ENTER)
    (archive,) = wait_until(lambda: list(tmp_path.glob("*.zip")), "the archive")
    assert archive.name.startswith("a song - drums, bass")
    made.press(Keys.ESCAPE)
    made.wait("button", "Export as FLAC, 24 bit")
    assert not made.all("dialog", "Export")


def test_what_was_made_before_is_opened(song: str, page: ByTree) -> None:
    page.go("button", "Recent", at_most=15)
    page.press(Keys.ENTER)
    page.wait("menuitem", "a song.wav 0:02 · 44.1 kHz · mono", within="Recent")
    page.wait("menu", "Recent", focused=True)
    page.go("menuitem", "a song.wav 0:02 · 44.1 kHz · mono", by=Keys.ARROW_DOWN, at_most=20)
    page.press(Keys.ENTER)
    page.wait("heading", "a song.wav")
    page.wait("button", "Solo bass")
    page.go("combobox", "Result", at_most=25)
    page.press(Keys.ARROW_DOWN)
    wait_until(lambda: page.has("button", "Solo drums") and not page.has("button", "Solo bass"), "the older result")
    page.press(Keys.ARROW_UP)
    page.wait("button", "Solo bass")
    page.go("link", "Library", by=BACK, at_most=25)
    page.press(Keys.ENTER)
    page.wait("heading", "Library", timeout_s=RUN_S)
