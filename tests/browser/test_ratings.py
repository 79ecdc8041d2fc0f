"""Ratings beside a hidden reference in a real browser: by keyboard and by touch, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from separation.comparing.blind_test import Kind
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, wait_until
from tests.support.listening_steps import made
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio
from webapp.state.blind_tests import BlindTests

pytestmark = pytest.mark.browser


@pytest.fixture
def room(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    resize(browser, DESKTOP)
    yield Studio(browser, shared_server.url)
    resize(browser, DESKTOP)
    assert console_errors(browser) == []


@pytest.fixture
def test(shared_server, tmp_path):
    """Not guided: the sounds come at once."""
    return made(shared_server.home, tmp_path, kind=Kind.RATING, n_trials=1, guided=False)


def begin(room: Studio, test) -> None:
    room.browser.get("about:blank")
    room.browser.get(f"{room.url}/listen/{test.id}#key={test.key}")
    wait_until(lambda: room.texts("form button") == ["Start"], "the first screen")


def first_sounds(room: Studio) -> None:
    wait_until(lambda: len(room.all(".ratings .rated")) == 4, "two sides and two anchors")


def keys(room: Studio, *typed: str) -> None:
    room.browser.switch_to.active_element.send_keys(*typed)


def pressed(room: Studio) -> list[str]:
    return [one.text for one in room.all(".letter[aria-pressed=true]")]


def test_all_is_done_by_keyboard_and_nothing_is_sent_before_all_is_heard_and_rated(
    room: Studio, shared_server, test
) -> None:
    begin(room, test)
    keys(room, Keys.ENTER)
    first_sounds(room)
    assert pressed(room) == []
    (next_,) = room.all(".answer")
    next_.click()
    assert room.texts("[role=status]")[-1] == "Not heard yet: Reference, A, B, C, D."
    keys(room, "r")
    assert pressed(room) == ["Reference"]
    keys(room, "r")
    assert pressed(room) == [], "the key that plays it stops it"
    for letter, presses in zip("abcd", (50, 10, 0, 3), strict=True):
        keys(room, letter)
        assert pressed(room) == [letter.upper()]
        keys(room, *([Keys.ARROW_RIGHT] * presses))
    assert room.texts(".score") == ["100", "60", "–", "53"]
    next_.click()
    assert room.texts("[role=status]")[-1] == "Not rated yet: C."
    keys(room, "c", Keys.HOME)
    assert room.texts(".score")[2] == "0"
    spoken = [one.get_attribute("aria-valuetext") for one in room.all("input[type=range]")]
    assert spoken == ["100, Excellent", "60, Good", "0, Bad", "53, Fair"]
    keys(room, "r")
    assert pressed(room) == ["Reference"]
    room.one(".answer").click()
    wait_until(lambda: room.texts("h1") == ["Done"], "the end")
    (listener,) = BlindTests(ArtifactStore(shared_server.home), BlindTestTable(shared_server.home)).listeners(test)
    assert listener.answers == ((100, 60, 0, 53),)
    assert "Rated by one listener in 1 passage" in room.texts("[role=status]")[0]


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_its_screens_are_free_of_serious_faults(room: Studio, test, look) -> None:
    resize(room.browser, PHONE if look == "phone" else DESKTOP)
    begin(room, test)
    assert faults(room) == []
    room.one("form button").click()
    first_sounds(room)
    assert faults(room) == []
    assert room.js("return document.documentElement.scrollWidth <= window.innerWidth")
    room.one(".letter").click()
    for button, slider in zip(room.all(".ratings .letter"), room.all("input[type=range]"), strict=True):
        button.click()
        slider.click()  # in the middle, where it stood: that is a score too
    assert room.texts(".score") == ["50"] * 4
    assert faults(room) == []
    room.one(".answer").click()
    wait_until(lambda: room.texts("h1") == ["Done"], "the end")
    assert faults(room) == []


def test_ratings_are_started_on_the_compare_page_with_the_true_stem_as_the_reference(
    room: Studio, shared_server
) -> None:
    room.open().try_demo().ask("drums").start().finish("drums", "everything else")
    heard = room.one('[aria-label="Download drums"]').get_attribute("href") or ""
    (result,) = (one for one in ArtifactStore(shared_server.home).list("result") if one.key in heard)
    recording = result.manifest.inputs["recording"]
    room.browser.get(f"{room.url}/compare?items={result.key},{recording}.stems&stem=drums")
    wait_until(lambda: room.texts(".sides label") and "measuring" not in "".join(room.texts(".sides")), "the sides")
    assert "True stems" in room.texts(".sides label")[1]
    room.button("Ratings").click()
    room.confirmed()
    assert room.setting("Reference").get_attribute("value") == "1", "the true stems"
    room.set("Reference", "1 · Built-in separator").confirmed().set("Sound", "All sounds").confirmed().set(
        "Sound", "drums"
    ).confirmed()
    assert room.setting("Reference").get_attribute("value") == "0", "what was chosen stays"
    room.set("Reference", "2 · True stems").confirmed()
    room.button("Start a blind test").click()
    wait_until(lambda: room.texts("form button") == ["Start"], "the first screen")
    room.one("form button").click()
    first_sounds(room)
    tests = BlindTests(ArtifactStore(shared_server.home), BlindTestTable(shared_server.home)).all()
    (test,) = (one for one in tests if f"/listen/{one.id}" in room.browser.current_url)
    assert test.recording == recording
    assert (test.kind, test.reference, test.n_trials, test.stem) == (Kind.RATING, 1, 2, "drums")
