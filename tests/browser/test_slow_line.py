"""On a slow line what a person does shows at once, is not undone by what comes late, and none of it is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from storage.records import DraftTable
from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer
from tests.support.slow_line import SlowLine, slow_line
from tests.support.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
LOST = "ERR_CONNECTION"  # the browser's own notes in its console that a connection was cut


@pytest.fixture(scope="module")
def line(server: RunningServer) -> Iterator[SlowLine]:
    with slow_line(server.port) as line:
        yield line


@pytest.fixture
def studio(browser: Chrome, line: SlowLine, server: RunningServer, tmp_path: Path) -> Iterator[Studio]:
    """Two seconds of a new noise on the desk, over the line, with nothing asked of it."""
    path = tmp_path / f"{tmp_path.name}.wav"
    seed = list(tmp_path.name.encode())
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.3, 0.3, 88_200), 44_100)
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, line.url).open().bring(path).ask()
    assert [error for error in console_errors(browser) if LOST not in error] == []
    assert "Traceback" not in server.log()


@contextmanager
def another_tab(studio: Studio, url: str) -> Iterator[Studio]:
    """The same recording in a second tab, on a line of its own to the server at `url`."""
    path, first = studio.browser.current_url.removeprefix(studio.url), studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    try:
        yield Studio(studio.browser, url).open(path)
    finally:
        studio.browser.close()
        studio.browser.switch_to.window(first)


def names(studio: Studio) -> list[str]:
    """The prompts, without what they were matched to."""
    return [chip.split("\n")[0] for chip in studio.prompts]


def kept(studio: Studio, server: RunningServer) -> dict[str, Any]:
    """What the server keeps of what is asked of the open recording."""
    return stored(studio, server, "")


def stored(studio: Studio, server: RunningServer, part: str) -> dict[str, Any]:
    with closing(DraftTable(server.home)) as table:
        return dict(table.read(studio.browser.current_url.rpartition("=")[2], part) or {})


def kept_names(studio: Studio, server: RunningServer) -> list[str]:
    return [prompt["text"] for prompt in kept(studio, server).get("prompts", [])]


def pick(studio: Studio, *words: str) -> None:
    """Press suggestions, one quickly after the other."""
    for one in words:
        next(toggle for toggle in studio.all(".suggestions .toggle") if toggle.text == one).click()


# prompts


def test_suggestions_that_are_pressed_quickly_are_all_kept(
    studio: Studio, line: SlowLine, server: RunningServer
) -> None:
    with line.slow():
        pick(studio, "drums", "bass", "vocals", "instrumental")
        assert names(studio) == ["drums", "bass", "vocals", "instrumental"]
        wait_until(lambda: kept_names(studio, server) == ["drums", "bass", "vocals", "instrumental"], "all four")
        studio.confirmed()
    assert names(studio) == ["drums", "bass", "vocals", "instrumental"]


def test_what_was_done_shows_before_any_answer_and_a_late_one_undoes_nothing(
    studio: Studio, line: SlowLine, server: RunningServer
) -> None:
    studio.ask("drums", "bass")
    with line.held():
        pick(studio, "vocals", "drums")
        assert names(studio) == ["bass", "vocals"]
        studio.type("guitar, Bass, guitar")
        studio.all(".chip-body")[2].send_keys(Keys.ALT, Keys.ARROW_LEFT)
        assert names(studio) == ["bass", "guitar", "vocals"]
        studio.one('[aria-label="Remove bass"]').click()
        studio.one(".prompt-input").send_keys("half a wo")
        assert names(studio) == ["guitar", "vocals"]
        assert studio.run_button.text == "Separate 3 sounds", "with the one that is being typed"
        seen = watch(studio, ".chip-body > span:first-of-type")
    wait_until(lambda: kept_names(studio, server) == ["guitar", "vocals"], "all of it")
    assert studio.one(".prompt-input").get_attribute("value") == "half a wo", "what is being typed"
    studio.confirmed()
    assert seen() == {"guitar,vocals"}, "no answer has brought back what was left"


def watch(studio: Studio, selector: str) -> Any:
    """Begin to note, with every change of the page, the words of these elements; returns how to read the notes."""
    studio.js(
        """
        const selector = arguments[0];
        const read = () => [...document.querySelectorAll(selector)].map((el) => el.textContent).join();
        window.seen = new Set([read()]);
        new MutationObserver(() => window.seen.add(read()))
            .observe(document.body, {childList: true, subtree: true, characterData: true});
        """,
        selector,
    )
    return lambda: set(studio.js("return [...window.seen]"))


def test_a_run_started_right_after_the_last_press_is_of_all_sounds(studio: Studio, line: SlowLine) -> None:
    with line.slow():
        pick(studio, "drums", "bass", "vocals")
        assert studio.run_button.text == "Separate 3 sounds" and studio.run_button.is_enabled()
        studio.run_button.click()
        studio.finish("drums", "bass", "vocals", "everything else")


def test_what_a_broken_connection_swallowed_is_sent_again(
    studio: Studio, line: SlowLine, server: RunningServer
) -> None:
    studio.ask("drums")
    with line.held():
        pick(studio, "bass", "vocals")
        studio.run_button.click()
        line.cut()
    wait_until(lambda: kept_names(studio, server) == ["drums", "bass", "vocals"], "what was lost", 30.0)
    studio.finish("drums", "bass", "vocals", "everything else")


def test_sounds_that_two_tabs_add_are_all_there(studio: Studio, line: SlowLine, server: RunningServer) -> None:
    studio.ask("drums")
    first = studio.browser.current_window_handle
    with another_tab(studio, server.url) as other:
        second = studio.browser.current_window_handle
        wait_until(lambda: names(other) == ["drums"], "the sound in the second tab")
        with line.held():
            studio.browser.switch_to.window(first)
            pick(studio, "bass")
            studio.browser.switch_to.window(second)
            pick(other, "vocals")
            wait_until(lambda: kept_names(other, server) == ["drums", "vocals"], "the sound of the second tab")
        wait_until(lambda: names(other) == ["drums", "vocals", "bass"], "the sounds of both")
    wait_until(lambda: names(studio) == ["drums", "vocals", "bass"], "the sounds of both in the first tab")


# settings


def test_what_is_typed_into_a_setting_while_a_late_answer_comes_stays(studio: Studio, line: SlowLine) -> None:
    overlap = studio.setting("Overlap")
    with line.held():
        studio.set("Length", 4)
        overlap.send_keys(Keys.CONTROL, "a")
        overlap.send_keys("1.5")
    wait_until(lambda: "4 s" in "".join(studio.texts(".settings-digest")), "the answer")
    assert overlap.get_attribute("value") == "1.5"
    overlap.send_keys(Keys.TAB)
    wait_until(lambda: "1.5 s overlap" in "".join(studio.texts(".settings-digest")), "the second answer")
    assert studio.setting("Length").get_attribute("value") == "4"


def test_settings_that_are_changed_quickly_never_go_back(studio: Studio, line: SlowLine) -> None:
    studio.set("Separator", "Demucs")
    studio.setting("Shifts")
    with line.slow():
        for n in (1, 2, 3):
            studio.set("Shifts", n)
        shown = """
            const seen = (window.seen = []);
            const look = () => seen.push(document.getElementById("setting-demucs-shifts")?.value ?? "3");
            new MutationObserver(look).observe(document.querySelector(".side-body, .settings"),
                {childList: true, subtree: true, characterData: true, attributes: true});
        """
        studio.js(shown)
        wait_until(lambda: "3 shifts" in "".join(studio.texts(".settings-digest")), "the last answer")
    assert set(studio.js("return window.seen")) <= {"3"}
    studio.set("Separator", "Automatic")
    wait_until(lambda: studio.all("#setting-chunks-chunk_s"), "the usual settings")


def test_different_settings_of_two_tabs_stay_both(studio: Studio, line: SlowLine, server: RunningServer) -> None:
    studio.ask("drums")
    first = studio.browser.current_window_handle
    with another_tab(studio, server.url) as other:
        second = studio.browser.current_window_handle
        other.setting("Length")
        with line.held():
            studio.browser.switch_to.window(first)
            studio.setting("Length")
            studio.set("Length", 4)
            studio.browser.switch_to.window(second)
            other.set("Overlap", 0.5)
            wait_until(lambda: "0.5 s overlap" in "".join(other.texts(".settings-digest")), "one setting")
        wait_until(lambda: "4 s, 0.5 s overlap" in settings(other), "both")
    wait_until(lambda: "4 s, 0.5 s overlap" in settings(studio), "both in the first tab")


def settings(studio: Studio) -> str:
    return ", ".join(studio.texts(".settings-digest")).replace(" · ", ", ")


# spans


def paint(studio: Studio, start: float, stop: float) -> None:
    """Drag over the waveform from one share of its width to another."""
    box = studio.js("const {left, top, width, height} = document.querySelector('.spans').getBoundingClientRect();"
                    "return {left, top, width, height}")  # fmt: skip
    hand = ActionChains(studio.browser, duration=0)
    y = round(box["top"] + 0.7 * box["height"])
    hand.w3c_actions.pointer_action.move_to_location(round(box["left"] + start * box["width"]), y)
    hand.w3c_actions.pointer_action.pointer_down()
    for share in (start + 0.5 * (stop - start), stop):
        hand.w3c_actions.pointer_action.move_to_location(round(box["left"] + share * box["width"]), y)
    hand.w3c_actions.pointer_action.pointer_up()
    hand.perform()


def drawn(studio: Studio) -> list[str]:
    """The sign and sound of each span that can be changed."""
    labels = studio.js("return [...document.querySelectorAll('.spans [role=slider]')].map((span) => span.ariaLabel)")
    return [label.split(",")[0] for label in labels]


def kept_spans(studio: Studio, server: RunningServer) -> dict[str, str]:
    """The signs of the spans of each prompt that the server keeps, in their order."""
    prompts = kept(studio, server).get("prompts", [])
    return {prompt["text"]: "".join(anchor["sign"] for anchor in prompt.get("anchors", [])) for prompt in prompts}


@pytest.fixture
def marking(studio: Studio) -> Iterator[Studio]:
    """A separator that takes spans, and two sounds."""
    studio.set("Separator", "SAM-Audio (PyTorch)").ask("piano", "flute")
    wait_until(lambda: studio.texts('[aria-label="Painting tool"]'), "the painting tools")
    wait_until(lambda: studio.all(".spans"), "the layer of spans")
    yield studio
    studio.set("Separator", "Automatic")
    wait_until(lambda: not studio.texts('[aria-label="Painting tool"]'), "the usual separator")


def test_spans_are_painted_with_the_tool_and_for_the_sound_that_were_chosen_just_before(
    marking: Studio, line: SlowLine, server: RunningServer
) -> None:
    with line.held():
        marking.button("+ here").click()
        marking.all(".chip-body")[0].click()
        paint(marking, 0.1, 0.3)
        paint(marking, 0.5, 0.8)
        marking.button("- not here").click()
        paint(marking, 0.6, 0.7)
        assert drawn(marking) == ["+ piano", "+ piano", "− piano"]
        marking.all(".chip-body")[1].click()
        paint(marking, 0.2, 0.4)
        assert drawn(marking) == ["− flute"]
        marking.one('[aria-label="Undo (Ctrl+Z)"]').click()
        assert drawn(marking) == []
    wait_until(lambda: kept_spans(marking, server) == {"piano": "++-", "flute": ""}, "the spans")
    wait_until(lambda: marking.prompts == ["piano\n+2 -1", "flute"], "the answer")
    assert drawn(marking) == []


def test_spans_of_two_tabs_that_do_not_know_each_other_stay_both(
    marking: Studio, line: SlowLine, server: RunningServer
) -> None:
    first = marking.browser.current_window_handle
    with another_tab(marking, server.url) as other:
        second = marking.browser.current_window_handle
        wait_until(lambda: names(other) == ["piano", "flute"] and other.all(".spans"), "the second tab")
        with line.held():
            marking.browser.switch_to.window(first)
            marking.button("+ here").click()
            paint(marking, 0.1, 0.3)
            marking.browser.switch_to.window(second)
            other.button("- not here").click()
            paint(other, 0.5, 0.8)
            wait_until(lambda: kept_spans(other, server)["flute"] == "-", "the span of the second tab")
        wait_until(lambda: drawn(other) == ["+ flute", "− flute"], "the spans of both")
    wait_until(lambda: drawn(marking) == ["+ flute", "− flute"], "the spans of both in the first tab")


def test_a_span_painted_while_a_file_is_sent_can_be_undone_once_it_is_there(
    marking: Studio, server: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "another.wav"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.3, 0.3, 30 * 44_100), 44_100)
    marking.button("+ here").click()
    upload = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    marking.browser.execute_cdp_cmd("Network.enable", {})
    marking.browser.execute_cdp_cmd("Network.emulateNetworkConditions", upload)  # 9 s for the file
    try:
        marking.browse(path)
        wait_until(lambda: marking.title == "another.wav", "the file on its way")
        marking.set("Separator", "SAM-Audio (PyTorch)").type("horn")
        ready = (
            """return document.querySelector(".spans")?.checkVisibility() && !document.querySelector(".wave-note")"""
        )
        wait_until(lambda: names(marking) == ["horn"] and marking.js(ready), "its waveform", RUN_S)
        marking.confirmed()
        paint(marking, 0.01, 0.05)
        assert drawn(marking) == ["+ horn"]
    finally:
        marking.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**upload, "uploadThroughput": -1})
        marking.browser.execute_cdp_cmd("Network.disable", {})
    wait_until(lambda: marking.run_button.text == "Separate 1 sound", "all of it", RUN_S)
    wait_until(lambda: kept_spans(marking, server) == {"horn": "+"}, "the span with it")
    marking.one('[aria-label="Undo (Ctrl+Z)"]').click()
    wait_until(lambda: kept_spans(marking, server) == {"horn": ""}, "the step back")


# the mixer


@pytest.fixture
def separated(studio: Studio) -> Studio:
    return studio.ask("drums", "bass").start().finish("drums", "bass", "everything else")


def heard(studio: Studio) -> set[str]:
    return {name for name, gain in studio.gains().items() if gain}


def mixer(studio: Studio, server: RunningServer) -> dict[str, Any]:
    """The mixer settings that the server keeps."""
    return dict(stored(studio, server, "mixer").get("levels", {}))


def test_faders_that_are_moved_quickly_stay_and_are_kept(
    separated: Studio, line: SlowLine, server: RunningServer
) -> None:
    with line.held():
        separated.button("Recording").click()
        assert heard(separated) == {"Mixture"}, "before any answer"
        separated.one('[aria-label="Gain of drums"]').send_keys(Keys.ARROW_LEFT * 8)
        separated.one('[aria-label="Gain of bass"]').send_keys(Keys.ARROW_LEFT * 4)
        separated.one('[aria-label="Pan of bass"]').send_keys(Keys.ARROW_LEFT * 3)
        separated.one('[aria-label="Mute drums"]').click()
        assert heard(separated) == {"Mixture", "drums"}
    drums = {"gain_db": -4.0, "muted": False, "solo": False, "pan": 0.0}
    bass = {"gain_db": -2.0, "muted": True, "solo": False, "pan": -0.3}  # muted by “Recording”
    wait_until(lambda: mixer(separated, server).get("bass") == bass, "the mixer to be kept")
    assert mixer(separated, server)["drums"] == drums
    gains = {track["gain_db"]: track["gain"] for track in separated.player()["tracks"]}
    assert {-4, -2} <= set(gains), json.dumps(gains)


def test_a_mix_is_saved_recalled_and_deleted_before_the_server_knows(
    separated: Studio, line: SlowLine, server: RunningServer
) -> None:
    with line.held():
        separated.one('[aria-label="Gain of drums"]').send_keys(Keys.ARROW_LEFT * 8)
        separated.one(".mix-name").send_keys("quiet drums", Keys.ENTER)
        assert separated.texts(".mixes [aria-pressed=true]") == ["quiet drums"]
        separated.button("Without drums").click()
        assert heard(separated) == {"bass", "everything else"}
        separated.one(".mix-name").send_keys("no drums", Keys.ENTER)
        separated.button("quiet drums").click()
        assert heard(separated) == {"drums", "bass", "everything else"}
        separated.one('[aria-label="Remove no drums"]').click()
        assert separated.texts(".mixes .chip-body") == ["quiet drums"]
    separated.confirmed()
    assert separated.texts(".mixes [aria-pressed=true]") == ["quiet drums"]
    assert list(stored(separated, server, "mixer")["saved"]) == ["quiet drums"]
    assert mixer(separated, server)["drums"]["gain_db"] == -4


def test_faders_that_two_tabs_move_are_both_kept(separated: Studio, server: RunningServer) -> None:
    with another_tab(separated, server.url) as other:
        other.finish("drums", "bass", "everything else")
        other.one('[aria-label="Gain of bass"]').send_keys(Keys.ARROW_LEFT * 4)
        wait_until(lambda: mixer(other, server).get("bass", {}).get("gain_db") == -2, "the fader of the second tab")
    separated.one('[aria-label="Gain of drums"]').send_keys(Keys.ARROW_LEFT * 8)
    wait_until(lambda: mixer(separated, server).get("drums", {}).get("gain_db") == -4, "the fader of the first tab")
    assert mixer(separated, server)["bass"]["gain_db"] == -2


def test_zoom_listening_and_the_run_button_answer_before_the_server_does(separated: Studio, line: SlowLine) -> None:
    shown = "return window.audioPlayground.player.range"
    with line.held():
        separated.one('[aria-label="Zoom in"]').click()
        assert separated.js(shown)["count"] > 0
        separated.button("Show all").click()
        assert separated.js(shown) is None
        separated.button("Listen").click()
        assert separated.player()["phase"] != "stopped"
        separated.one(".play").click()
        separated.type("one more sound")
        assert separated.run_button.text.startswith("Separate")
    separated.confirmed()


def test_of_several_files_the_one_that_is_pressed_is_marked_and_what_is_taken_off_is_gone_at_once(
    studio: Studio, line: SlowLine, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.full(44_100, 0.1 * (number + 1)), 44_100)
    studio.one(".upload-area input[type=file]").send_keys("\n".join(map(str, paths)))
    tabs = ".file-tab-body"
    wait_until(lambda: [tab.split("\n")[1] for tab in studio.texts(tabs)] == ["0:01"] * 3, "all three", RUN_S)
    with line.held():
        studio.all(tabs)[1].click()
        assert studio.texts(f"{tabs}[aria-current] b") == ["1.wav"]
        studio.one('[aria-label="Take 0.wav off this list"]').click()
        assert [tab.split("\n")[0] for tab in studio.texts(tabs)] == ["1.wav", "2.wav"]
        studio.type("drums")
        all_alike = studio.button("Separate all 2 the same way")
        all_alike.click()
        assert not all_alike.is_enabled(), "it is pressed once"
    wait_until(lambda: studio.title == "1.wav", "the file")
    wait_until(lambda: [tab.split("\n")[1] for tab in studio.texts(tabs)] == ["Separated"] * 2, "both", RUN_S)


def test_the_look_that_is_chosen_is_there_at_once_and_has_the_tick(studio: Studio, line: SlowLine) -> None:
    def look() -> str:
        return str(studio.js("return getComputedStyle(document.documentElement).colorScheme"))

    before, entries = look(), ".q-menu [role=menuitemradio]"
    ticked = f"{entries}[aria-checked=true]"
    studio.one('[aria-label="Dark or light"]').click()
    wait_until(lambda: studio.texts(ticked) == [{"dark": "Dark", "light": "Light"}[before]], "the tick")
    other = "Light" if before == "dark" else "Dark"
    with line.held():
        studio.js("arguments[0].click()", next(entry for entry in studio.all(entries) if entry.text == other))
        assert look() == other.lower() and studio.texts(ticked) == [other]
    wait_until(lambda: not studio.all(".q-menu"), "the menu to close")
    studio.reload()
    assert look() == other.lower()
    studio.js("document.cookie = arguments[0]", f"scheme={before}; path=/")
