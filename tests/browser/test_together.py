"""Several files at once in a real browser: all are listed, the first is open, and all are separated the same way."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
NAMES = ("one.flac", "two.flac", "three.flac")
REFUSED = "status of 422"  # the browser itself notes in its console that an upload was refused


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Three seconds of noise each, no two alike."""
    random, paths = np.random.default_rng(), [tmp_path / name for name in NAMES]
    for path in paths:
        soundfile.write(path, random.uniform(-0.3, 0.3, 3 * 44_100), 44_100)
    return paths


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, shared_server.url).open()
    assert [error for error in console_errors(browser) if REFUSED not in error] == []
    assert "Traceback" not in shared_server.log()


def bring(studio: Studio, *paths: Path) -> None:
    studio.one(".upload-area input[type=file]").send_keys("\n".join(map(str, paths)))


def tabs(studio: Studio) -> dict[str, str]:
    """The words of each tab, by the name of its file."""
    return dict(one.split("\n") for one in studio.texts(".file-tab-body"))


def opened(studio: Studio) -> list[str]:
    return [one.split("\n")[0] for one in studio.texts(".file-tab-body[aria-current=true]")]


def all_here(studio: Studio, *names: str) -> bool:
    return list(tabs(studio)) == list(names) and set(tabs(studio).values()) == {"0:03"}


def fetched(studio: Studio, url: str) -> bytes:
    script = """const done = arguments[1];
        fetch(arguments[0]).then((answer) => answer.arrayBuffer())
          .then((bytes) => done(JSON.stringify([...new Uint8Array(bytes)])))"""
    return bytes(json.loads(studio.browser.execute_async_script(script, url)))


def test_all_are_listed_the_first_opens_and_one_press_separates_them_alike(studio: Studio, songs: list[Path]) -> None:
    bring(studio, *songs)
    wait_until(lambda: all_here(studio, *NAMES), "all three", RUN_S)
    assert (studio.title, opened(studio)) == ("one.flac", ["one.flac"])
    assert not studio.button("Name a sound to separate all").is_enabled()

    studio.ask("drums")
    studio.button("Separate all 3 the same way").click()
    wait_until(lambda: set(tabs(studio).values()) == {"Separated"}, "all of them separated", RUN_S)
    studio.finish("drums", "everything else")

    studio.one('.file-tab-body[data-tip="three.flac"]').click()
    assert opened(studio) == ["three.flac"], "it is marked in the same frame"
    wait_until(lambda: studio.title == "three.flac", "the third")
    studio.finish("drums", "everything else")
    assert [chip.split("\n")[0] for chip in studio.prompts] == ["drums"]

    stems = wait_until(lambda: studio.js("return document.querySelector('.file-tabs-all a').href"), "all stems")
    with zipfile.ZipFile(io.BytesIO(fetched(studio, stems))) as archive:
        assert archive.testzip() is None
        sounds = [name for name in archive.namelist() if not name.endswith(".toml")]
    assert len(sounds) == 6 and [name.split(" - ")[0] for name in sounds[::2]] == ["one", "two", "three"]


def test_what_is_painted_stays_with_its_own_file_and_settings_go_along(studio: Studio, songs: list[Path]) -> None:
    bring(studio, *songs[:2])
    wait_until(lambda: all_here(studio, *NAMES[:2]), "both", RUN_S)
    studio.ask("drums").set("Length", 2)
    studio.confirmed()
    studio.button("Separate all 2 the same way").click()
    wait_until(lambda: set(tabs(studio).values()) == {"Separated"}, "both separated", RUN_S)
    studio.one('.file-tab-body[data-tip="two.flac"]').click()
    wait_until(lambda: studio.title == "two.flac", "the second")
    wait_until(lambda: studio.setting("Length").get_attribute("value") == "2", "the same length of chunks")


def test_the_list_is_there_after_a_reload_and_hides_for_other_recordings(studio: Studio, songs: list[Path]) -> None:
    bring(studio, *songs)
    wait_until(lambda: all_here(studio, *NAMES), "all three", RUN_S)
    wait_until(lambda: studio.browser.current_url.count(",") == 2, "their address")
    studio.reload()
    wait_until(lambda: all_here(studio, *NAMES), "all three again")
    assert (studio.title, opened(studio)) == ("one.flac", ["one.flac"])

    studio.one('[aria-label="Take two.flac off this list"]').click()
    assert list(tabs(studio)) == ["one.flac", "three.flac"], "it is gone in the same frame"
    wait_until(lambda: studio.browser.current_url.count(",") == 1, "the shorter address")

    studio.one('[aria-label="Recent"]').click()
    item = (
        "return [...document.querySelectorAll('.recording-item')].find((one) => one.innerText.startsWith('two.flac'))"
    )
    wait_until(lambda: studio.js(item), "the menu").click()
    wait_until(lambda: studio.title == "two.flac" and not studio.texts(".file-tabs"), "a recording that is not listed")
    wait_until(lambda: "files=" not in studio.browser.current_url, "its own address")


def test_one_that_cannot_be_read_is_listed_as_such_and_the_others_come(studio: Studio, songs: list[Path]) -> None:
    songs[0].write_text("no sound at all")
    bring(studio, *songs)
    two_taken = {"one.flac": "Not taken", "two.flac": "0:03", "three.flac": "0:03"}
    wait_until(lambda: tabs(studio) == two_taken, "both others", RUN_S)
    assert (studio.title, opened(studio)) == ("two.flac", ["two.flac"]), "the first that can be heard"
    assert "one.flac" in studio.messages
    studio.ask("bass")
    assert studio.button("Separate all 2 the same way").is_enabled()


def test_those_on_their_way_are_separated_when_they_are_here(studio: Studio, songs: list[Path]) -> None:
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 60_000}
    studio.browser.execute_cdp_cmd("Network.enable", {})
    try:
        bring(studio, songs[0])
        wait_until(lambda: "recording=" in studio.browser.current_url, "the first")
        studio.browser.execute_cdp_cmd("Network.emulateNetworkConditions", line)
        bring(studio, *songs[1:])
        wait_until(lambda: studio.title == "two.flac", "another take opens its first")
        wait_until(lambda: list(tabs(studio)) == ["two.flac", "three.flac"], "both of the second take")
        wait_until(lambda: tabs(studio)["two.flac"] == "0:03" and tabs(studio)["three.flac"] == "Uploading", "one", 60)
        assert not studio.texts(".upload"), "its progress is in its tab"
        studio.ask("vocals")
        studio.button("Separate all 2 the same way").click()
        wait_until(lambda: set(tabs(studio).values()) == {"Separated"}, "both", RUN_S)
        assert studio.title == "two.flac", "what comes in the background changes nothing"
    finally:
        studio.browser.execute_cdp_cmd("Network.emulateNetworkConditions", line | {"uploadThroughput": -1})


def test_on_a_phone_they_fit_and_can_be_pressed(studio: Studio, songs: list[Path]) -> None:
    resize(studio.browser, PHONE)
    bring(studio, *songs)
    wait_until(lambda: all_here(studio, *NAMES), "all three", RUN_S)
    assert sideways_px(studio.browser) == 0
    sizes = studio.js("""return [...document.querySelectorAll(".file-tabs button")].map((one) => {
        const box = one.getBoundingClientRect(); return Math.min(box.width, box.height); })""")
    assert min(sizes) >= 44
