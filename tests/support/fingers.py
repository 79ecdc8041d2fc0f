"""A finger on a page: touches as a browser gets them from a screen, each step seen by the page before the next."""

from __future__ import annotations

import time

from selenium.webdriver import Chrome
from selenium.webdriver.remote.webelement import WebElement

N_STEPS = 8  # of a swipe
REST_S = 0.1  # before the finger is lifted: after a flick a browser takes the next touch for its end

Point = tuple[float, float]  # in CSS pixels


def middle(driver: Chrome, element: WebElement) -> Point:
    """The middle of what is to be touched."""
    script = """const {x, y, width, height} = arguments[0].getBoundingClientRect();
        return [x + width / 2, y + height / 2]"""
    x, y = driver.execute_script(script, element)
    return x, y


def touch(driver: Chrome, kind: str, *points: Point) -> None:
    """One event: "touchStart" and "touchMove" with every finger that lies there, "touchEnd" with none."""
    fingers = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(points)]
    driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def tap(driver: Chrome, element: WebElement) -> None:
    """Touch the middle of an element and let go."""
    touch(driver, "touchStart", middle(driver, element))
    touch(driver, "touchEnd")


def swipe(driver: Chrome, start: Point, *, by: Point) -> None:
    """Lay a finger on a point, move it, and lift it."""
    touch(driver, "touchStart", start)
    for k in range(1, N_STEPS + 1):
        touch(driver, "touchMove", (start[0] + by[0] * k / N_STEPS, start[1] + by[1] * k / N_STEPS))
    time.sleep(REST_S)
    touch(driver, "touchEnd")
