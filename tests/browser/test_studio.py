"""The Studio as a person meets it: a real server process, a real browser, from a file to its stems and back again."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from assets.demo_recording import load_demo
from tests.support.browser import DESKTOP, PHONE, console_errors, prefer, resize, sideways_px, wait_until
from tests.support.page_weight import OURS, SCRIPTS
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LONG_S = 60  # six chunks of the built-in separator and a bit
REFUSED = "status of 422"  # the browser itself notes in its console that an upload was refused


@pytest.fixture
def studio(browser: Chrome, server: RunningServer) -> Iterator[Studio]:
    """The empty Studio on a desk; a test may leave no error in the console and none in the server's log."""
    resize(browser, DESKTOP)
    prefer(browser, "dark")
    browser.delete_all_cookies()
    console_errors(browser)
    logged = len(server.log())
    yield Studio(browser, server.url).open()
    assert [error for error in console_errors(browser) if REFUSED not in error] == []
    assert "Traceback" not in server.log()[logged:]


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of a tone, 44.1 kHz mono."""
    path = tmp_path_factory.mktemp("files") / "a tone.flac"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100), 44_100)
    return path


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over and over, a minute of it."""
    demo = load_demo()
    n_samples = LONG_S * demo.sample_rate
    path = tmp_path_factory.mktemp("files") / "long song.flac"
    soundfile.write(path, np.resize(demo.mixture.T, (n_samples, 2)), demo.sample_rate)  # (samples, 2)
    return path


# bringing audio


def test_the_demo_becomes_two_sounds_and_the_rest(studio: Studio) -> None:
    assert not studio.run_button.is_enabled()
    studio.try_demo().ask()
    wait_until(lambda: studio.browser.title == "Demo song", "the title of the tab")
    assert studio.run_button.text == "Name a sound first"
    studio.ask("drums", "vocals").start().finish("drums", "vocals", "everything else")
    assert "Built-in separator" in studio.texts(".timeline-head")[0]


def test_a_file_can_be_chosen_dropped_and_pasted(studio: Studio, tone: Path, tmp_path: Path) -> None:
    studio.bring(tone)
    assert "0:01 · 44.1 kHz · mono" in studio.texts(".shell-header > .mute")
    dropped, pasted = tmp_path / "dropped.flac", tmp_path / "pasted.flac"
    for k, path in enumerate((dropped, pasted)):  # other content, else they would be the recording we have
        soundfile.write(path, np.full(4410, 0.1 * (k + 1)), 44_100)
    studio.drag_over(dropped)
    wait_until(lambda: studio.texts(".upload-drop"), "the sign that it may be dropped")
    studio.drop(dropped)
    # Before it is here, another file would be listed beside it and not opened.
    wait_until(lambda: studio.title == "dropped.flac" and studio.run_button.text[:5] != "Still", "the dropped file")
    assert not studio.texts(".upload-drop")
    studio.paste(pasted)
    wait_until(lambda: studio.title == "pasted.flac", "the pasted file")


def test_a_bad_file_gives_a_sentence_and_nothing_is_lost(studio: Studio, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("milk, bread, a bass guitar\n" * 20)
    studio.try_demo().ask("drums", "vocals")
    studio.browse(notes)
    wait_until(lambda: "“notes.txt” cannot be used as audio." in studio.messages, "the sentence")
    assert "it holds text" in studio.messages
    assert "Error" not in studio.messages
    assert (studio.title, studio.prompts) == ("Demo song", ["drums", "vocals"])
    studio.one('.error-card [aria-label="Dismiss"]').click()
    wait_until(lambda: not studio.messages, "the message to go")


def test_an_upload_shows_its_bytes_and_can_be_cancelled(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "big.wav"
    soundfile.write(path, np.zeros(20_000_000, np.int16), 44_100)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    studio.browser.execute_cdp_cmd("Network.enable", {})
    studio.browser.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    try:
        studio.browse(path)
        wait_until(lambda: " of 40.0 MB" in "".join(studio.texts(".upload")), "the bytes")
        studio.button("Cancel").click()
        wait_until(lambda: not studio.texts(".upload"), "the card to go")
    finally:
        studio.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
        studio.browser.execute_cdp_cmd("Network.disable", {})
    wait_until(lambda: studio.title == "Audio Playground", "the page as it was")
    assert not studio.messages


# saying what to isolate


def test_prompts_come_and_go_by_keyboard_alone(studio: Studio, tone: Path) -> None:
    studio.bring(tone)
    studio.type("drums")
    wait_until(lambda: studio.prompts == ["drums"], "one chip")
    studio.type("Lead singer, no bass, DRUMS ,, drums")
    wait_until(
        lambda: studio.prompts == ["drums", "Lead singer\n→ all voices", "no bass\n→ all but bass"],
        "the list, once each",
    )
    wait_until(lambda: studio.one(".prompt-input").get_attribute("value") == "", "the field to be empty")
    studio.one('[aria-label="Remove Lead singer"]').send_keys(Keys.ENTER)
    wait_until(lambda: studio.prompts == ["drums", "no bass\n→ all but bass"], "one chip less")
    active = "return document.activeElement.getAttribute('aria-label')"
    wait_until(lambda: studio.js(active) == "Add a sound to isolate", "the focus where typing goes on")


def test_a_suggestion_is_a_toggle(studio: Studio, tone: Path) -> None:
    studio.bring(tone).ask()
    # Not by `button`: the chip of a chosen sound is a button with the same words.
    bass, vocals = (next(one for one in studio.all(".toggle") if one.text == words) for words in ("bass", "vocals"))
    assert bass.get_attribute("aria-pressed") == "false"
    bass.click()
    wait_until(lambda: studio.prompts == ["bass"] and bass.get_attribute("aria-pressed") == "true", "bass chosen")
    studio.type("vocals")
    wait_until(lambda: vocals.get_attribute("aria-pressed") == "true", "typed words to press it too")
    bass.send_keys(Keys.SPACE)
    wait_until(lambda: studio.prompts == ["vocals"] and bass.get_attribute("aria-pressed") == "false", "bass left out")


def test_what_nobody_can_isolate_is_left_out_which_the_button_says_before(studio: Studio, tone: Path) -> None:
    studio.bring(tone).ask("drums").type("dog barking")
    wait_until(lambda: studio.prompts == ["drums", "dog barking\nnot available"], "the marked chip")
    wait_until(lambda: studio.texts(".run") == ["Separate 1 of 2 sounds"], "what the press would do")
    assert not studio.texts(".prompts-note")
    assert studio.texts(".get-offer > p")[0].startswith("SAM-Audio can do this")
    studio.start().finish("drums", "everything else")
    assert studio.prompts == ["drums", "dog barking\nnot available"]
    assert studio.texts(".made-actions button") == ["Listen", "Keep stems"] and not studio.messages
    studio.reload()
    wait_until(lambda: studio.texts(".made-actions button") == ["Listen", "Keep stems"], "the same after a reload")
    studio.all(".chip-remove")[0].click()
    wait_until(lambda: studio.texts(".run") == ["No separator here can do this"], "the reason")
    assert not studio.run_button.is_enabled()


def test_what_is_missing_here_leads_to_the_models_page(studio: Studio, tone: Path) -> None:
    studio.bring(tone).ask("drums").type("dog barking")
    wait_until(lambda: studio.texts('.get-offer a[href="/models"]'), "the link of the offer")
    assert not [words for words in studio.texts('.side-body a[href="/models"], .prompts-note a') if words]
    studio.one('.get-offer a[href="/models"]').send_keys(Keys.ENTER)
    wait_until(lambda: studio.title == "Models", "the Models page")
    studio.browser.back()
    wait_until(lambda: len(studio.prompts) == 2, "what was asked for")


# running


def test_progress_moves_chunk_by_chunk_until_the_tracks_are_there(studio: Studio, long_song: Path) -> None:
    studio.bring(long_song).ask("drums").start()
    wait_until(lambda: studio.job.startswith("Separating"), "the job in the place of the button")
    assert not studio.texts(".run"), "one press, one job"
    seen: set[str] = set()
    end = time.monotonic() + RUN_S
    while studio.job and time.monotonic() < end:
        seen |= set(studio.js("return [...document.querySelectorAll('.cells canvas')].map((c) => c.ariaLabel)"))
        time.sleep(0.05)  # asked without a pause, the browser takes the core that the run needs
    n_done = {int(found[1]) for words in seen if (found := re.search(r"(\d+) of 7 chunks done, 1 running", words))}
    assert len(n_done) >= 3, seen  # it was seen at work with different numbers of chunks done
    studio.finish("drums", "everything else")
    assert studio.texts(".made-actions button") == ["Listen", "Keep stems"], "it is not run again"
    assert not studio.messages


def test_a_cancelled_run_says_so_and_is_put_away(studio: Studio, long_song: Path) -> None:
    studio.bring(long_song)
    before = studio.tracks
    studio.ask("bass").start()
    wait_until(lambda: "chunk" in studio.job, "the first chunk", RUN_S)
    studio.button("Cancel").click()
    wait_until(lambda: studio.job.startswith("Cancelled"), "the end of the run", RUN_S)
    assert studio.run_button.is_enabled()
    studio.button("Dismiss").click()
    wait_until(lambda: not studio.job and studio.tracks == before, "the line and what was made to go")
    assert studio.prompts == ["bass"]


def test_the_same_run_again_is_kept_and_says_so(studio: Studio) -> None:
    studio.try_demo().ask("drums", "bass").start().finish("drums", "bass", "everything else")
    studio.ask("drums").start().finish("drums", "everything else")
    studio.ask("drums", "bass").start()
    wait_until(lambda: "from an earlier run" in "".join(studio.texts(".timeline-head")), "the word for it")
    assert studio.tracks == ["Mixture", "drums", "bass", "everything else"]


def test_a_reload_brings_back_recording_prompts_and_result(studio: Studio) -> None:
    studio.try_demo().ask("drums", "bass").start().finish("drums", "bass", "everything else")
    studio.type("the singer & friends")
    wait_until(lambda: len(studio.prompts) == 3, "one more prompt, not yet run")
    prompts = studio.confirmed().prompts
    assert "?recording=" in studio.browser.current_url
    studio.reload()
    wait_until(lambda: studio.tracks == ["Mixture", "drums", "bass", "everything else"], "the result")
    assert (studio.title, studio.browser.title, studio.prompts) == ("Demo song", "Demo song", prompts)


def test_a_running_job_survives_a_reload_and_shows_in_every_tab(studio: Studio, long_song: Path) -> None:
    studio.bring(long_song).ask("vocals").start()
    wait_until(lambda: "chunk" in studio.job, "the first chunk", RUN_S)
    studio.reload()
    assert wait_until(lambda: studio.job, "the job after the reload")
    address, first = studio.browser.current_url, studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    try:
        studio.browser.get(address)
        studio.settled()
        here = wait_until(lambda: "chunk" in studio.job and studio.job, "the job in the other tab")
        wait_until(lambda: studio.job != here, "progress in the other tab", RUN_S)
        studio.finish("vocals", "everything else")
    finally:
        studio.browser.close()
        studio.browser.switch_to.window(first)
    studio.finish("vocals", "everything else")


# listening and keeping


@pytest.fixture
def separated(studio: Studio) -> Studio:
    """The demo with two stems and the rest; computed by the first test that asks, kept for the others."""
    studio.try_demo().set("Separator", "Automatic").ask("drums", "vocals")
    return studio.start().finish("drums", "vocals", "everything else")


def test_all_tracks_play_sample_synchronously(separated: Studio) -> None:
    separated.one(".play").click()
    wait_until(lambda: separated.player()["position_samples"] > 0, "sound")
    scheduled = [
        [(piece["start_sample"], piece["when_frame"], piece["count"]) for piece in track["scheduled"]]
        for track in separated.player()["tracks"]
    ]
    assert len(scheduled) == 4
    assert scheduled[0]
    assert all(pieces == scheduled[0] for pieces in scheduled)


def test_the_mixer_changes_what_is_heard_and_the_mixture_waits_beside_its_stems(separated: Studio) -> None:
    assert separated.gains() == {"Mixture": 0, "drums": 1, "vocals": 1, "everything else": 1}
    separated.one('[aria-label="Solo vocals"]').click()
    assert separated.gains() == {"Mixture": 0, "drums": 0, "vocals": 1, "everything else": 0}
    separated.one('[aria-label="Solo vocals"]').click()
    separated.one('[aria-label="Mute drums"]').click()
    separated.one('[aria-label="Gain of vocals"]').send_keys(Keys.ARROW_LEFT * 12)  # half a decibel each
    gains = separated.gains()
    assert (gains["drums"], gains["everything else"]) == (0, 1)
    assert gains["vocals"] == pytest.approx(10 ** (-6 / 20))


def test_a_stem_downloads_as_audio_of_the_exact_length(separated: Studio) -> None:
    n_samples = load_demo().mixture.shape[1]
    link = separated.one('[aria-label="Download drums"]').get_attribute("href")
    samples, rate = soundfile.read(io.BytesIO(separated.fetch(link)), always_2d=True)
    assert (samples.shape, rate) == ((n_samples, 2), 44_100)
    assert np.abs(samples).max() > 0.05
    separated.set("File format", "FLAC, 24 bit")
    changed = wait_until(lambda: _link_other_than(separated, link), "links to the new format")
    assert separated.fetch(changed)[:4] == b"fLaC"


def _link_other_than(studio: Studio, link: str) -> str | None:
    now = studio.js("return document.querySelector('[aria-label=\"Download drums\"]').href")
    return now if now != link else None


def test_all_stems_come_in_one_archive(separated: Studio, tmp_path: Path) -> None:
    where = {"behavior": "allow", "downloadPath": str(tmp_path)}
    separated.browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    separated.set("File format", "WAV, 24 bit")  # the last choice is remembered
    separated.button("Keep stems").click()
    wait_until(lambda: "Writing the files" in "".join(separated.texts(".q-notification__message")), "a word meanwhile")
    (archive,) = wait_until(lambda: list(tmp_path.glob("*.zip")), "the archive")
    assert archive.name == "Demo song - drums, vocals - built-in separator.zip"
    with zipfile.ZipFile(archive) as bundle:
        assert set(bundle.namelist()) >= {"drums.wav", "vocals.wav", "everything else.wav"}
        assert bundle.testzip() is None


# settings


def test_presets_set_demucs_and_a_change_of_ones_own_is_custom(studio: Studio) -> None:
    studio.set("Separator", "Demucs")
    studio.setting("Shifts")
    assert "not on this computer" in "".join(studio.texts(".side-body p"))
    studio.choose_preset("Quality")
    values = lambda: [studio.setting(name).get_attribute("value") for name in ("Model", "Shifts", "Overlap")]  # noqa: E731
    wait_until(lambda: values() == ["htdemucs_ft", "1", "0.5"], "the values of Quality")
    studio.set("Shifts", 2)
    wait_until(lambda: studio.preset == "Custom", "Custom")
    assert values() == ["htdemucs_ft", "2", "0.5"]
    studio.choose_preset("Balanced")
    wait_until(lambda: values() == ["htdemucs", "0", "0.25"], "the values of Balanced")


def test_the_scripts_of_the_page_weigh_little(studio: Studio) -> None:
    loaded = {name: n_bytes for name, n_bytes in studio.try_demo().js(SCRIPTS) if name in OURS}
    assert loaded["player.js"] > 0 and sum(loaded.values()) <= 170_000


def test_a_limit_is_said_before_what_is_typed_is_changed(studio: Studio) -> None:
    field = studio.setting("Length")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("999")
    wait_until(lambda: "At most 600 s." in studio.texts(".said"), "the limit")
    assert field.get_attribute("value") == "999"
    assert studio.one(f"#{field.get_attribute('aria-describedby')}").text == "At most 600 s."
    field.send_keys(Keys.TAB)
    wait_until(lambda: "At most 600 s; set to 600." in studio.texts(".said"), "what was made of it")
    studio.set("Length", 10)
    wait_until(lambda: not studio.texts(".said"), "nothing more to say")


def test_the_look_is_chosen_and_remembered(studio: Studio) -> None:
    ground = "return getComputedStyle(document.querySelector('.shell')).backgroundColor"
    assert studio.js(ground) == "rgb(13, 16, 20)"
    studio.choose_in_menu("Dark or light", "Light")
    wait_until(lambda: studio.js(ground) == "rgb(243, 244, 246)", "the light ground")
    studio.reload()
    assert studio.js(ground) == "rgb(243, 244, 246)"


# every way of using it


def test_a_phone_has_everything_without_scrolling_sideways(studio: Studio) -> None:
    resize(studio.browser, PHONE)
    wait_until(lambda: sideways_px(studio.browser) == 0, "an empty page that fits")
    studio.try_demo().ask("drums", "vocals").start().finish("drums", "vocals", "everything else")
    assert sideways_px(studio.browser) == 0
    cut = """return [...document.querySelectorAll('.timeline-head > *')]
        .filter((el) => el.getBoundingClientRect().right > innerWidth).map((el) => el.innerText)"""
    assert studio.js(cut) == []  # the longest line: a second run, kept from the first
    backend = studio.setting("Separator")
    assert not backend.is_displayed()
    studio.one(".sheet-button").click()
    wait_until(backend.is_displayed, "the sheet")
    assert sideways_px(studio.browser) == 0
    studio.one(".sheet-head button").send_keys(Keys.ESCAPE)
    wait_until(lambda: not backend.is_displayed(), "the sheet to go")


def focus_stays_on_rail(studio: Studio) -> bool:
    """Put the focus on the first link of the page; a list that just closed may take it back a moment later."""
    studio.js("document.querySelector('nav a').focus()")
    time.sleep(0.8)
    return bool(studio.js("return document.activeElement === document.querySelector('nav a')"))


def test_tab_reaches_every_control_in_the_order_of_the_page_with_a_visible_focus(separated: Studio) -> None:
    separated.set("Separator", "Demucs")
    separated.setting("Shifts")  # with all its fields
    wait_until(lambda: focus_stays_on_rail(separated), "the closed list to be done with the focus")
    reachable = """return [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex]")]
        .filter((el) => el.tabIndex >= 0 && !el.disabled && !el.matches("[type=radio]:not(:checked)"))
        .filter((el) => el.checkVisibility({visibilityProperty: true}))
        .filter((el) => !el.dataset.visited).map((el) => el.outerHTML.slice(0, 160))"""
    focused = """
        const el = document.activeElement;
        const region = el.closest("header, main, aside, .shell-actions, footer, nav");
        const around = [el.closest(".q-field__control"), el.closest(".seg > label")];
        const drawn = [el, el.querySelector(".q-toggle__track"), ...around].filter(Boolean);
        const ringed = drawn.some((part) => getComputedStyle(part).outlineStyle !== "none"
            || part.matches(".q-field--focused .q-field__control"));
        el.dataset.visited = "yes";
        return [region ? region.className || region.tagName : "outside", ringed, el.outerHTML.slice(0, 160)];
    """
    visited = [separated.js(focused)]
    while separated.js(reachable) and len(visited) < 120:
        ActionChains(separated.browser).send_keys(Keys.TAB).perform()
        visited.append(separated.js(focused))
    assert separated.js(reachable) == []
    regions = [region for k, (region, *_) in enumerate(visited) if k == 0 or visited[k - 1][0] != region]
    order = ["shell-rail", "shell-header", "shell-main", "shell-side", "shell-actions", "shell-footer"]
    assert [region for region in regions if region in order] == order
    assert [html for _, ringed, html in visited[1:] if not ringed and not html.startswith("<body")] == []


def test_every_control_has_a_name(separated: Studio) -> None:
    controls = separated.all("a[href], button, input, [role=slider]")
    shown = [control for control in controls if control.is_displayed() and not control.get_attribute("aria-hidden")]
    assert len(shown) > 25
    assert [control.get_attribute("outerHTML") for control in shown if not control.accessible_name.strip()] == []


def test_recent_recordings_are_offered_by_the_menu_and_the_empty_page(separated: Studio, tone: Path) -> None:
    separated.bring(tone)
    separated.choose_in_menu("Recent", "Demo song")
    wait_until(lambda: separated.title == "Demo song", "the demo again")
    assert len(separated.tracks) == 4
    separated.open()
    wait_until(lambda: "Demo song" in separated.texts(".recent-name"), "the list on the empty page")
    next(item for item in separated.all(".recent-item") if "a tone.flac" in item.text).click()
    wait_until(lambda: separated.title == "a tone.flac", "the tone")


def test_a_page_outlives_its_server(browser: Chrome) -> None:
    resize(browser, DESKTOP)
    lost = "return document.getElementById('popup').ariaHidden === 'false'"
    with running_server() as first:
        page = Studio(browser, first.url).open().try_demo().ask("drums", "vocals")
        first.kill()
        wait_until(lambda: page.js(lost), "the word that the server is gone")
        assert page.title == "Demo song"  # nothing vanishes meanwhile
        with running_server(home=first.home, port=first.port):
            wait_until(lambda: not page.js(lost) and page.prompts == ["drums", "vocals"], "the page again", 30.0)
            assert page.title == "Demo song"
            page.start().finish("drums", "vocals", "everything else")  # it lives
    console_errors(browser)  # refused connections, as there had to be
