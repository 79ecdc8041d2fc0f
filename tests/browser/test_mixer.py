"""The mixer: what was measured of a result, mixes under names, and what a reload finds again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """The demo with drums and everything else."""
    resize(browser, DESKTOP)
    console_errors(browser)
    studio = Studio(browser, shared_server.url).open().try_demo().ask("drums")
    yield studio.start().finish("drums", "everything else")  # found at once from the second test on
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def test_a_meter_says_how_well_the_tracks_add_up(studio: Studio) -> None:
    wait_until(lambda: "exactly" in "".join(studio.texts(".measure")), "the level")
    meter = studio.one(".measure [role=meter]")
    assert float(meter.get_attribute("aria-valuenow") or 0) < -100
    assert "add up to the recording" in (meter.get_attribute("aria-valuetext") or "")
    assert meter.accessible_name == "What is left without the tracks"
    shown = studio.js("return parseFloat(getComputedStyle(arguments[0], '::before').width)", meter)
    assert shown < 10, "nothing is left: a sliver"


def test_what_is_said_of_the_level_can_be_read(studio: Studio) -> None:
    studio.setting("File format")  # opens what the line stands in
    height_px = studio.js("""
        const said = document.querySelector(".turned-down");
        said.textContent = "Stems: All of it is turned down.";
        return said.offsetHeight""")
    assert height_px >= 14, "a line"


def sounds(studio: Studio) -> set[str]:
    """What is heard."""
    return {name for name, gain in studio.gains().items() if gain > 0}


def marked(studio: Studio) -> list[str]:
    """The mixes that are called heard."""
    return studio.texts(".mixes [aria-pressed=true]")


def test_usual_mixes_are_one_press_away_and_the_one_that_is_heard_is_marked(studio: Studio) -> None:
    studio.button("All").click()
    wait_until(lambda: marked(studio) == ["All"] and sounds(studio) == {"drums", "everything else"}, "all")
    studio.button("Without drums").click()
    wait_until(lambda: sounds(studio) == {"everything else"} and marked(studio) == ["Without drums"], "the rest")
    studio.button("Recording").click()
    wait_until(lambda: sounds(studio) == {"Mixture"}, "the recording")
    studio.button("Only drums").click()
    wait_until(lambda: sounds(studio) == {"drums"}, "the drums")
    studio.one('[aria-label="Mute everything else"]').click()
    wait_until(lambda: marked(studio) == ["All"], "the mark to follow the mixer")


def test_a_mix_under_a_name_is_there_after_a_reload_and_can_be_heard_again_and_deleted(studio: Studio) -> None:
    studio.button("All").click()
    wait_until(lambda: marked(studio) == ["All"], "all")
    studio.one('[aria-label="Gain of drums"]').send_keys(Keys.ARROW_LEFT * 8)
    studio.one('[aria-label="Pan of drums"]').send_keys(Keys.ARROW_LEFT * 4)
    studio.one(".mix-name").send_keys("quiet drums", Keys.ENTER)
    wait_until(lambda: marked(studio) == ["quiet drums"], "the mix under its name")
    assert studio.one(".mix-name").get_attribute("value") == ""
    studio.button("Only drums").click()
    wait_until(lambda: sounds(studio) == {"drums"}, "another mix")
    studio.reload().finish("drums", "everything else")
    assert sounds(studio) == {"drums"}, "the mixer stands as it stood"
    wait_until(lambda: marked(studio) == ["Only drums"], "the mark")
    studio.button("quiet drums").click()
    wait_until(lambda: sounds(studio) == {"drums", "everything else"}, "the mix again")
    (drums,) = [track for track in studio.player()["tracks"] if track["gain_db"] == -4]
    assert drums["pan"] == -0.4
    studio.one('[aria-label="Remove quiet drums"]').click()
    wait_until(lambda: "quiet drums" not in studio.texts(".mixes .chip-body"), "no such mix")


def test_another_tab_starts_where_the_mixer_stands_and_keeps_its_own_faders_from_then_on(studio: Studio) -> None:
    studio.button("Without drums").click()
    wait_until(lambda: sounds(studio) == {"everything else"}, "one mix")
    address, first = studio.browser.current_url, studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    studio.browser.get(address)
    studio.settled().finish("drums", "everything else")
    assert sounds(studio) == {"everything else"}
    studio.button("Only drums").click()
    wait_until(lambda: sounds(studio) == {"drums"}, "another mix in the other tab")
    studio.one(".mix-name").send_keys("theirs", Keys.ENTER)
    wait_until(lambda: "theirs" in studio.texts(".mixes .chip-body"), "a saved mix")
    studio.browser.close()
    studio.browser.switch_to.window(first)
    wait_until(lambda: "theirs" in studio.texts(".mixes .chip-body"), "the saved mix in the first tab")
    assert sounds(studio) == {"everything else"}, "its faders were left alone"


def test_the_chosen_result_and_the_mixer_outlive_the_server(browser: Chrome) -> None:
    with running_server() as server:
        studio = Studio(browser, server.url).open().try_demo().ask("drums")
        studio.start().finish("drums", "everything else")
        first = studio.one('[aria-label="Download drums"]').get_attribute("href")
        studio.ask("bass").start().finish("bass", "everything else")
        older = studio.setting("Result").find_elements("css selector", "option")[1]
        studio.set("Result", older.text).finish("drums", "everything else")
        studio.one('[aria-label="Mute drums"]').click()
        wait_until(lambda: marked(studio) == ["Without drums"], "the mark")
        studio.confirmed()
        address = browser.current_url
        server.kill()
        with running_server(home=server.home, port=server.port):
            browser.get(address)
            studio.settled().finish("drums", "everything else")
            assert studio.one('[aria-label="Download drums"]').get_attribute("href") == first
            assert sounds(studio) == {"everything else"}
            studio.ask("drums")
            wait_until(lambda: "Keep stems" in studio.texts(".made-actions button"), "what its settings say is made")
            studio.ask("vocals").start().finish("vocals", "everything else")
            assert sounds(studio) == {"vocals", "everything else"}
            studio.reload().finish("vocals", "everything else")
        console_errors(browser)
