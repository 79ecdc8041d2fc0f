"""The Compare page in a real browser: sides on keys, in step with each other, equally loud, and their difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest
from selenium.webdriver import Chrome

from separation.audio.encode import encode
from separation.audio.waveform import Waveform
from separation.request import Request
from separation.results.store import NewItem
from storage import Artifact, ArtifactStore
from tests.browser.test_axe import faults
from tests.support.browser import DESKTOP, PHONE, console_errors, resize, wait_until
from tests.support.player_endurance import RATE, keep_noise
from tests.support.server import RunningServer
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def kept(shared_server: RunningServer) -> tuple[Artifact, list[Artifact]]:
    """A recording with eight results."""
    return keep_noise(ArtifactStore(shared_server.home), 8)


@pytest.fixture
def page(browser: Chrome, shared_server: RunningServer) -> Iterator[Studio]:
    yield Studio(browser, shared_server.url)
    assert console_errors(browser) == []


def compare(page: Studio, keys: list[str], stem: str = "drums") -> Studio:
    page.browser.get(f"{page.url}/compare?items={','.join(keys)}&stem={stem}")
    wait_until(lambda: page.texts(".sides label") and "measuring" not in "".join(page.texts(".sides")), "the sides")
    return page


def heard(page: Studio) -> dict[str, float]:
    """The gain of every track that is heard, by its id."""
    return {track["id"]: track["gain"] for track in page.player()["tracks"] if track["gain"]}


def press(page: Studio, keys: str) -> None:
    page.one("body").send_keys(keys)


def test_each_side_is_on_its_key_and_says_what_is_special_about_it(page: Studio, kept) -> None:
    recording, results = kept
    compare(page, [results[0].key, results[1].key, recording.key])
    labels = page.texts(".sides label")
    assert len(labels) == 4 and "seed 1" in labels[1] and "noise.wav" in labels[2] and "1 minus 2" in labels[3]
    page.one(".play").click()
    wait_until(lambda: page.player()["position_samples"] > 0, "sound")
    for key in "2313":
        press(page, key)
        wait_until(lambda key=key: [one[0] for one in heard(page)] == [key], f"side {key}")
    assert page.player()["playing"]
    press(page, "d")
    wait_until(lambda: {one[0] for one in heard(page)} == {"D"}, "the difference")
    assert sorted(gain > 0 for gain in heard(page).values()) == [False, True], "one of them is turned upside down"
    assert len(page.texts(".tracks .track")) == 3, "the difference has no row"


def test_the_difference_of_a_pair_is_said_with_its_level_and_the_pair_can_be_chosen(page: Studio, kept) -> None:
    _, results = kept
    compare(page, [one.key for one in results[:3]])
    level = wait_until(lambda: next(iter(page.texts(".toolbar > .num")), ""), "the level")
    assert level.startswith("Difference of 1 and 2: ")
    page.set("Difference", "2 minus 3")
    wait_until(lambda: "Difference of 2 and 3" in "".join(page.texts(".toolbar > .num")), "the other pair")
    wait_until(lambda: "2 minus 3" in "".join(page.texts(".sides")), "its side")


def test_a_side_can_be_added_and_removed_and_the_address_keeps_what_is_compared(page: Studio, kept) -> None:
    recording, results = kept
    compare(page, [results[0].key, results[1].key])
    page.set("Add a side", "The recording itself")
    wait_until(lambda: len(page.texts(".sides label")) == 4, "the recording")
    wait_until(lambda: recording.key in page.browser.current_url, "its address")
    page.browser.refresh()
    wait_until(lambda: len(page.texts(".sides label")) == 4, "it after a reload")
    page.button("Remove 1").click()
    wait_until(lambda: len(page.texts(".sides label")) == 3, "two sides and their difference")
    wait_until(lambda: results[0].key not in page.browser.current_url, "their address")


def test_loudness_matching_can_be_switched_off(page: Studio, kept) -> None:
    recording, results = kept
    compare(page, [results[0].key, recording.key], stem="")  # two tracks of noise together are louder than one
    assert "−" in page.texts(".sides label")[0]
    assert max(heard(page).values()) < 1
    page.set("Loudness", "As they are")
    wait_until(lambda: set(heard(page).values()) == {1}, "no gain")
    assert page.texts(".sides label")[0].count("as it is") == 1


def test_eight_results_stay_in_step_through_two_hundred_switches_in_a_short_loop(page: Studio, kept) -> None:
    _, results = kept
    compare(page, [one.key for one in results])
    assert len(page.texts(".sides label")) == 9
    page.one(".play").click()
    wait_until(lambda: page.player()["position_samples"] > 0, "sound")
    page.browser.set_script_timeout(120)
    found: dict[str, Any] = page.browser.execute_async_script(
        """const done = arguments[1], { player } = window.audioPlayground;
        player.setLoop(true, 0, arguments[0] / 2);
        let left = 200, stops = 0;
        const next = () => {
          player.setSide(String(1 + (left % 8)));
          if (player.phase === "stopped") stops++;
          if (--left) setTimeout(next, 10);
          else done({ stops, state: player.state() });
        };
        next();""",
        RATE,
    )
    page.browser.set_script_timeout(20)
    assert found["stops"] == 0
    tracks = [track for track in found["state"]["tracks"] if re.match("[1-8]-", track["id"])]
    assert len(tracks) == 8
    pieces = [{piece["when_frame"]: piece["start_sample"] for piece in track["scheduled"]} for track in tracks]
    common = set.intersection(*(set(one) for one in pieces))
    assert len(common) > 4, "several rounds of the loop"
    assert all(len({one[frame] for one in pieces}) == 1 for frame in common), "offset 0 of all at all times"


@pytest.mark.parametrize("query", ["recording={0}", "items={1},{2}", "items={1},{2}&stem=bass"])
def test_it_opens_on_the_sound_that_was_asked_for_and_says_which_that_is(page: Studio, kept, query: str) -> None:
    recording, results = kept
    page.browser.get(f"{page.url}/compare?{query.format(recording.key, results[0].key, results[1].key)}")
    wait_until(lambda: page.texts(".sides label"), "the sides")
    assert page.title == "Compare drums: noise.wav"
    assert page.setting("Sound").get_attribute("value") == "drums"
    assert {name.split(" ", 1)[1] for name in page.tracks} == {"drums"}, "not what is left beside it"
    page.set("Sound", "All sounds")
    wait_until(lambda: page.title == "Compare all sounds: noise.wav", "the other sound's name")
    wait_until(lambda: page.browser.current_url.endswith("stem="), "its address")
    page.browser.refresh()
    wait_until(lambda: page.texts(".sides label"), "the sides again")
    assert page.title == "Compare all sounds: noise.wav", "what was chosen stays chosen"


def test_a_blind_test_of_two_sides_that_are_the_same_audio_is_refused_in_words(
    page: Studio, kept, shared_server
) -> None:
    recording, results = kept
    store = ArtifactStore(shared_server.home)
    config = Request.of("drums", backend="builtin", seed=99).to_dict()
    about = {"inputs": {"recording": recording.key}, "config": config, "info": results[0].manifest.info}
    with store.scratch() as folder:
        files = {name: Path(copy(path, folder / name)) for name, path in results[0].files.items()}
        twin = store.put(store.key("result", twin=True), NewItem(kind="result", name="drums", files=files, **about))
    try:
        compare(page, [results[0].key, twin.key])
        page.button("Start a blind test").click()
        wait_until(lambda: page.messages, "why not")
        for words in ("A and B are the same audio here.", "nobody can hear", "Choose two results that differ"):
            assert words in page.messages
        assert "/compare" in page.browser.current_url
        page.browser.get(f"{page.url}/compare?items={results[0].key},{twin.key}&blind=1")
        wait_until(lambda: "same audio" in page.messages, "why not, from the Studio's button too")
    finally:
        store.remove(twin.key)


def test_an_item_that_is_gone_is_said_and_the_others_are_compared(page: Studio, kept) -> None:
    _, results = kept
    page.browser.get(f"{page.url}/compare?items={'0' * 64},{results[0].key},{results[1].key}")
    wait_until(lambda: len(page.texts(".sides label")) == 3, "the others")
    assert "not in the library any more" in "".join(page.texts(".messages"))


def test_without_anything_to_compare_the_page_offers_what_can_be(page: Studio, kept) -> None:
    _, results = kept
    page.browser.get(f"{page.url}/compare")
    offered = f'a[href^="/compare?items="][href*="{results[-1].key}"]'
    wait_until(lambda: page.texts(offered), "the recording")
    assert ["8 results" in words for words in page.texts(offered)] == [True]


@pytest.mark.parametrize("look", ["dark", "light", "phone"])
def test_the_page_has_no_fault_and_does_not_scroll_sideways(page: Studio, kept, look: str) -> None:
    _, results = kept
    resize(page.browser, PHONE if look == "phone" else DESKTOP)
    try:
        page.open("/compare").js(f"document.cookie = 'scheme={'light' if look == 'light' else 'dark'}; path=/'")
        compare(page, [one.key for one in results[:3]])
        assert faults(page) == []
        assert page.js("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        resize(page.browser, DESKTOP)


def test_on_a_phone_the_way_to_a_blind_test_is_in_sight_and_no_choice_is_cut(page: Studio, kept) -> None:
    _, results = kept
    resize(page.browser, PHONE)
    try:
        compare(page, [one.key for one in results[:3]])
        low = """return [...document.querySelectorAll('button, a, select, input, summary')]
            .filter((el) => el.checkVisibility())
            .map((el) => (el.closest('label') ?? el).getBoundingClientRect())
            .filter((box) => box.width > 1 && box.height < 43.5).length"""
        assert page.js(low) == 0
        cut = """const words = document.createElement('canvas').getContext('2d');
            const shown = [...document.querySelectorAll('.settings select')].filter((el) => el.checkVisibility());
            return shown.filter((el) => {
              const style = getComputedStyle(el);
              words.font = style.font;
              const room = el.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
              const width = words.measureText(el.selectedOptions[0].label).width;
              return parseFloat(style.paddingRight) < 20 || width > room + 1;
            }).length"""
        assert page.js(cut) == 0
        way = page.button("Blind test")
        assert page.js("return arguments[0].getBoundingClientRect().bottom <= innerHeight", way)
        assert page.js("return document.querySelector('.transport .loop').checkVisibility()")
        way.click()
        wait_until(lambda: "X is A or B" in " ".join(page.texts(".side-body p")), "the question")
        start = page.button("Start a blind test")
        inside = "return arguments[0].getBoundingClientRect().bottom <= innerHeight"
        wait_until(lambda: page.js(inside, start), "the panel, which comes up from below")
        start.click()
        wait_until(lambda: "/listen/" in page.browser.current_url, "the test")
    finally:
        resize(page.browser, DESKTOP)


def test_a_file_from_outside_is_a_side_at_the_rate_of_the_others(page: Studio, kept, tmp_path) -> None:
    _, results = kept
    t = np.arange(2 * 48_000) / 48_000
    encode(
        Waveform((0.1 * np.sin(2 * np.pi * 440 * t))[None].astype(np.float32), 48_000), tmp_path / "tone.wav", "wav16"
    )
    compare(page, [results[0].key])
    page.browse(tmp_path / "tone.wav")
    wait_until(lambda: "tone.wav at 44.1 kHz" in "".join(page.texts(".sides label")), "the file")
    page.one(".play").click()
    wait_until(lambda: page.player()["position_samples"] > 0, "sound")
    press(page, "2")
    wait_until(lambda: [one[0] for one in heard(page)] == ["2"], "the file's sound")
    page.button("Start a blind test")


def test_two_files_can_be_compared_without_any_result(page: Studio, tmp_path) -> None:
    for name, level in (("a.wav", 0.1), ("b.wav", 0.2)):
        samples = level * np.random.default_rng(1).standard_normal((2, 2 * RATE)).astype(np.float32)
        encode(Waveform(samples, RATE), tmp_path / name, "wav16")
    page.open("/compare")
    page.browse(tmp_path / "a.wav")
    wait_until(lambda: "items=" in page.browser.current_url, "the first")
    page.browse(tmp_path / "b.wav")
    wait_until(lambda: len(page.texts(".sides label")) == 3, "both and their difference")
    wait_until(lambda: "−6.0 dB" in "".join(page.texts(".sides")), "the louder one turned down")


def test_one_button_shows_the_spectrograms_of_all_sides(page: Studio, kept) -> None:
    _, results = kept
    compare(page, [one.key for one in results[:3]])

    def shown() -> set[str | None]:
        return {one.get_attribute("aria-pressed") for one in page.all(".icon-button.spectrum")}

    page.all(".icon-button.spectrum")[0].click()
    page.button("Spectrograms").click()
    wait_until(lambda: shown() == {"true"}, "all of them")
    page.button("Spectrograms").click()
    wait_until(lambda: shown() == {"false"}, "waveforms again")


def test_the_number_of_trials_can_be_doubled_with_what_that_finds_beside_it(page: Studio, kept) -> None:
    _, results = kept
    compare(page, [one.key for one in results[:2]])
    side = lambda: " ".join(page.texts(".side-body p"))  # noqa: E731
    assert "X is A or B: which one?" in side()
    page.button("Better?").click()
    wait_until(lambda: "Which one sounds better to you, A or B?" in side(), "the question")
    assert "16 trials, about 3 minutes. More trials tell a preference from luck" in side()
    page.button("Which is X?").click()
    page.button("32 trials instead").click()
    wait_until(lambda: page.setting("Trials").get_attribute("value") == "32", "32 trials")
    assert "32 find a listener" in side()
    assert not page.js(
        "return [...document.querySelectorAll('button')].some((el) => el.checkVisibility() && "
        "el.innerText.includes('trials instead'))"
    )
