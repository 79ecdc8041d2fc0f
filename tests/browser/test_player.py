"""The player and its components in a real browser: sample-synchronous, gapless, usable by keyboard."""

from __future__ import annotations

import itertools
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import DESKTOP, PHONE, console_errors, prefer, resize, sideways_px, wait_until
from tests.support.offline import rendered
from tests.support.player_app import N_SAMPLES, SAMPLE_RATE, SOUNDS

pytestmark = pytest.mark.browser
WINDOW = 2 * SAMPLE_RATE  # samples per fetch


@pytest.fixture
def page(browser: Chrome, player_app: str) -> Iterator[Chrome]:
    """The studio of the test app, loaded and drawn; no console error may come in the course of a test."""
    resize(browser, DESKTOP)
    prefer(browser, "dark")
    browser.get(player_app)
    wait_until(lambda: drawn(browser), "three drawn tracks")
    console_errors(browser)
    yield browser
    delay(player_app, "target", 0)
    assert console_errors(browser) == []


def drawn(page: Chrome) -> bool:
    script = """return window.audioPlayground?.player.voices.size === 3
        && document.querySelectorAll(".lane > canvas").length === 3
        && !document.querySelector(".lane-note, .wave-note") && window.did_handshake"""
    return bool(page.execute_script(script))


def state(page: Chrome) -> dict[str, Any]:
    found: dict[str, Any] = page.execute_script("return window.audioPlayground.player.state()")
    return found


def player(page: Chrome, call: str) -> None:
    page.execute_script(f"window.audioPlayground.player.{call}")


def delay(player_app: str, track: str, seconds: float) -> None:
    urllib.request.urlopen(
        urllib.request.Request(f"{player_app}/delay/{track}/{seconds}", method="POST"), timeout=5
    ).close()


def play(page: Chrome) -> None:
    """Press the button, as browsers demand of whoever wants sound."""
    page.find_element(By.CSS_SELECTOR, ".play").click()
    wait_until(lambda: state(page)["playing"], "playback")


def pieces(page: Chrome) -> dict[str, list[tuple[int, int, int]]]:
    """(start_sample, when_frame, count) of everything scheduled so far, per track."""
    return {
        track["id"]: [(piece["start_sample"], piece["when_frame"], piece["count"]) for piece in track["scheduled"]]
        for track in state(page)["tracks"]
    }


def whole_windows(page: Chrome) -> list[tuple[int, int, int]]:
    """What was scheduled of the mixture from the first sample of a window on."""
    return [piece for piece in pieces(page)["mixture"] if piece[0] % WINDOW == 0]


def begun(page: Chrome, sample: int) -> bool:
    return any(start == sample for start, *_ in pieces(page)["mixture"])


def live_gain(page: Chrome, id_: str) -> float | None:
    """What the audio graph applies at this moment; None before the first sound."""
    live: dict[str, float | None] = {track["id"]: track["live_gain"] for track in state(page)["tracks"]}
    return live[id_]


def gains(page: Chrome) -> dict[str, float]:
    return {track["id"]: track["gain"] for track in state(page)["tracks"]}


def row(page: Chrome, name: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, f'.track[aria-label="{name}"]')


def abut(run: list[tuple[int, int, int]]) -> bool:
    """Whether each piece begins, in samples and in frames, where the one before it ended."""
    return all(b[0] == a[0] + a[2] and b[1] == a[1] + a[2] for a, b in itertools.pairwise(run))


def test_all_tracks_start_at_one_frame_and_their_windows_abut(page: Chrome) -> None:
    play(page)
    wait_until(lambda: len(pieces(page)["mixture"]) >= 3, "three windows")
    scheduled = pieces(page)
    assert scheduled["mixture"] == scheduled["target"] == scheduled["residual"]
    assert scheduled["mixture"][0][0] == 0
    assert [count for _, _, count in scheduled["mixture"][:2]] == [WINDOW, WINDOW]
    assert abut(scheduled["mixture"])
    fades = [piece["fade_in"] for piece in state(page)["tracks"][0]["scheduled"]]
    assert fades == [True] + [False] * (len(fades) - 1)  # a seam is not heard: only the start fades in


def test_the_playhead_of_every_row_is_at_the_position_also_of_one_that_comes_later(page: Chrome) -> None:
    def heads() -> list[float]:
        """How far along its row each is, from 0 to 1."""
        script = """return [...document.querySelectorAll(".lane")].map((lane) => {
            const whole = lane.querySelector("canvas").getBoundingClientRect();
            const head = lane.querySelector(".playhead").getBoundingClientRect();
            return (head.left + head.width / 2 - whole.left) / whole.width;
        })"""
        found: list[float] = page.execute_script(script)
        return found

    total = page.execute_script("return window.audioPlayground.player.total")
    for share in (0.25, 0.75):
        player(page, f"seek({share * total})")
        wait_until(lambda share=share: heads() == pytest.approx([share] * 3, abs=0.002), "the heads at the position")
    page.execute_script("document.getElementById('tone').click()")
    wait_until(lambda: page.find_elements(By.CSS_SELECTOR, '.track[aria-label="tone"]'), "another row")
    wait_until(lambda: heads() == pytest.approx([0.75] * 3, abs=0.002), "the heads where they were")


def test_rendering_gives_back_the_samples_of_the_file_across_windows(page: Chrome) -> None:
    player(page, "setMix('target', {solo: true})")
    start, count = WINDOW - 1000, WINDOW + 2000  # over two seams, starting inside a window
    expected = SOUNDS["target"][start : start + count].T  # (channels, samples)
    assert np.array_equal(rendered(page, start, count), expected)


def test_two_tracks_that_cancel_render_to_silence(page: Chrome, player_app: str) -> None:
    page.execute_script("document.getElementById('late').click()")
    wait_until(lambda: "anti" in gains(page), "the inverted mixture")
    player(page, "setMix('target', {muted: true})")
    player(page, "setMix('mixture', {gain_db: -3.7})")
    player(page, "setMix('anti', {gain_db: -3.7})")
    residue = rendered(page, 12_345, 3 * WINDOW)
    assert np.abs(residue).max() < 1e-6
    player(page, "setMix('anti', {muted: true})")
    heard = rendered(page, 12_345, 3 * WINDOW)  # the test can fail: without its partner the mixture is loud
    expected = 10 ** (-3.7 / 20) * SOUNDS["mixture"][12_345 : 12_345 + 3 * WINDOW].T
    assert np.abs(heard - expected).max() < 1e-6


def test_a_loop_goes_round_without_a_gap(page: Chrome) -> None:
    start, end = 3 * SAMPLE_RATE + 11, 4 * SAMPLE_RATE + 500
    player(page, f"setLoop(true, {start}, {end}); audioPlayground.player.seek({start})")
    heard = rendered(page, start, 2 * (end - start))
    mixed = SOUNDS["mixture"] + SOUNDS["target"] + SOUNDS["residual"]
    once = mixed[start:end].T
    assert np.abs(heard - np.concatenate([once, once], axis=1)).max() < 1e-6
    play(page)
    run = wait_until(lambda: len(pieces(page)["mixture"]) >= 6 and pieces(page)["mixture"], "two rounds")
    assert all(b[1] == a[1] + a[2] for a, b in itertools.pairwise(run))
    assert all(b[0] in (a[0] + a[2], start) for a, b in itertools.pairwise(run))
    assert sum(count for *_, count in run) > 2 * (end - start)


def with_tone(page: Chrome) -> None:
    """A tone in the place of the residual."""
    page.execute_script("document.getElementById('tone').click()")
    wait_until(lambda: "tone" in gains(page), "the tone")


def sounding_s(samples: np.ndarray) -> float:
    """Seconds up to the last sample that is not silent."""
    loud = np.abs(samples).max(axis=0) > 1e-3
    return float(np.flatnonzero(loud)[-1] + 1) / SAMPLE_RATE


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.25, 1.5])
def test_a_tone_keeps_its_pitch_and_level_at_every_speed_and_lasts_as_long_as_it_should(
    page: Chrome, speed: float
) -> None:
    with_tone(page)
    player(page, f"setMix('tone', {{solo: true}}); audioPlayground.player.setSpeed({speed})")
    heard = rendered(page, N_SAMPLES - 6 * SAMPLE_RATE, 13 * SAMPLE_RATE)
    assert sounding_s(heard) == pytest.approx(6 / speed, abs=0.06)
    steady = heard[0, SAMPLE_RATE : 3 * SAMPLE_RATE]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))  # 0.5 Hz a bin
    assert np.argmax(spectrum) / 2 == pytest.approx(441.7, abs=0.5)
    near = slice(2 * 400, 2 * 483)
    beside = np.sqrt((spectrum**2).sum() - (spectrum[near] ** 2).sum())
    assert beside < 10 ** (-40 / 20) * np.sqrt((spectrum[near] ** 2).sum()), "no clicks at the joints"
    blocks = steady[: len(steady) // 4800 * 4800].reshape(-1, 4800)
    assert np.sqrt((blocks**2).mean(axis=1)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02), "no beat at the joints"


def test_tracks_that_add_up_do_so_at_every_speed_too(page: Chrome) -> None:
    page.execute_script("document.getElementById('null').click()")  # target, residual, and minus their sum
    wait_until(lambda: "anti" in gains(page), "the inverted mixture")
    player(page, "setMix('mixture', {muted: true}); audioPlayground.player.setSpeed(0.75)")
    assert np.abs(rendered(page, 12_345, 3 * WINDOW)).max() < 1e-6
    player(page, "setMix('anti', {muted: true})")
    assert np.abs(rendered(page, 12_345, 3 * WINDOW)).max() > 0.1  # the test can fail


def test_a_short_loop_is_slow_too(page: Chrome) -> None:
    start, end = WINDOW - 9_000, WINDOW + 9_000  # over a seam of windows
    player(page, f"setLoop(true, {start}, {end}); audioPlayground.player.setSpeed(0.5)")
    heard = rendered(page, start, 4 * 36_000)[0, 20_000:]
    spectrum = np.fft.rfft(heard - heard.mean(), 2 * len(heard))
    alike = np.fft.irfft(np.abs(spectrum) ** 2)[20_000:60_000]
    assert 20_000 + np.argmax(alike) == pytest.approx(2 * (end - start), rel=0.03), "the time it takes to come round"


def test_speed_is_changed_in_the_middle_without_a_gap_and_all_tracks_stay_together(page: Chrome) -> None:
    play(page)
    body = page.find_element(By.TAG_NAME, "body")
    wait_until(lambda: state(page)["position_samples"] > 0.3 * SAMPLE_RATE, "sound")
    body.send_keys("<")
    assert state(page)["speed"] == 0.75
    assert page.find_element(By.CSS_SELECTOR, '[aria-label="Speed"]').get_attribute("value") == "0.75"
    slow = wait_until(lambda: whole_windows(page)[-1][2] > 1.2 * WINDOW and whole_windows(page), "the slower course")
    assert state(page)["playing"]
    scheduled = pieces(page)
    assert scheduled["mixture"] == scheduled["target"] == scheduled["residual"]
    assert slow[-1][2] == pytest.approx(WINDOW / 0.75, rel=0.01)
    *_, joint, following = scheduled["mixture"]  # where the new course took over, and what it goes on with
    assert following[1] == joint[1] + joint[2], "abutting"
    assert joint[2] == pytest.approx((following[0] - joint[0]) / 0.75, rel=0.02)
    a, b = state(page), wait_until(lambda: (now := state(page))["context_frame"] > 60_000 and now, "more of it")
    assert b["position_samples"] - a["position_samples"] == pytest.approx(
        0.75 * (b["context_frame"] - a["context_frame"]), abs=0.05 * SAMPLE_RATE
    )
    body.send_keys(">>>>>")
    assert state(page)["speed"] == 1.5
    choice = page.find_element(By.CSS_SELECTOR, '[aria-label="Speed"]')
    choice.send_keys("1×")
    wait_until(lambda: state(page)["speed"] == 1, "the speed of the recording, by keyboard")


def test_seeking_while_playing_stays_in_sync(page: Chrome) -> None:
    play(page)
    for target in (15 * SAMPLE_RATE + 7, 400_001, 3):
        player(page, f"seek({target})")
        wait_until(lambda: state(page)["playing"], "playback after the seek")
        wait_until(partial(begun, page, target), "a piece at the target")
    scheduled = pieces(page)
    assert scheduled["mixture"] == scheduled["target"] == scheduled["residual"]
    now = state(page)
    start, when, _ = next(piece for piece in scheduled["mixture"][::-1] if piece[0] == 3)
    heard = max(0, now["context_frame"] - when)  # it may not have begun to sound
    assert 0 <= now["position_samples"] - start <= heard + 1


def test_changing_the_loop_while_playing_neither_stops_nor_jumps(page: Chrome) -> None:
    play(page)
    wait_until(lambda: state(page)["position_samples"] > 0.4 * SAMPLE_RATE, "half a second")
    player(page, f"setLoop(true, 0, {5 * SAMPLE_RATE})")
    wait_until(lambda: len(pieces(page)["mixture"]) >= 4, "the new course")
    run = pieces(page)["mixture"]
    joint = next(piece for piece in run if piece[0] % WINDOW)  # where the new course took over
    first = run[0]
    assert joint[0] - first[0] == joint[1] - first[1]  # at that frame the old course played the same sample
    assert state(page)["playing"]


def test_slow_audio_is_waited_for_and_goes_on_in_sync(page: Chrome, player_app: str) -> None:
    play(page)
    wait_until(lambda: state(page)["position_samples"] > 0, "sound")
    delay(player_app, "target", 1.2)
    player(page, f"seek({12 * SAMPLE_RATE})")
    assert wait_until(lambda: state(page)["phase"] == "buffering", "the wait")
    assert state(page)["position_samples"] == 12 * SAMPLE_RATE  # nobody hears anything, nothing moves on
    wait_until(lambda: state(page)["playing"], "the end of the wait")
    delay(player_app, "target", 0)
    wait_until(lambda: state(page)["position_samples"] > 12.2 * SAMPLE_RATE, "sound again")
    after = {id_: [p for p in run if p[0] >= 12 * SAMPLE_RATE] for id_, run in pieces(page).items()}
    assert after["mixture"] == after["target"] == after["residual"]
    assert after["mixture"][0][0] == 12 * SAMPLE_RATE  # not one sample was skipped
    assert abut(after["mixture"])


def test_a_track_that_appears_while_playing_joins_in_sync(page: Chrome) -> None:
    play(page)
    wait_until(lambda: state(page)["position_samples"] > 0.3 * SAMPLE_RATE, "sound")
    page.execute_script("document.getElementById('late').click()")
    late = wait_until(lambda: pieces(page).get("anti"), "the new track")
    frame_of_zero = pieces(page)["mixture"][0][1]
    assert late[0][0] > 0  # it did not stop the others to start at their beginning
    assert all(when - start == frame_of_zero for start, when, _ in late)
    assert state(page)["playing"]


def test_audio_still_being_computed_is_played_up_to_its_edge_and_then_waited_for(page: Chrome) -> None:
    grow = """
        const {player} = window.audioPlayground;
        const [owner, tracks] = [...player.owners].find(([, tracks]) => tracks.length === 3);
        const half = tracks.map((t) => t.id === "target" ? {...t, ready_samples: arguments[0], solo: true} : t);
        player.setTracks(owner, half);
    """
    edge = SAMPLE_RATE + 321
    page.execute_script(grow, edge)
    play(page)
    wait_until(lambda: state(page)["phase"] == "buffering", "the edge")
    target = pieces(page)["target"]
    assert target[-1][0] + target[-1][2] == edge
    page.execute_script(grow, 6 * SAMPLE_RATE)
    wait_until(lambda: state(page)["playing"], "the rest")
    assert pieces(page)["target"][len(target)][0] == edge  # not one sample was skipped


def test_memory_does_not_grow_with_the_recording(page: Chrome) -> None:
    play(page)
    for second in range(0, 21, 2):
        player(page, f"seek({second * SAMPLE_RATE})")
        wait_until(lambda: state(page)["playing"], "playback")
    assert max(track["windows_held"] for track in state(page)["tracks"]) <= 10


def test_mute_solo_and_gain_change_what_is_heard(page: Chrome) -> None:
    row(page, "man speaking").find_element(By.CSS_SELECTOR, ".solo-button").click()
    assert gains(page) == {"mixture": 0, "target": 1, "residual": 0}
    row(page, "everything else").find_element(By.CSS_SELECTOR, ".solo-button").click()
    row(page, "man speaking").find_element(By.CSS_SELECTOR, ".mute-button").click()
    assert gains(page) == {"mixture": 0, "target": 0, "residual": 1}
    fader = row(page, "everything else").find_element(By.CSS_SELECTOR, "input")
    fader.send_keys(Keys.ARROW_LEFT * 12)
    assert gains(page)["residual"] == pytest.approx(10 ** (-6 / 20))  # twelve times half a decibel
    assert row(page, "everything else").find_element(By.CSS_SELECTOR, ".readout").text == "−6.0 dB"
    page.execute_script("arguments[0].dispatchEvent(new MouseEvent('dblclick', {bubbles: true}))", fader)
    assert gains(page)["residual"] == 1
    log = wait_until(lambda: page.find_element(By.ID, "log").text, "the server to hear of it")
    assert "'id': 'target'" in log


def test_gains_move_in_short_ramps_while_playing(page: Chrome) -> None:
    play(page)
    player(page, "setMix('mixture', {gain_db: -60})")
    wait_until(lambda: live_gain(page, "mixture") == 0, "silence at the end of the ramp")
    player(page, "setMix('mixture', {gain_db: 0})")
    wait_until(lambda: live_gain(page, "mixture") == 1, "full gain at the end of the ramp")


def test_the_keyboard_plays_seeks_and_mutes_but_leaves_text_alone(page: Chrome) -> None:
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys("k")
    wait_until(lambda: state(page)["playing"], "K to play")
    body.send_keys("p")
    wait_until(lambda: state(page)["phase"] == "stopped", "P to pause")
    player(page, f"seek({10 * SAMPLE_RATE})")
    body.send_keys("l")
    assert state(page)["position_samples"] == 15 * SAMPLE_RATE
    body.send_keys("jj")
    assert state(page)["position_samples"] == 5 * SAMPLE_RATE
    body.send_keys(Keys.HOME)
    assert state(page)["position_samples"] == 0
    body.send_keys(" ")
    wait_until(lambda: state(page)["playing"], "Space to play")
    body.send_keys(" ", Keys.HOME)
    wait_until(lambda: state(page)["phase"] == "stopped", "Space to pause")
    page.find_element(By.CSS_SELECTOR, "input[placeholder]").send_keys("klap")
    assert (state(page)["phase"], state(page)["position_samples"]) == ("stopped", 0)
    row(page, "man speaking").find_element(By.CSS_SELECTOR, "input").send_keys("m")
    assert gains(page)["target"] == 0


def test_the_waveform_is_a_slider_for_mouse_and_keyboard(page: Chrome) -> None:
    stage = page.find_element(By.CSS_SELECTOR, ".wave-slider")
    assert stage.get_attribute("role") == "slider"
    stage.send_keys(Keys.END)
    assert state(page)["position_samples"] == N_SAMPLES
    wait_until(lambda: stage.get_attribute("aria-valuetext") == "21 seconds", "the spoken position")
    stage.send_keys(Keys.HOME, Keys.PAGE_UP)
    assert state(page)["position_samples"] == 10 * SAMPLE_RATE
    stage.click()  # in the middle
    assert state(page)["position_samples"] == pytest.approx(N_SAMPLES / 2, rel=0.01)
    log = wait_until(lambda: page.find_element(By.ID, "log").text, "the server to hear of it")
    assert "seek 10.5" in log


def test_zoom_shows_a_passage_on_all_tracks(page: Chrome) -> None:
    stage = page.find_element(By.CSS_SELECTOR, ".wave-slider")
    stage.send_keys("++")
    shown = page.execute_script("return window.audioPlayground.player.range")
    assert shown["count"] == pytest.approx(N_SAMPLES / 4, rel=0.01)
    stage.send_keys("0")
    assert page.execute_script("return window.audioPlayground.player.range") is None


def brightest_hz(page: Chrome, name: str) -> float:
    """The pitch of the row that stands out most in a lane's picture, on the scale of spectrograms of 48 kHz."""
    script = """
        const canvas = arguments[0].querySelector(".lane canvas");
        const {data, width, height} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const light = (x, y) => data.slice(4 * (y * width + x), 4 * (y * width + x) + 3).reduce((a, b) => a + b);
        const columns = [0.3, 0.5, 0.8].map((share) => Math.round(share * width));
        return Array.from({length: height}, (_, y) => columns.reduce((sum, x) => sum + light(x, y), 0));
    """
    light = page.execute_script(script, row(page, name))
    return float(50 * (16_000 / 50) ** (1 - (np.argmax(light) + 0.5) / len(light)))


def test_a_lane_shows_the_spectrogram_of_its_sound(page: Chrome) -> None:
    with_tone(page)
    switch = row(page, "tone").find_element(By.CSS_SELECTOR, '[aria-label="Spectrogram of tone"]')
    before = row(page, "tone").rect["height"]
    switch.send_keys(Keys.ENTER)
    wait_until(lambda: switch.get_attribute("aria-pressed") == "true", "the switch to be on")
    wait_until(lambda: brightest_hz(page, "tone") == pytest.approx(441.7, rel=0.1), "a line at its pitch")
    assert row(page, "tone").rect["height"] > before
    page.find_element(By.CSS_SELECTOR, ".wave-slider").send_keys("+++")
    wait_until(lambda: brightest_hz(page, "tone") == pytest.approx(441.7, rel=0.1), "the same, closer")
    switch.click()
    wait_until(lambda: row(page, "tone").rect["height"] == before, "the waveform again")
    page.find_element(By.CSS_SELECTOR, ".wave-slider").send_keys("0")


def test_one_cell_of_the_strip_changes_without_the_others(page: Chrome) -> None:
    strip = "const c = document.querySelector('.wave-strip'); return [...c.getContext('2d').getImageData(%s).data];"
    cell = page.execute_script("return document.querySelector('.wave-strip').width") // 13
    before = page.execute_script(strip % f"{8 * cell}, 4, {cell}, 6")
    others = page.execute_script(strip % f"0, 0, {8 * cell - 6}, 14")
    page.execute_script("document.getElementById('step').click()")
    wait_until(lambda: page.execute_script(strip % f"{8 * cell}, 4, {cell}, 6") != before, "the ninth cell")
    assert page.execute_script(strip % f"0, 0, {8 * cell - 6}, 14") == others


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_scrolls_sideways_on_a_phone_and_the_settings_are_in_reach(page: Chrome, scheme: str) -> None:
    prefer(page, scheme)
    resize(page, PHONE)
    wait_until(lambda: page.execute_script("return innerWidth") == PHONE[0], "the phone")
    wait_until(lambda: sideways_px(page) == 0, "a page that fits")
    small = """return [...document.querySelectorAll("button, a")]
        .filter((el) => el.checkVisibility({visibilityProperty: true}) && !el.closest(".sr-only"))
        .map((el) => [el.getAttribute("aria-label") || el.innerText, el.getBoundingClientRect()])
        .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
        .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
    assert page.execute_script(small) == []
    seed = page.find_element(By.CSS_SELECTOR, ".shell-side input[type=number]")
    wait_until(lambda: not seed.is_displayed(), "the panel to be away")
    page.find_element(By.CSS_SELECTOR, ".sheet-button").click()
    wait_until(seed.is_displayed, "the sheet")
    moving = "return document.querySelector('.shell-side').getAnimations().length"
    wait_until(lambda: page.execute_script(moving) == 0, "the sheet at rest")
    page.find_element(By.CSS_SELECTOR, '.sheet-head [aria-label="Close"]').click()
    wait_until(lambda: not seed.is_displayed(), "the sheet to go")


def test_scheme_follows_the_system(page: Chrome) -> None:
    ground = "return getComputedStyle(document.querySelector('.shell')).backgroundColor"
    assert page.execute_script(ground) == "rgb(13, 16, 20)"
    prefer(page, "light")
    wait_until(lambda: page.execute_script(ground) == "rgb(243, 244, 246)", "the light ground")


def test_pages_without_audio_say_so_and_do_nothing(page: Chrome, player_app: str) -> None:
    page.get(player_app + "/empty")
    wait_until(lambda: "No recording yet" in page.find_element(By.TAG_NAME, "body").text, "the empty state")
    assert not page.find_element(By.CSS_SELECTOR, ".play").is_enabled()
    page.find_element(By.TAG_NAME, "body").send_keys("kjl")
    assert state(page)["phase"] == "stopped"
