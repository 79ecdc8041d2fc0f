"""Notes pinned to times on the Compare page, in a real browser: written, found again, and seen by every tab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from storage import Artifact, ArtifactStore
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.player_endurance import RATE, keep_noise
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def kept(shared_server: RunningServer) -> list[Artifact]:
    """Two results of a recording."""
    return keep_noise(ArtifactStore(shared_server.home), 2)[1]


@pytest.fixture
def page(browser: Chrome, shared_server: RunningServer, kept: list[Artifact]) -> Iterator[Studio]:
    """The Compare page of a recording that has no notes yet."""
    resize(browser, DESKTOP)
    page = compare(Studio(browser, shared_server.url), kept)
    for _ in rows(page):
        page.one(".note .i-trash").click()
    yield page.confirmed()
    assert console_errors(browser) == []


def compare(page: Studio, results: list[Artifact]) -> Studio:
    page.browser.get(f"{page.url}/compare?items={','.join(one.key for one in results)}&stem=drums")
    wait_until(lambda: page.texts(".sides label") and "measuring" not in "".join(page.texts(".sides")), "the sides")
    return page


def at(page: Studio, time_s: float) -> None:
    page.js("window.audioPlayground.player.seek(arguments[0])", time_s * RATE)


def press(page: Studio, *keys: str) -> None:
    """Press keys wherever the focus is, as a person does."""
    page.browser.switch_to.active_element.send_keys(*keys)


def pin(page: Studio, time_s: float, text: str) -> None:
    before = len(rows(page))
    at(page, time_s)
    press(page, "n")
    wait_until(lambda: page.all(".notes [aria-label='New note']"), "the field")
    press(page, text, Keys.ENTER)
    wait_until(lambda: len(rows(page)) == before + 1, "the note")
    page.confirmed()


def rows(page: Studio) -> list[str]:
    return [" ".join(words.split()) for words in page.texts(".note")]


def by_name(page: Studio, name: str) -> None:
    """Press Enter on the control that a screen reader calls so."""
    page.one(f'.notes [aria-label="{name}"]').send_keys(Keys.ENTER)


def test_a_note_is_pinned_with_the_keyboard_alone_to_the_time_and_the_side_that_is_heard(page: Studio) -> None:
    press(page, "2")
    pin(page, 12.34, "breathy here")
    assert rows(page) == ["0:12.3 Side 2 breathy here"]
    pin(page, 3.0, "a click")
    assert [row[:6] for row in rows(page)] == ["0:03.0", "0:12.3"], "in the order of their times"
    at(page, 0)
    by_name(page, "Go to 0:12.3: breathy here")
    assert page.player()["position_samples"] == round(12.34 * RATE)


def test_a_note_can_belong_to_the_time_alone(page: Studio) -> None:
    at(page, 5)
    press(page, "n")
    wait_until(lambda: page.all(".note-choice"), "the field")
    press(page, "the singer breathes", Keys.TAB, Keys.SPACE)
    page.button("Pin").click()
    wait_until(lambda: rows(page) == ["0:05.0 the singer breathes"], "the note")


def test_keys_are_letters_while_a_note_is_written_and_escape_leaves_without_one(page: Studio) -> None:
    press(page, "1", "n", "1 2 nd k", Keys.ESCAPE)
    wait_until(lambda: not page.all(".notes [aria-label='New note']"), "no field")
    assert page.js("return window.audioPlayground.player.side") == "1"
    assert not page.player()["playing"] and rows(page) == []


def test_a_mark_stands_at_its_time_and_leads_there(page: Studio) -> None:
    pin(page, 45.0, "a click")
    wave = page.js("return document.querySelector('.wave-stage').getBoundingClientRect().toJSON()")
    mark = page.js("return document.querySelector('.note-mark').getBoundingClientRect().toJSON()")
    assert abs(mark["x"] + mark["width"] / 2 - (wave["x"] + wave["width"] / 2)) <= 1, "half of 90 seconds"
    at(page, 0)
    page.one(".note-mark").click()
    assert page.player()["position_samples"] == 45 * RATE


def test_a_note_is_edited_deleted_and_brought_back(page: Studio) -> None:
    pin(page, 1.0, "braethy")
    by_name(page, "Edit braethy")
    wait_until(lambda: page.all(".note .prompt-input"), "its field")
    press(page, Keys.CONTROL, "a", Keys.NULL, "breathy", Keys.ENTER)
    wait_until(lambda: rows(page) == ["0:01.0 Side 1 breathy"], "the other words")
    by_name(page, "Delete breathy")
    wait_until(lambda: rows(page) == [], "it gone")
    press(page, Keys.ENTER)  # the focus is on Undo
    wait_until(lambda: rows(page) == ["0:01.0 Side 1 breathy"], "it again")
    page.confirmed()
    page.reload()
    wait_until(lambda: rows(page) == ["0:01.0 Side 1 breathy"], "it after a reload")


def test_two_tabs_see_what_the_other_does_and_neither_loses_a_note(page: Studio, kept: list[Artifact]) -> None:
    first = page.browser.current_window_handle
    pin(page, 1.0, "of the first tab")
    page.browser.switch_to.new_window("tab")
    second = page.browser.current_window_handle
    try:
        compare(page, kept)
        assert rows(page) == ["0:01.0 Side 1 of the first tab"]
        pin(page, 2.0, "of the second tab")
        page.browser.switch_to.window(first)
        wait_until(lambda: len(rows(page)) == 2, "both in the first tab")
        by_name(page, "Delete of the first tab")
        page.confirmed()
        page.browser.switch_to.window(second)
        wait_until(lambda: rows(page) == ["0:02.0 Side 1 of the second tab"], "one in the second tab")
    finally:
        page.browser.switch_to.window(second)
        page.browser.close()
        page.browser.switch_to.window(first)


def test_a_note_on_a_side_that_is_not_compared_now_says_which_it_was(page: Studio, kept: list[Artifact]) -> None:
    press(page, "2")
    pin(page, 1.0, "breathy")
    (label,) = page.js("return [...document.querySelectorAll('.sides label')].slice(1, 2).map((one) => one.innerText)")
    recording = kept[0].manifest.inputs["recording"]
    page.browser.get(f"{page.url}/compare?items={kept[0].key},{recording}")
    wait_until(lambda: rows(page), "the note")
    assert "seed 1" in label and "seed 1" in rows(page)[0] and "Side" not in rows(page)[0]


def test_notes_survive_the_server_and_go_with_their_recording(browser: Chrome) -> None:
    with running_server() as server:
        store = ArtifactStore(server.home)
        recording, results = keep_noise(store, 2)
        page = compare(Studio(browser, server.url), results)
        pin(page, 1.0, "breathy")
        server.kill()
        with running_server(home=server.home, port=server.port):
            compare(page, results)
            wait_until(lambda: rows(page) == ["0:01.0 Side 1 breathy"], "the note after a crash")
        store.remove(recording.key)
        with running_server(home=server.home, port=server.port) as third:
            keep_noise(store, 2)
            compare(Studio(browser, third.url), results)
            assert rows(page) == []
            browser.get("about:blank")
    console_errors(browser)  # the page complained while there was no server


@pytest.mark.parametrize("look", ["dark", "light", "phone"])
def test_notes_have_no_serious_fault_and_fit_the_width(page: Studio, look: str) -> None:
    pin(page, 1.0, "breathy " * 30)
    pin(page, 60.0, "a click")
    resize(page.browser, PHONE if look == "phone" else DESKTOP)
    page.js(f"document.cookie = 'scheme={'light' if look == 'light' else 'dark'}; path=/'")
    page.reload()
    wait_until(lambda: len(rows(page)) == 2, "the notes")
    page.one("body").send_keys("n")
    wait_until(lambda: page.all(".notes [aria-label='New note']"), "the field")
    assert faults(page) == []
    assert sideways_px(page.browser) <= 0
    small = page.js(
        """return [...document.querySelectorAll('.notes button, .notes .prompt-input')]
        .filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect())
        .filter((box) => box.height < arguments[0]).length""",
        44 if look == "phone" else 24,
    )
    assert small == 0, "each can be hit by a finger"
