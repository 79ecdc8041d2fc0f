"""Spans on the Studio page: painted, in the request that is run, and one chunk done anew. With a tiny SAM-Audio."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import soundfile
import yaml
from selenium.webdriver import ActionChains, Keys

from separation.outline import outline
from separation.request import Request
from tests.browser import DESKTOP, chromium, console_errors, resize, wait_until
from tests.sam_models import CHECKPOINT, clip
from tests.server import running_server
from tests.studio_steps import RUN_S, Studio

pytestmark = pytest.mark.browser
RATE, DURATION_S = 48_000, 8
RECIPE = f"""
prompts: [violin, man speaking]
backend: sam_torch
model: {CHECKPOINT}
device: cpu
solver: {{method: euler, n_steps: 2}}
chunks: {{chunk_s: 2, overlap_s: 0.5}}
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Eight seconds on the desk, to be separated by the tiny model."""
    song = tmp_path_factory.mktemp("files") / "song.wav"
    soundfile.write(song, clip(RATE * DURATION_S), RATE)
    with running_server() as server, chromium() as browser:
        resize(browser, DESKTOP)
        studio = Studio(browser, server.url).open().bring(song)
        permissions = {"permissions": ["clipboardReadWrite"], "origin": server.url}
        browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
        paste(studio, RECIPE)
        yield studio
        assert console_errors(browser) == []
        assert "Traceback" not in server.log()


def paste(studio: Studio, written: str) -> None:
    studio.button("Paste recipe").click()
    studio.one(".recipe-dialog textarea").send_keys(Keys.CONTROL, "a")
    studio.browser.execute_cdp_cmd("Input.insertText", {"text": written})
    studio.button("Use it").click()
    wait_until(lambda: not studio.texts(".recipe-dialog h2"), "the recipe to be taken")


def request(studio: Studio) -> Request:
    """What is asked for, as “Copy recipe” has it."""
    studio.button("Copy recipe").click()
    script = "const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))"
    copied: str = studio.browser.execute_async_script(script)
    return Request.from_dict(yaml.safe_load(copied))


def anchors(studio: Studio, prompt: str) -> list[tuple[str, float, float]]:
    (found,) = [one for one in request(studio).prompts if one.text == prompt]
    return [(anchor.sign, round(anchor.start_s, 2), round(anchor.stop_s, 2)) for anchor in found.anchors]


def paint(studio: Studio, tool: str, start_s: float, stop_s: float) -> None:
    """Drag with a tool over a stretch of the waveform."""
    (chosen,) = [one for one in studio.all(".toolbar .seg button") if one.text == tool]
    chosen.click()
    stage = studio.one(".wave-stage")
    width = studio.js("return arguments[0].clientWidth", stage)
    x = [round(width * (second / DURATION_S - 0.5)) for second in (start_s, stop_s)]
    mouse = ActionChains(studio.browser).move_to_element_with_offset(stage, x[0], 20)
    mouse.click_and_hold().move_by_offset(x[1] - x[0], 0).release().perform()


def chip(studio: Studio, words: str) -> str:
    return next((text for text in studio.prompts if text.startswith(words)), "")


def test_what_is_painted_is_what_is_asked_for_of_the_chosen_prompt(studio: Studio) -> None:
    assert request(studio).model == str(CHECKPOINT)
    studio.all(".chip-body")[0].click()
    paint(studio, "+ here", 1, 2)
    wait_until(lambda: "+1" in chip(studio, "violin"), "the span at its prompt")
    (plus,) = anchors(studio, "violin")
    assert plus[0] == "+" and abs(plus[1] - 1) < 0.1 and abs(plus[2] - 2) < 0.1
    assert all(abs(25 * border - round(25 * border)) < 0.3 for border in plus[1:]), "on frames of 40 ms"
    studio.all(".chip-body")[1].click()
    paint(studio, "- not here", 4, 5)
    wait_until(lambda: "-1" in chip(studio, "man"), "the span of the other prompt")
    assert [one[0] for one in anchors(studio, "man speaking")] == ["-"]
    assert anchors(studio, "violin") == [plus]
    ActionChains(studio.browser).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
    wait_until(lambda: "-1" not in chip(studio, "man"), "undo")
    studio.reload()
    wait_until(lambda: "+1" in chip(studio, "violin"), "the span after a reload")
    assert anchors(studio, "violin") == [plus]


def test_the_strip_is_cut_as_the_engine_cuts_and_follows_the_settings(studio: Studio) -> None:
    strip = "return document.querySelector('.wave-strip').getAttribute('aria-label')"
    expected = outline(request(studio), RATE * DURATION_S, RATE)
    assert expected is not None
    wait_until(lambda: str(len(expected.spans_s)) in studio.js(strip), "the chunks that the engine will cut")
    studio.set("Length", 4)
    wait_until(lambda: "2 chunks" in studio.js(strip) or "3 chunks" in studio.js(strip), "fewer and longer ones")
    studio.set("Length", 2)
    wait_until(lambda: str(len(expected.spans_s)) in studio.js(strip), "those from before")


def test_one_chunk_is_done_anew_and_the_old_result_stays(studio: Studio) -> None:
    studio.start().finish("violin", "man speaking", "everything else")
    first = studio.one('[aria-label="Download violin"]').get_attribute("href")
    strip = studio.one(".wave-strip")
    ActionChains(studio.browser).move_to_element_with_offset(strip, 0, 2).click().perform()
    wait_until(lambda: any(words.startswith("Chunk ") for words in studio.texts(".chunk-name")), "the chunk's row")
    assert any("explained" in words for words in studio.texts(".chunk-row span"))
    studio.button("Re-roll").click()
    other = wait_until(lambda: _other_than(studio, first), "the second result", RUN_S)
    report = yaml.safe_load(studio.fetch(other.split("/0/")[0] + "/report.yaml"))
    n_chunks = len(outline(request(studio), RATE * DURATION_S, RATE).spans_s)  # type: ignore[union-attr]
    assert (report["chunks"]["computed"], report["chunks"]["from_store"]) == (1, n_chunks - 1)
    labels = [option.text for option in studio.setting("Result").find_elements("css selector", "option")]
    assert len(labels) == 2 and sum("re-rolled" in label for label in labels) == 1


def _other_than(studio: Studio, link: str) -> str | None:
    now = studio.js("return document.querySelector('[aria-label=\"Download violin\"]')?.href")
    return now if now and now != link else None
