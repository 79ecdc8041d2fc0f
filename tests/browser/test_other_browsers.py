"""The Studio in Firefox and in WebKit, which every browser of an iPhone is: from a file to stems that are kept.

A browser that is not on this computer is skipped, with the packages that it needs; CONTRIBUTING.md has the commands.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from selenium.webdriver import ActionChains, Keys

from assets.demo_recording import load_demo
from tests.support.browser import DESKTOP, PHONE, sideways_px, wait_until
from tests.support.other_browsers import complaints, missing, other_browser, resize
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
BROWSERS = ["firefox", "webkit"]
SIZES = [PHONE, DESKTOP]
PAGES = ("/", "/compare", "/benchmark", "/library", "/models", "/settings")


@pytest.fixture(scope="module")
def noting() -> Iterator[RunningServer]:
    """The studio, whose pages note what goes wrong in them."""
    with running_server(module="tests.support.noting_app") as server:
        yield server


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the browsers download."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module", params=BROWSERS)
def browser_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if packages := missing(name):
        pytest.skip(f"{name} is not on this computer: apt-get install {' '.join(packages)}")
    return name


@pytest.fixture(scope="module", params=SIZES, ids=["phone", "desktop"])
def studio(
    request: pytest.FixtureRequest, browser_name: str, noting: RunningServer, downloads: Path
) -> Iterator[Studio]:
    """Two sounds of a file that was brought; nothing may have gone wrong in the page."""
    which = 2 * BROWSERS.index(browser_name) + SIZES.index(request.param)
    song = write_song(downloads / f"a song {which}.flac", start=4410 * which)
    with other_browser(browser_name, downloads) as driver:
        resize(driver, request.param)
        studio = Studio(driver, noting.url).open().bring(song).ask("drums", "bass")  # type: ignore[arg-type]  # no Chrome
        yield studio.start().finish("drums", "bass", "everything else")
        assert complaints(driver) == []
    assert "Traceback" not in noting.log()


def write_song(path: Path, start: int) -> Path:
    """Twelve seconds of the demo from the sample `start`: another song for each browser, of which nothing is kept."""
    demo = load_demo()
    soundfile.write(path, demo.mixture[:, start : start + 12 * demo.sample_rate].T, demo.sample_rate)
    return path


def press(studio: Studio, *keys: str) -> None:
    ActionChains(studio.browser).send_keys(*keys).perform()


def heard(studio: Studio) -> set[str]:
    return {name for name, gain in studio.gains().items() if gain}


def sides(studio: Studio) -> set[str]:
    """The sides that are audible while two results are compared."""
    found: list[str] = studio.js("""
        const {owners, voices} = window.audioPlayground.player;
        const tracks = [...owners.values()].flat();
        return tracks.filter((track) => voices.get(track.id).audible).map((track) => track.side)""")
    return set(found)


def in_settings(studio: Studio, change: Callable[[], object]) -> None:
    """Make a change in the settings, which are a sheet on a phone."""
    at_rest = "return !document.querySelector('.shell-side').getAnimations().length"
    sheet = [button for button in studio.all(".sheet-button") if button.is_displayed()]
    for button in sheet:
        button.click()
        wait_until(lambda: studio.js(at_rest), "the sheet to open")
    change()
    if sheet:
        studio.one(".sheet-head button").click()
        wait_until(lambda: studio.js(at_rest), "the sheet to close")


def test_what_was_made_is_heard(studio: Studio) -> None:
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 22_050, "half a second of sound", 30)
    studio.one(".play").click()
    wait_until(lambda: studio.player()["phase"] == "stopped", "the pause")


def test_the_first_sound_is_in_sight(studio: Studio) -> None:
    place = """
        const row = document.querySelector('.track[aria-label="drums"]').getBoundingClientRect();
        const main = document.querySelector(".shell-main").getBoundingClientRect();
        return main.top <= row.top && row.bottom <= main.bottom"""
    wait_until(lambda: studio.js(place), "the row of the drums")


def test_keys_play_after_a_click_and_choose_what_is_heard(studio: Studio) -> None:
    studio.one('[aria-label="Mute drums"]').click()
    studio.one('[aria-label="Mute drums"]').click()
    press(studio, Keys.SPACE)
    wait_until(lambda: studio.player()["phase"] != "stopped", "the sound")
    press(studio, Keys.SPACE)
    wait_until(lambda: studio.player()["phase"] == "stopped", "the pause")
    before = heard(studio)
    press(studio, "2")
    wait_until(lambda: heard(studio) == {"bass"}, "the second sound alone")
    press(studio, "2")
    wait_until(lambda: heard(studio) == before, "all of them")
    ActionChains(studio.browser).key_down("o").perform()
    wait_until(lambda: heard(studio) == {"Mixture"}, "the recording")
    ActionChains(studio.browser).key_up("o").perform()
    wait_until(lambda: heard(studio) == before, "what was heard before")


def test_a_fader_is_moved_by_keys(studio: Studio) -> None:
    fader = studio.one('.track[aria-label="bass"] .fader input')
    loud = studio.gains()["bass"]
    fader.send_keys(Keys.ARROW_LEFT)
    wait_until(lambda: studio.gains()["bass"] < loud, "a lower gain")
    fader.send_keys(Keys.ARROW_RIGHT)
    wait_until(lambda: studio.gains()["bass"] == loud, "the gain before")


def test_menus_open_and_escape_closes_them(studio: Studio) -> None:
    format_ = "WAV"
    menu = next(button for button in studio.all("[popovertarget=export]") if format_ in button.text)
    menu.click()
    wait_until(lambda: studio.texts(".export-panel"), "the panel")
    assert sideways_px(studio.browser) == 0  # type: ignore[arg-type]  # no Chrome
    press(studio, Keys.ESCAPE)
    wait_until(lambda: not studio.texts(".export-panel"), "the panel to close")
    press(studio, "?")
    wait_until(lambda: studio.all("dialog[open]"), "the list of keys")
    press(studio, Keys.ESCAPE)
    wait_until(lambda: not studio.all("dialog[open]"), "it to close")


def test_selects_are_drawn_by_the_page(studio: Studio) -> None:
    drawn = studio.js(
        """return [...document.querySelectorAll("select")].map((el) => getComputedStyle(el).appearance)"""
    )
    assert set(drawn) == {"none"}, "WebKit draws its own ground over ours otherwise"


def test_two_results_are_compared_on_the_keys_a_and_b(studio: Studio) -> None:
    in_settings(studio, lambda: studio.set("Length", 3).set("Only the first", 1))
    wait_until(lambda: studio.js("return !!document.querySelector('.run:not([disabled])')"), "other settings", RUN_S)
    studio.start()
    wait_until(lambda: not studio.job and studio.all('[aria-label="Compare with"]'), "the second result", RUN_S)
    other = studio.setting("Compare with").find_elements("css selector", "option")[1]
    studio.set("Compare with", other.text)
    wait_until(lambda: len(studio.texts(".sides label")) == 2, "A and B")
    wait_until(lambda: sides(studio) == {"A"}, "the first side")
    press(studio, "b")
    wait_until(lambda: sides(studio) == {"B"}, "the other side")
    press(studio, "a")
    wait_until(lambda: sides(studio) == {"A"}, "the first side again")
    assert sideways_px(studio.browser) == 0  # type: ignore[arg-type]  # no Chrome


def test_stems_are_kept_in_one_archive(studio: Studio, downloads: Path) -> None:
    for left in downloads.glob("*.zip"):
        left.unlink()
    studio.button("Keep stems").click()
    (archive,) = wait_until(lambda: list(downloads.glob("*.zip")), "the archive", 30)
    wait_until(lambda: zipfile.is_zipfile(archive), "all of it", 30)
    with zipfile.ZipFile(archive) as bundle:
        assert set(bundle.namelist()) >= {"drums.wav", "bass.wav", "everything else.wav"}
        assert bundle.testzip() is None


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_wider_than_the_window(studio: Studio, page: str) -> None:
    assert complaints(studio.browser) == []
    studio.open(page)
    assert sideways_px(studio.browser) == 0  # type: ignore[arg-type]  # no Chrome
    assert complaints(studio.browser) == []
