"""Presets of one's own in a real browser: kept in the Studio and after a blind test, applied and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from selenium.webdriver import Chrome, Keys

from separation.request import ChunkSettings, Request
from storage import ArtifactStore
from storage.records import BlindTestTable
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.listening_steps import Guest, made, sides
from tests.support.player_endurance import keep_noise
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio
from webapp.state.blind_tests import BlindTests

pytestmark = pytest.mark.browser


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """A Studio whose recording has the usual settings, without any own preset."""
    resize(browser, DESKTOP)
    recording, _ = keep_noise(ArtifactStore(shared_server.home), 2)
    studio = Studio(browser, shared_server.url).open(f"/?recording={recording.key}&prompts=drums")
    delete_own(studio)
    studio.set("Separator", "Automatic").confirmed().set("Length", 20).confirmed()
    yield studio
    assert console_errors(browser) == []


@pytest.fixture(scope="module", autouse=True)
def none_left(browser: Chrome, shared_server: RunningServer) -> Iterator[None]:
    """Delete the last presets: every page of the server has them."""
    yield
    resize(browser, DESKTOP)
    delete_own(Studio(browser, shared_server.url).open())


def delete_own(studio: Studio) -> None:
    for name in own(studio):
        studio.one(f'[aria-label="Remove {name}"]').click()
        wait_until(lambda name=name: name not in own(studio), "one preset less")
    studio.confirmed()


def own(studio: Studio) -> list[str]:
    return studio.texts(".own-presets .chip-body")


def on(studio: Studio) -> list[str]:
    return studio.texts(".own-presets .chip.on .chip-body")


def keep(studio: Studio, name: str) -> None:
    studio.button("Save as preset…").click()
    studio.name_field().send_keys(name, Keys.ENTER)


def kept(studio: Studio, name: str) -> None:
    keep(studio, name)
    wait_until(lambda: name in own(studio) and not studio.all(".q-dialog"), "the preset")


def length(studio: Studio) -> str | None:
    return studio.setting("Length").get_attribute("value")


def test_what_is_set_is_kept_under_a_name_and_applied_by_it(studio: Studio) -> None:
    studio.set("Length", 7).confirmed()
    keep(studio, "Long songs")
    wait_until(lambda: own(studio) == on(studio) == ["Long songs"], "the preset, which is on")
    studio.set("Length", 12).confirmed()
    wait_until(lambda: on(studio) == [], "another setting")
    studio.reload()
    studio.button("Long songs").click()
    wait_until(lambda: on(studio) == ["Long songs"] and length(studio) == "7", "the settings of the preset")


def test_every_page_has_the_preset_and_loses_it_when_it_is_deleted(studio: Studio) -> None:
    first = studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    try:
        studio.open()
        second = studio.browser.current_window_handle
        studio.browser.switch_to.window(first)
        kept(studio, "Mine")
        studio.browser.switch_to.window(second)
        wait_until(lambda: own(studio) == ["Mine"], "the preset in the other tab")
        cross = studio.one('[aria-label="Remove Mine"]')
        assert cross.get_attribute("data-tip") == "Deletes Mine"
        cross.click()
        studio.browser.switch_to.window(first)
        wait_until(lambda: own(studio) == [], "no preset in the first tab")
    finally:
        studio.browser.switch_to.window(second)
        studio.browser.close()
        studio.browser.switch_to.window(first)


def test_a_name_that_is_taken_is_refused_in_the_dialog_which_stays(studio: Studio) -> None:
    keep(studio, "Quality")
    wait_until(lambda: "comes with the program" in "".join(studio.texts(".q-dialog [role=alert]")), "why not")
    studio.name_field().send_keys(" and quick", Keys.ENTER)
    wait_until(lambda: own(studio) == ["Quality and quick"], "the preset")
    wait_until(lambda: not studio.all(".q-dialog"), "no dialog")


def test_a_preset_is_not_offered_to_another_separator(studio: Studio) -> None:
    kept(studio, "Mine")
    others = [option.text for option in studio.setting("Separator").find_elements("css selector", "option")]
    studio.set("Separator", next(label for label in others if "Demucs" in label))
    wait_until(lambda: own(studio) == [], "no preset of the built-in separator")


def test_after_a_blind_test_the_settings_of_a_side_become_a_preset(studio: Studio, shared_server, tmp_path) -> None:
    recording, results = keep_noise(ArtifactStore(shared_server.home), 2)
    settings = [Request.of("drums", backend="builtin", model="small", chunks=ChunkSettings(chunk_s=s)) for s in (5, 9)]
    heard = [
        replace(side, name=name, settings=(f"chunk {name} s",), made_with=request.to_dict(), run_s=seconds)
        for side, request, name, seconds in zip(sides(tmp_path), settings, ("5", "9"), (2.0, 1.0), strict=True)
    ]
    about = {"recording": recording.key, "sides": tuple(heard), "n_trials": 2, "guided": False}
    tests = BlindTests(ArtifactStore(shared_server.home), BlindTestTable(shared_server.home))
    test = made(shared_server.home, tmp_path, tests=tests, **about)
    guest = Guest(shared_server.url, test.id, test.key)
    guest.join()
    guest.take(lambda prepared, sounds: "A")
    studio.browser.get(f"{studio.url}/compare?items={results[0].key},{results[1].key}")
    studio.button("Save as preset…").click()
    wait_until(lambda: studio.all(".q-dialog select"), "the dialog")
    assert studio.setting("Settings of").get_attribute("value") == "0"
    first = studio.js("return document.querySelector('.q-dialog option').textContent")
    assert "chunk 9 s" in first, "the one that took less time"
    name = studio.name_field()
    assert name.get_attribute("value") == "chunk 9 s"
    assert faults(studio) == []
    studio.button("Keep").click()
    wait_until(lambda: not studio.all(".q-dialog"), "the dialog to close")
    tests.delete(test)
    studio.open(f"/?recording={recording.key}&prompts=drums")
    studio.button("chunk 9 s").click()
    wait_until(lambda: length(studio) == "9", "its settings")


@pytest.mark.parametrize("look", ["dark", "light", "phone"])
def test_the_presets_have_no_serious_fault_and_fit_the_width(studio: Studio, look: str) -> None:
    for name in ("Long songs", "As long as a name may be".ljust(40, "!")):
        kept(studio, name)
    resize(studio.browser, PHONE if look == "phone" else DESKTOP)
    studio.js(f"document.cookie = 'scheme={'light' if look == 'light' else 'dark'}; path=/'")
    studio.reload()
    if look == "phone":
        studio.one(".sheet-button").click()
    wait_until(lambda: len(own(studio)) == 2, "the presets")
    assert faults(studio) == []
    assert sideways_px(studio.browser) <= 0
    studio.button("Save as preset…").click()
    wait_until(lambda: studio.all(".q-dialog input"), "the dialog")
    assert faults(studio) == []
