"""A talk in noise in the Studio: who answers, the voice and the noise as one hears them, and how much is taken away."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from selenium.webdriver import Chrome, Keys

from tests.support.browser import DESKTOP, PHONE, console_errors, resize, sideways_px, wait_until
from tests.support.server import RunningServer
from tests.support.songs_and_talks import SECONDS, talk
from tests.support.speaker import RATE, speaker
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LENGTH_S, FRAME = 4, RATE // 100
IS_A_SONG = "It is a song: use Built-in separator"


@pytest.fixture
def interview(tmp_path: Path) -> Path:
    """Four seconds of somebody who speaks, 5 dB above pink noise, 48 kHz mono, none of it clipped."""
    path = tmp_path / "interview.wav"
    soundfile.write(path, 0.5 * talk(7)[0, : LENGTH_S * RATE], RATE, "FLOAT")
    return path


def test_a_talk_is_freed_from_its_noise_as_far_as_the_slider_says(
    browser: Chrome, shared_server: RunningServer, interview: Path
) -> None:
    studio = Studio(browser, shared_server.url).open().bring(interview).ask("voice")
    wait_until(lambda: "this sounds like talk" in settings(studio), "what it was taken for")
    assert studio.prompts == ["voice\n→ speech"] and "Speech separator" in settings(studio)
    studio.button(IS_A_SONG).click()
    wait_until(lambda: "Built-in separator, as asked for" in settings(studio), "the other one, by one press")
    assert not studio.all("#setting-speech-attenuation_db")
    studio.set("Separator", "Automatic").ask("speech", "noise")
    wait_until(lambda: strength(studio) == "No limit", "the slider")

    studio.start().finish("speech", "noise")
    wait_until(lambda: studio.texts(".measure")[:1] == ["Adds up\nexactly"], "both together are the recording")
    full, noise = heard(studio, "speech"), heard(studio, "noise")
    mixture, _ = soundfile.read(interview, dtype="float32")
    np.testing.assert_allclose(full + noise, mixture, atol=1e-6)
    pauses = np.repeat(np.all(voice().reshape(-1, FRAME) == 0, axis=1), FRAME)
    assert level_db(full[pauses]) < level_db(mixture[pauses]) - 8 and pauses.mean() > 0.2
    assert level_db(full[~pauses]) > level_db(mixture[~pauses]) - 2
    studio.one(".play").click()
    wait_until(lambda: studio.player()["position_samples"] > 0, "sound")
    assert studio.gains() == {"Mixture": 0, "speech": 1, "noise": 1}

    field = studio.setting("Strength")
    field.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    wait_until(lambda: studio.preset == "Podcast clean-up", "the preset of that strength")
    assert field.accessible_name == "Strength" and strength(studio) == "12 dB"
    assert studio.texts(".slider") == ["12 dB"] and not studio.texts(".said")
    link = download(studio, "speech")
    studio.confirmed().start()
    wait_until(lambda: download(studio, "speech") not in ("", link), "another result", RUN_S)
    np.testing.assert_allclose(heard(studio, "speech"), full + noise * 10 ** (-12 / 20), atol=1e-6)

    resize(browser, PHONE)
    studio.one(".sheet-button").click()
    wait_until(field.is_displayed, "the sheet")
    assert field.rect["height"] >= 44 and sideways_px(browser) == 0
    resize(browser, DESKTOP)
    assert console_errors(browser) == []


def voice() -> NDArray[np.float32]:
    """Who speaks in the interview, (samples,), without the noise; nothing at all in the pauses."""
    return speaker(SECONDS, 1007)[: LENGTH_S * RATE]


def settings(studio: Studio) -> str:
    return "".join(studio.texts(".shell-side"))


def strength(studio: Studio) -> str:
    """What a screen reader says of the slider's value."""
    return str(studio.setting("Strength").get_attribute("aria-valuetext"))


def download(studio: Studio, name: str) -> str:
    """The address of a track's file; "" where it is not there yet."""
    return str(studio.js(f"return document.querySelector('[aria-label=\"Download {name}\"]')?.href ?? ''"))


def heard(studio: Studio, name: str) -> NDArray[np.float32]:
    """A mono track as its download holds it, in 24 bits."""
    samples, _ = soundfile.read(io.BytesIO(studio.fetch(download(studio, name))), dtype="float32")
    return np.asarray(samples)


def level_db(samples: NDArray[np.float32]) -> float:
    return float(10 * np.log10(np.mean(samples**2)))
