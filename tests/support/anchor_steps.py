"""Steps that paint spans in the Studio and read the resulting request, with a tiny SAM-Audio."""

from __future__ import annotations

from pathlib import Path

import soundfile
import yaml
from selenium.webdriver import ActionChains, Keys

from separation.request import Request
from tests.support.browser import wait_until
from tests.support.sam_models import CHECKPOINT, clip
from tests.support.studio_steps import Studio

RATE, DURATION_S = 48_000, 8
RECIPE = f"""
prompts: [violin, man speaking]
backend: sam_torch
model: {CHECKPOINT}
device: cpu
solver: {{method: euler, n_steps: 2}}
chunks: {{chunk_s: 2, overlap_s: 0.5}}
"""


def marking(studio: Studio, folder: Path) -> Studio:
    """The Studio with a recording of eight seconds open and two prompts."""
    song = folder / "song.wav"
    soundfile.write(song, clip(RATE * DURATION_S), RATE)
    permissions = {"permissions": ["clipboardReadWrite"], "origin": studio.url}
    studio.browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    paste(studio.open().bring(song), RECIPE)
    return studio


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


def choose_tool(studio: Studio, tool: str) -> None:
    """Take a tool in hand."""
    (chosen,) = [one for one in studio.all(".tools .seg button") if one.text == tool]
    chosen.click()
    painting = "return !!document.querySelector('.spans.painting')"
    wait_until(lambda: studio.js(painting) == (tool != "Seek"), f"the tool {tool}")


def paint(studio: Studio, tool: str, start_s: float, stop_s: float) -> None:
    """Drag with a tool over a stretch of the waveform."""
    choose_tool(studio, tool)
    stage = studio.one(".wave-stage")
    width = studio.js("return arguments[0].clientWidth", stage)
    x = [round(width * (second / DURATION_S - 0.5)) for second in (start_s, stop_s)]
    mouse = ActionChains(studio.browser).move_to_element_with_offset(stage, x[0], 20)
    mouse.click_and_hold().move_by_offset(x[1] - x[0], 0).release().perform()


def chip(studio: Studio, words: str) -> str:
    return next((text for text in studio.prompts if text.startswith(words)), "")
