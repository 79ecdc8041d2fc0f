"""A large file on a slow line: the page that brings it can be worked with before it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import Chrome

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser
RATE = 44_100
SLOW = 600_000  # bytes a second; the recording below takes 9 s


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of noise that is louder and louder, mono."""
    path = tmp_path_factory.mktemp("files") / "a minute.wav"
    noise = np.random.default_rng(0).uniform(-1, 1, 60 * RATE)
    soundfile.write(path, noise * np.linspace(0.1, 0.9, noise.size), RATE, subtype="PCM_16")
    return path


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    """An empty Studio on a slow line."""
    resize(browser, DESKTOP)
    console_errors(browser)
    studio = Studio(browser, shared_server.url).open()
    slow_down(browser, SLOW)
    yield studio
    slow_down(browser, -1)
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def slow_down(browser: Chrome, bytes_per_s: int) -> None:
    browser.execute_cdp_cmd("Network.enable", {})
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", line)


def drawn_px(studio: Studio) -> int:
    """How far the waveform reaches; over an even picture of silence, bars are taller than 3 pixels."""
    script = """
        const canvas = document.querySelector(".wave-stage canvas"), width = canvas.width;
        const {data} = canvas.getContext("2d").getImageData(0, 30, width, canvas.height - 45);
        for (let x = width - 1; x >= 0; x--) {
          let tall = 0;
          for (let at = 4 * x + 3; at < data.length; at += 4 * width) tall += data[at] > 200;
          if (tall > 3 && tall < 120) return x;
        }
        return 0;"""
    return int(studio.js(script))


def test_it_is_drawn_and_heard_and_asked_for_while_it_is_sent(studio: Studio, minute: Path) -> None:
    studio.browse(minute)
    wait_until(lambda: studio.title == "a minute.wav", "its name")
    first_px = wait_until(lambda: drawn_px(studio), "the first of it")
    assert "recording=" not in studio.browser.current_url
    assert studio.run_button.text == "Still uploading…" and not studio.run_button.is_enabled()
    studio.type("drums")
    wait_until(lambda: [chip.split("\n")[0] for chip in studio.prompts] == ["drums"], "a prompt")
    studio.one("body").send_keys("k")
    wait_until(lambda: studio.player()["playing"], "its sound")
    track = studio.player()["tracks"][0]["id"]
    wait_until(lambda: drawn_px(studio) > first_px + 50, "more of it")
    studio.one(".wave-slider").send_keys("++")
    wait_until(lambda: "recording=" in studio.browser.current_url, "all of it", 30)
    wait_until(lambda: studio.run_button.text == "Separate 1 sound", "the recording")
    assert studio.js("return !!document.querySelector('.wave-scroll')"), "it is still zoomed"
    assert [one["id"] for one in studio.player()["tracks"]] == [track], "the same sound, which plays on"
    position = studio.player()["position_samples"]
    wait_until(lambda: studio.player()["position_samples"] > position, "the sound going on")
    studio.one("body").send_keys("k")
    studio.reload()
    wait_until(lambda: [chip.split("\n")[0] for chip in studio.prompts] == ["drums"], "the prompt, kept")


def test_a_file_that_is_stopped_or_unusable_gives_the_desk_back(studio: Studio, minute: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.flac", np.zeros(RATE) + 0.1, RATE)
    studio.bring(tmp_path / "short.flac").ask("voice")
    studio.browse(minute)
    wait_until(lambda: studio.title == "a minute.wav" and studio.prompts == [], "the new one")
    studio.button("Cancel").click()
    wait_until(lambda: studio.title == "short.flac" and studio.prompts, "the one before")
    assert drawn_px(studio)

    (tmp_path / "letter.wav").write_text("Dear Sir or Madam, " * 9)
    studio.browse(tmp_path / "letter.wav")
    wait_until(lambda: "letter.wav" in studio.messages, "what is wrong with it")
    wait_until(lambda: studio.title == "short.flac" and studio.prompts, "the one before")
    assert ["422" in line for line in console_errors(studio.browser)] == [True]  # the letter was refused


def test_a_phone_shows_all_of_the_card_that_stops_a_file(studio: Studio, minute: Path) -> None:
    resize(studio.browser, PHONE)
    studio.browse(minute)
    wait_until(lambda: drawn_px(studio), "the first of it")
    cut_px = "const card = document.querySelector('.upload'); return card.scrollHeight - card.clientHeight"
    assert studio.js(cut_px) == 0
    studio.button("Cancel").click()
    wait_until(lambda: studio.title == "Audio Playground", "the page as it was")
