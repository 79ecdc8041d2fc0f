"""The page of one waveform with its spans, as tests/support/player_app.py serves it, and what a person does there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import DESKTOP, console_errors, prefer, resize, wait_until
from tests.support.player_app import N_SAMPLES, SAMPLE_RATE

DURATION_S = N_SAMPLES / SAMPLE_RATE  # 21.0257
FRAME_S = 0.04


class SpansPage:
    """The page of one waveform with its spans, and what a person does there."""

    def __init__(self, driver: Chrome, address: str) -> None:
        self.driver, self.address = driver, address
        self.js = driver.execute_script

    def open(self, spans: str = "", *, elsewhere: str = "", size: tuple[int, int] = DESKTOP, **more: object) -> None:
        resize(self.driver, size)
        prefer(self.driver, "dark")
        query = "&".join(f"{name}={quote(str(value))}" for name, value in more.items())
        self.driver.get(f"{self.address}/spans?spans={quote(spans)}&elsewhere={quote(elsewhere)}&{query}")
        ready = """return window.did_handshake && !document.querySelector('.wave-note')
            && document.querySelector('.span-bar')"""
        wait_until(lambda: self.js(ready), "the waveform")
        console_errors(self.driver)

    # what is there

    def heard(self) -> dict[str, Any]:
        """What the server knows: {"changes", "spans"}."""
        found: dict[str, Any] = json.loads(self.js("return document.getElementById('heard').textContent"))
        return found

    def after(self, changes: int) -> list[str]:
        """The spans after exactly so many changes, as text: "+ 1.2 2.0"."""
        wait_until(lambda: self.heard()["changes"] >= changes, f"change {changes}")
        assert self.heard()["changes"] == changes
        return [f"{span['sign']} {span['start_s']:g} {span['stop_s']:g}" for span in self.heard()["spans"]]

    def drawn(self) -> list[str]:
        """The names of the spans that can be changed, as a screen reader says them."""
        names: list[str] = self.js(
            "return [...document.querySelectorAll('.spans [role=slider]')].map((span) => span.ariaLabel)"
        )
        return names

    def span(self, index: int = 0) -> WebElement:
        return self.driver.find_elements(By.CSS_SELECTOR, ".spans [role=slider]")[index]

    def words(self) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, ".span-bar [role=status]").text

    def label_under_the_hand(self) -> str:
        found = self.driver.find_elements(By.CSS_SELECTOR, ".span-label")
        return found[0].text if found else ""

    def position_s(self) -> float:
        samples: int = self.js("return window.audioPlayground.player.position")
        return samples / SAMPLE_RATE

    def tool(self, label: str) -> None:
        self.js(
            "[...document.querySelectorAll('.seg button')].find((b) => b.innerText.trim() === arguments[0]).click()",
            label,
        )
        chosen = "return [...document.querySelectorAll('.seg .on')].map((b) => b.innerText.trim())"
        wait_until(lambda: label in self.js(chosen), label)
        painting = "return !!document.querySelector('.spans.painting')"
        if label in ("Select", "+ Here", "− Not here"):
            wait_until(lambda: self.js(painting) == (label != "Select"), "the tool in hand")

    def press(self, name: str) -> None:
        self.js("document.getElementById(arguments[0]).click()", name)

    def button(self, words: str) -> None:
        self.driver.find_element(By.XPATH, f"//button[normalize-space()='{words}']").click()

    # gestures

    def xy(self, time_s: float) -> tuple[int, int]:
        """Where a time lies on the screen, in the middle of the waveform."""
        box = self.js("const {left, top, width, height} = document.querySelector('.spans').getBoundingClientRect();"
                      "return {left, top, width, height}")  # fmt: skip
        return round(box["left"] + time_s / DURATION_S * box["width"]), round(box["top"] + box["height"] * 0.7)

    def drag(self, *times_s: float, drop: bool = True) -> None:
        """Press the mouse at the first time and move it over the others."""
        hand = ActionChains(self.driver, duration=0)
        mouse = hand.w3c_actions.pointer_action
        mouse.move_to_location(*self.xy(times_s[0]))
        mouse.pointer_down()
        for time_s in times_s[1:]:
            mouse.move_to_location(*self.xy(time_s))
        if drop:
            mouse.pointer_up()
        hand.perform()

    def release(self) -> None:
        hand = ActionChains(self.driver, duration=0)
        hand.w3c_actions.pointer_action.pointer_up()
        hand.perform()

    def keys(self, *keys: str) -> None:
        """To whatever has the focus."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def chord(self, held: str, key: str, times: int = 1, also: str = "") -> None:
        hand = ActionChains(self.driver, duration=0).key_down(held)
        if also:
            hand.key_down(also)
        for _ in range(times):
            hand.send_keys(key)
        if also:
            hand.key_up(also)
        hand.key_up(held).perform()

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """One event of fingers: "touchStart", "touchMove" with every finger that lies there, "touchEnd" with none."""
        fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def finger(self, *path: tuple[float, float]) -> None:
        self.touch("touchStart", path[0])
        for point in path[1:]:
            self.touch("touchMove", point)
        self.touch("touchEnd")


@contextmanager
def spans_page(driver: Chrome, address: str) -> Iterator[SpansPage]:
    """Lets go of the mouse afterwards; nothing may have been complained about in the console."""
    yield SpansPage(driver, address)
    driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": 0, "y": 0, "button": "left"})
    assert console_errors(driver) == []
