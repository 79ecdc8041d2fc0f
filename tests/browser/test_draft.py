"""What is being asked of a recording: changed in every way, seen by everybody, never lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from selenium.webdriver import ActionChains, Chrome, Keys

from storage.records import DraftTable
from tests.support.browser import DESKTOP, console_errors, resize, wait_until
from tests.support.server import RunningServer, running_server
from tests.support.studio_steps import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a tone, 44.1 kHz mono."""
    path = tmp_path_factory.mktemp("files") / "two seconds.flac"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * np.arange(88_200) / 44_100), 44_100)
    return path


@pytest.fixture
def studio(browser: Chrome, shared_server: RunningServer, tone: Path) -> Iterator[Studio]:
    """A recording on the desk, with nothing asked of it."""
    resize(browser, DESKTOP)
    console_errors(browser)
    yield Studio(browser, shared_server.url).open().bring(tone).ask()
    assert console_errors(browser) == []
    assert "Traceback" not in shared_server.log()


def test_what_was_entered_is_there_after_a_reload_and_in_a_second_tab(studio: Studio) -> None:
    studio.ask("drums", "bass").set("Separator", "SAM-Audio (PyTorch)")
    studio.set("Steps", 9)
    wait_until(lambda: studio.preset == "Custom", "Custom")
    studio.reload()
    wait_until(lambda: studio.prompts == ["drums", "bass"], "the prompts")
    assert studio.setting("Steps").get_attribute("value") == "9"
    address, first = studio.browser.current_url, studio.browser.current_window_handle
    studio.browser.switch_to.new_window("tab")
    second = Studio(studio.browser, studio.url)
    second.browser.get(address)
    second.settled()
    wait_until(lambda: second.prompts == ["drums", "bass"], "the prompts in the second tab")
    second.type("vocals")
    wait_until(lambda: len(second.prompts) == 3, "one more prompt")
    second.browser.close()
    studio.browser.switch_to.window(first)
    wait_until(lambda: studio.prompts == ["drums", "bass", "vocals"], "the prompt of the other tab")
    studio.choose_preset("Balanced")
    studio.set("Separator", "Automatic")


def test_looking_at_a_recording_writes_no_draft_and_asking_for_something_does(
    browser: Chrome, shared_server: RunningServer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "looked at.flac", 0.3 * np.sin(np.arange(44_100) / 9), 44_100)
    studio = Studio(browser, shared_server.url).open().bring(tmp_path / "looked at.flac")
    address, book = browser.current_url, DraftTable(shared_server.home)
    key = address.rpartition("=")[2]
    assert book.read(key) is None
    browser.get(f"{address}&prompts=drums,bass")
    studio.settled()
    wait_until(lambda: studio.prompts == ["drums", "bass"], "the prompts of the address")
    assert book.read(key) is None
    studio.type("vocals")
    wait_until(lambda: len(studio.prompts) == 3, "one more")
    studio.confirmed()
    draft = book.read(key)
    assert draft is not None and [prompt["text"] for prompt in draft["prompts"]] == ["drums", "bass", "vocals"]
    browser.get(f"{address}&prompts=piano")
    studio.settled()
    wait_until(lambda: studio.prompts != [] and "piano" in studio.prompts[0], "the prompt of the address")
    assert book.read(key) == draft, "an address changes nobody's draft"


def test_what_was_typed_before_the_file_came_is_kept_with_it(
    browser: Chrome, shared_server: RunningServer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "later.flac", 0.3 * np.sin(np.arange(44_100) / 7), 44_100)
    studio = Studio(browser, shared_server.url).open()
    studio.setting("Length")
    studio.set("Length", 5)
    wait_until(lambda: "5 s" in "".join(studio.texts(".settings-digest")), "the setting")
    studio.bring(tmp_path / "later.flac").reload()
    wait_until(lambda: studio.setting("Length").get_attribute("value") == "5", "the setting")


def test_what_was_entered_is_there_after_the_server_died(browser: Chrome, tone: Path) -> None:
    with running_server() as server:
        studio = Studio(browser, server.url).open().bring(tone).ask("drums", "no bass")
        studio.set("Length", 4)
        wait_until(lambda: "4 s" in "".join(studio.texts(".settings-digest")), "the change to have arrived")
        address = browser.current_url
        server.kill()
        with running_server(home=server.home, port=server.port):
            browser.get(address)
            studio.settled()
            wait_until(lambda: [chip.split("\n")[0] for chip in studio.prompts] == ["drums", "no bass"], "the prompts")
            assert studio.setting("Length").get_attribute("value") == "4"
            browser.get("about:blank")  # an open page would call for the server after its end, in the next test as well
        console_errors(browser)


def test_the_order_of_prompts_changes_by_keyboard_and_by_dragging(studio: Studio) -> None:
    studio.ask("drums", "bass", "vocals")
    studio.all(".chip-body")[2].send_keys(Keys.ALT, Keys.ARROW_LEFT)
    wait_until(lambda: studio.prompts == ["drums", "vocals", "bass"], "vocals before bass")
    drums, bass = studio.all(".chip")[0], studio.all(".chip")[2]
    ActionChains(studio.browser).click_and_hold(drums).move_to_element_with_offset(bass, 45, 0).pause(
        0.1
    ).release().perform()
    wait_until(lambda: studio.prompts == ["vocals", "bass", "drums"], "drums last")


def test_a_recipe_is_copied_and_pasted_and_finds_the_same_result(studio: Studio) -> None:
    permissions = {"permissions": ["clipboardReadWrite"], "origin": studio.url}
    studio.browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    studio.ask("drums").start().finish("drums", "everything else")
    studio.button("Copy recipe").click()
    wait_until(lambda: studio.texts(".recipe [role=status]") == ["The recipe is copied"], "the copy")
    script = "const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))"
    copied = studio.browser.execute_async_script(script)
    assert "- text: drums" in copied and "seed: 0" in copied
    studio.ask("bass")
    studio.button("Paste recipe").click()
    field = studio.one(".recipe-dialog textarea")
    field.send_keys("prompts: [drums]\nseed: many")
    studio.button("Use it").click()
    wait_until(lambda: "The recipe, line 2" in "".join(studio.texts(".recipe-dialog .warn")), "the refusal")
    field.send_keys(Keys.CONTROL, "a")
    studio.browser.execute_cdp_cmd("Input.insertText", {"text": copied})
    studio.button("Use it").click()
    wait_until(lambda: studio.prompts == ["drums"] and not studio.texts(".recipe-dialog h2"), "the pasted recipe")
    wait_until(
        lambda: "Keep stems" in studio.texts(".made-actions button"), "what the recipe asks for is heard already"
    )


def test_a_polite_sentence_is_met_with_better_words(studio: Studio) -> None:
    studio.set("Separator", "SAM-Audio (PyTorch)")
    studio.type("Please extract the man")
    wait_until(lambda: "try “man”" in "".join(studio.texts(".prompts-note")), "the advice")
    studio.button("Use “man”").click()
    wait_until(lambda: studio.prompts == ["man"] and not studio.texts(".prompts-note"), "the better words")
    studio.set("Separator", "Automatic")


def test_the_keys_are_shown_with_a_question_mark_and_not_while_one_types(studio: Studio) -> None:
    studio.one(".prompt-input").send_keys("what?")
    assert not studio.texts(".keymap dialog h2")
    studio.js("document.activeElement.blur()")
    ActionChains(studio.browser).send_keys("?").perform()
    wait_until(lambda: studio.texts(".keymap dialog h2") == ["Keys"], "the keys")
    assert "Play and pause" in studio.texts(".keymap dd")
    ActionChains(studio.browser).send_keys(Keys.ESCAPE).perform()
    wait_until(lambda: not studio.texts(".keymap dialog h2"), "the page again")
    studio.one(".prompt-input").send_keys(Keys.CONTROL, "a")
    studio.one(".prompt-input").send_keys(Keys.DELETE)
